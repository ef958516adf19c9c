import { callOnce } from '../../client/unix.ts';
import type { Problem } from '../../domain/health.ts';
import type { Command } from '../command.ts';
import type { Output } from '../output.ts';

/** Status 1 when something fails, so that scripts can ask. */
export const problems: Command = async ({ daemon, output }) => {
  const health = await callOnce(daemon, ['getHealth', {}]);
  if (output.json) output.data(health);
  else if (health.problems.length === 0) output.note('nothing is wrong');
  else for (const problem of health.problems) print(problem, output);
  return health.problems.some(({ state }) => state === 'fail') ? 1 : 0;
};

function print({ state, code, what, why, next, since }: Problem, output: Output): void {
  output.line(
    `${output.style(state === 'fail' ? 'red' : 'yellow', state)} ${code}: ${what}${since === null ? '' : ` (${since})`}`,
  );
  output.line(`  why: ${why}`);
  output.line(`  next: ${next}`);
}
