/** Facts about apps in the words people read. */
import type { State } from '../domain/states.ts';
import type { Output } from './output.ts';

export { age, duration } from '../domain/durations.ts';

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
