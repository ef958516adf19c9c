/** Facts about apps in the words people read. */
import type { ExitRecord } from '../domain/exit.ts';
import type { State } from '../domain/states.ts';
import type { Output } from './output.ts';

const STYLES: Readonly<Partial<Record<State, 'green' | 'yellow' | 'cyan' | 'dim'>>> = {
  RUNNING: 'green',
  SUSPENDED: 'yellow',
  HIBERNATED: 'cyan',
  TERMINATED: 'dim',
};

export function stateWord(state: State, output: Output): string {
  const style = STYLES[state];
  return style === undefined ? state : output.style(style, state);
}

/** `exited 3`, `killed by signal 9 (oom)`. */
export function exitWords({ code, signal, cause }: ExitRecord): string {
  const how = signal === null ? `code ${code ?? 'unknown'}` : `signal ${signal}`;
  return `${cause} (${how})`;
}

const UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'm'],
];

/** `3m` since an ISO 8601 time: the largest unit that fits. */
export function age(since: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(since)) / 1000));
  const [size, unit] = UNITS.find(([limit]) => seconds >= limit) ?? [1, 's'];
  return `${Math.floor(seconds / size)}${unit}`;
}
