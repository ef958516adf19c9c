import { callOnce } from '../../client/unix.ts';
import type { Command, Invocation } from '../command.ts';
import { mountOf } from '../values.ts';

export const mount: Command = async ({ operands: [appInstanceId = '', text = ''], daemon, output, cwd }) => {
  const { already } = await callOnce(daemon, ['mount', { appInstanceId, ...mountOf('SRC:DST', text, cwd) }]);
  say(output, { appInstanceId, already, note: 'it was mounted already' });
  return 0;
};

export const unmount: Command = async ({ operands: [appInstanceId = '', destination = ''], daemon, output }) => {
  const { already } = await callOnce(daemon, ['unmount', { appInstanceId, destination }]);
  say(output, { appInstanceId, already, note: 'nothing was mounted there' });
  return 0;
};

type Outcome = { readonly appInstanceId: string; readonly already: boolean; readonly note: string };

function say(output: Invocation['output'], { appInstanceId, already, note }: Outcome): void {
  if (output.json) output.data({ appInstanceId, already });
  else if (already) output.note(note);
}
