import { RuntimeError } from '../../domain/errors.ts';
import type { Command } from '../command.ts';
import { SCRIPTS } from '../shells.ts';

export const completion: Command = async ({ operands: [shell = ''], output }) => {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `there is no completion for ${JSON.stringify(shell)}`,
      next: `give one of ${Object.keys(SCRIPTS).join(', ')}`,
    });
  }
  if (output.json) output.data({ shell, script });
  else output.raw(script);
  return 0;
};
