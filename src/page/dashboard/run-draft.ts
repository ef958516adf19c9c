/** What the form says, and the description of an app that it makes. */
import { signal } from '@preact/signals';
import { RuntimeError, type AppInput, type MethodInput } from '../../client/browser.ts';
import { parseSize } from '../../domain/size.ts';
import { splitWords } from './command-words.ts';

export type Draft = {
  readonly appId: string;
  readonly instance: string;
  readonly source: 'host' | 'image' | 'bundle' | 'dir';
  readonly place: string;
  readonly command: string;
  readonly memory: string;
  readonly cpus: string;
  readonly network: 'none' | 'nat' | 'host';
  readonly ports: string;
  readonly display: string;
  readonly env: string;
  readonly restart: 'never' | 'on-failure' | 'always';
  readonly hibernation: 'on' | 'off';
};

const EMPTY: Draft = {
  ...{ appId: '', instance: '', source: 'host', place: '', command: '', memory: '', cpus: '', network: 'none' },
  ...{ ports: '', display: '', env: '', restart: 'never', hibernation: 'on' },
};

export const draft = signal<Draft>(EMPTY);

export const change = (part: Partial<Draft>): void => {
  draft.value = { ...draft.value, ...part };
};

const keyOf = (instance: string): string => `runtime-manager-draft/${instance}`;

/** So that an app that was run from this tab can be run again with the same words. */
export const keepDraft = (instance: string): void =>
  sessionStorage.setItem(keyOf(instance), JSON.stringify({ ...draft.value, instance }));

/** An app that ended: with its words, where this tab knows them. */
export function draftAgain(instance: string, appId: string): void {
  const kept = sessionStorage.getItem(keyOf(instance));
  const known = kept === null ? {} : (JSON.parse(kept) as Partial<Draft>);
  draft.value = { ...EMPTY, appId, ...known, instance };
}

/** What is still to be filled in; undefined when it can be sent. */
export function missingIn({ appId, source, place, command }: Draft): string | undefined {
  if (appId === '') return 'Give the app a name.';
  if (source !== 'host' && place === '') return 'Say where its files are.';
  if (source !== 'bundle' && source !== 'image' && command.trim() === '') return 'Say which command it runs.';
  return undefined;
}

/** Throws INVALID_ARGUMENT. */
export function orderOf(from: Draft): MethodInput<'run'> {
  return {
    appId: from.appId,
    ...(from.instance !== '' && { appInstanceId: from.instance }),
    app: appOf(from),
  };
}

function appOf({ source, place, command, memory, cpus, network, ports, display, env, ...rest }: Draft): AppInput {
  const args = splitWords(command);
  return {
    rootfs: source === 'host' ? { host: true } : ({ [source]: place } as AppInput['rootfs']),
    ...(args.length > 0 && { args }),
    ...(env.trim() !== '' && { env: envOf(env) }),
    limits: {
      ...(memory !== '' && { memoryBytes: parseSize(memory) }),
      ...(cpus !== '' && { cpus: numberOf('processor', cpus) }),
    },
    network,
    ...(ports.trim() !== '' && {
      ports: ports
        .trim()
        .split(/[\s,]+/)
        .map(portOf),
    }),
    ...(display !== '' && { display: displayOf(display) }),
    hibernation: { enabled: rest.hibernation === 'on' },
    restart: { policy: rest.restart },
  };
}

const wrong = (what: string, next: string): RuntimeError => new RuntimeError('INVALID_ARGUMENT', { what, next });

function numberOf(name: string, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw wrong(`${name} cannot be ${JSON.stringify(text)}`, 'write a number of cores like 0.5');
}

function portOf(text: string): NonNullable<AppInput['ports']>[number] {
  const [, host, app, protocol = 'tcp'] = /^(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? [];
  if (host === undefined) throw wrong(`${JSON.stringify(text)} is no pair of ports`, 'write HOST:APP like 8080:80');
  return { host: Number(host), app: Number(app), protocol: protocol as 'tcp' | 'udp' };
}

function displayOf(text: string): NonNullable<AppInput['display']> {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text.trim()) ?? [];
  if (width === undefined) throw wrong(`${JSON.stringify(text)} is no size of a display`, 'write it like 1280x720');
  return { width: Number(width), height: Number(height) };
}

/** A line for each variable. */
const envOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const at = line.indexOf('=');
        if (at < 1) throw wrong(`${JSON.stringify(line)} is no variable`, 'write a line like NAME=value for each');
        return [line.slice(0, at).trim(), line.slice(at + 1)];
      }),
  );
