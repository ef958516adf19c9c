/** Small pieces that several views have. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { State } from '../../client/browser.ts';
import { ofRoot } from './command-words.ts';
import { daemon } from './session.ts';
import { STATE_WORDS } from './state-words.ts';

const SIGNS = {
  dot: <circle cx="8" cy="8" r="5" />,
  bars: <path d="M3.5 3h3v10h-3zM9.5 3h3v10h-3z" />,
  moon: <path d="M9.5 1.500a6.5 6.5 0 1 0 5 8.500A6 6 0 0 1 9.5 1.500z" />,
  ring: <path d="M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 2.200a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.600z" />,
  turn: <path d="M8 1.500A6.5 6.5 0 1 1 1.5 8h2.200A4.3 4.3 0 1 0 8 3.700z" />,
};

export function Badge({ state }: { readonly state: State }) {
  const { word, sign, tone } = STATE_WORDS[state];
  return (
    <span class={`badge ${tone}`} data-state={state}>
      <svg viewBox="0 0 16 16" class={sign === 'turn' ? 'turn' : ''} aria-hidden="true">
        {SIGNS[sign]}
      </svg>
      {word}
    </span>
  );
}

type PanelProps = {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly hidden?: boolean;
};

export function Panel({ title, aside, children, class: name = '', hidden = false }: PanelProps) {
  return (
    <section class={`panel ${name}`} aria-label={title} hidden={hidden}>
      <header>
        <h3>{title}</h3>
        {aside}
      </header>
      {children}
    </section>
  );
}

type TileProps = { readonly name: string; readonly value: string; readonly children?: ComponentChildren };

export const Tile = ({ name, value, children }: TileProps) => (
  <div class="tile">
    <span>{name}</span>
    <strong>{value}</strong>
    {children}
  </div>
);

/** A name and what it is, in pairs. */
export function Facts({ rows }: { readonly rows: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A command for a terminal, to be copied where the browser allows that. */
export function CommandLine({ text: command }: { readonly text: string }) {
  const text = ofRoot(command, daemon.value?.root);
  const [isCopied, setCopied] = useState(false);
  const copy = (): void =>
    void navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <span class="command">
      <code>{text}</code>
      {isSecureContext && (
        <button type="button" class="quiet" onClick={copy} aria-label={`Copy: ${text}`}>
          {isCopied ? 'Copied' : 'Copy'}
        </button>
      )}
    </span>
  );
}

type ChoiceProps<Value extends string> = {
  readonly label: string;
  readonly value: Value;
  readonly options: readonly (readonly [value: Value, text: ComponentChildren])[];
  readonly onChoose: (value: Value) => void;
};

/** One of few, as buttons: arrow keys walk over them and change nothing. */
export function Choice<Value extends string>({ label, value, options, onChoose }: ChoiceProps<Value>) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChoose(option)}>
          {text}
        </button>
      ))}
    </div>
  );
}

export const timeOfDay = (iso: string): string => new Date(iso).toLocaleTimeString('en-GB');

/** The date too, where it is not today's. */
export function moment(iso: string): string {
  const then = new Date(iso);
  const isToday = then.toDateString() === new Date().toDateString();
  return isToday ? timeOfDay(iso) : `${then.toLocaleDateString('en-CA')} ${timeOfDay(iso)}`;
}

/** The daemon writes its times in UTC; what is beside them here is in this place's. */
export const inLocalTime = (text: string): string =>
  text.replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, moment);

/** Changes as time goes by, in ms since 1970. */
export function useClock(stepMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), stepMs);
    return () => clearInterval(timer);
  }, [stepMs]);
  return now;
}

/** `4.2 %` of one core. */
export const cpuWords = (share: number | null | undefined): string =>
  share === null || share === undefined ? '–' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

type Search = { readonly what: string; readonly value: string; readonly onChange: (text: string) => void };

/** `what` is its label, and stands in it while it is empty. */
export const SearchField = ({ what, value, onChange }: Search) => (
  <input
    type="search"
    placeholder={what}
    aria-label={what}
    value={value}
    onInput={({ currentTarget }) => onChange(currentTarget.value)}
  />
);
