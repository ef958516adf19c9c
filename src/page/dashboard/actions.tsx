/** A button for each operation that is allowed now, and what came of the last one. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { AppInfo, RuntimeError, State } from '../../client/browser.ts';
import { duration } from '../../domain/durations.ts';
import { allowedIn } from '../../domain/states.ts';
import { DONE, forgetOutcome, outcomes, perform, underWay, type Deed, type Outcome } from './operations.ts';
import { timeOfDay, useClock } from './parts.tsx';
import { go } from './route.ts';
import { observes, phase } from './session.ts';
import { draftAgain } from './run-draft.ts';

const LABELS: Readonly<Record<Deed, string>> = {
  suspend: 'Suspend',
  resume: 'Resume',
  hibernate: 'Hibernate',
  wake: 'Wake',
  terminate: 'Terminate',
  kill: 'Kill',
};

/** What cannot be undone is pressed twice. */
const ENDS: ReadonlySet<Deed> = new Set(['terminate', 'kill']);

type Props = {
  readonly id: string;
  readonly appId: string;
  readonly state: State;
  readonly restart: AppInfo['restart'] | undefined;
};

export function Actions({ id, appId, state, restart }: Props) {
  const busy = underWay.value.get(id);
  const isAway = phase.value !== 'live';
  const { group, onFocusIn, onFocusOut } = useKeptFocus(state);
  return (
    <div
      ref={group}
      class="actions"
      role="group"
      aria-label={`Operations of ${id}`}
      onFocusIn={onFocusIn}
      onFocusOut={onFocusOut}
    >
      {allowedIn(state).map((operation) =>
        operation === 'run' ? (
          <button key="run" type="button" class="main" onClick={() => runAgain(id, appId)}>
            Run again…
          </button>
        ) : (
          <ActionButton
            key={operation}
            deed={operation}
            // a kill overtakes whatever is under way
            isOff={isAway || observes.value || (busy !== undefined && operation !== 'kill')}
            isBusy={busy?.deed === operation}
            onPress={() => void perform(id, operation)}
          />
        ),
      )}
      {state === 'TERMINATED' && restart !== undefined && restart.dueAt !== null && (
        <>
          <ActionButton
            deed="kill"
            label="Do not start again"
            isOff={isAway || observes.value || busy !== undefined}
            isBusy={busy !== undefined}
            onPress={() => void perform(id, 'kill')}
          />
          <p class="soft">
            It is started again at {timeOfDay(restart.dueAt)} (attempt {restart.attempts}).
          </p>
        </>
      )}
      {observes.value && <p class="soft">This token may look, and change nothing.</p>}
    </div>
  );
}

/** A button that goes with its state must not take the focus along: keys would be lost. */
function useKeptFocus(state: State) {
  const group = useRef<HTMLDivElement>(null);
  const isInside = useRef(false);
  useLayoutEffect(() => {
    if (isInside.current && document.activeElement === document.body) group.current?.querySelector('button')?.focus();
  }, [state]);
  return {
    group,
    onFocusIn: () => {
      isInside.current = true;
    },
    onFocusOut: ({ relatedTarget }: FocusEvent) => {
      if (relatedTarget !== null) isInside.current = false;
    },
  };
}

function runAgain(id: string, appId: string): void {
  draftAgain(id, appId);
  go('#/run');
}

type ButtonProps = {
  readonly deed: Deed;
  /** Ends nothing: it is pressed once. */
  readonly label?: string;
  readonly isOff: boolean;
  readonly isBusy: boolean;
  readonly onPress: () => void;
};

const ASK_MS = 10_000;

function ActionButton({ deed, label, isOff, isBusy, onPress }: ButtonProps) {
  const asks = label === undefined && ENDS.has(deed);
  const [isAsked, setAsked] = useState(false);
  useEffect(() => {
    if (!isAsked) return undefined;
    const timer = setTimeout(() => setAsked(false), ASK_MS);
    return () => clearTimeout(timer);
  }, [isAsked]);
  const press = (): void => {
    const isLast = isAsked || !asks;
    setAsked(!isLast);
    if (isLast && !isOff) onPress();
  };
  return (
    <button
      type="button"
      class={`${asks ? 'danger' : ''} ${isAsked ? 'asked' : ''}`}
      data-deed={deed}
      // stays in the order of focus while it works
      aria-disabled={isOff}
      aria-busy={isBusy}
      onClick={press}
      onBlur={() => setAsked(false)}
    >
      {label ?? (isAsked ? `${LABELS[deed]}: press again` : LABELS[deed])}
    </button>
  );
}

/** How the operation under way gets on, and how the last one ended. */
export function Progress({ id }: { readonly id: string }) {
  const busy = underWay.value.get(id);
  const outcome = outcomes.value.get(id);
  return (
    <>
      {busy !== undefined && <Working deed={busy.deed} sinceMs={busy.sinceMs} />}
      {busy === undefined && outcome !== undefined && <Ended id={id} outcome={outcome} />}
    </>
  );
}

function Working({ deed, sinceMs }: { readonly deed: Deed; readonly sinceMs: number }) {
  useClock(100);
  return (
    <div class="progress">
      <progress aria-label={`${deed} is under way`} />
      <span>
        {deed} · {duration(performance.now() - sinceMs)}
      </span>
    </div>
  );
}

function Ended({ id, outcome: { deed, ms, error } }: { readonly id: string; readonly outcome: Outcome }) {
  if (error !== undefined) return <Fault error={error} onClose={() => forgetOutcome(id)} />;
  return (
    <p class="outcome">
      {DONE[deed]} after {duration(ms)}
    </p>
  );
}

export function Fault({ error, onClose }: { readonly error: RuntimeError; readonly onClose?: () => void }) {
  return (
    <div class="fault" role="alert">
      <p>
        <b>{error.code}</b> {error.message}
      </p>
      {error.next !== undefined && <p class="next">{error.next}</p>}
      {onClose !== undefined && (
        <button type="button" class="quiet" onClick={onClose}>
          Close
        </button>
      )}
    </div>
  );
}
