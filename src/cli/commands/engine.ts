import { callOnce } from '../../client/unix.ts';
import type { Command } from '../command.ts';

/** Status 1 when no app can be started, so that scripts can ask. */
export const engine: Command = async ({ daemon, output }) => {
  const report = await callOnce(daemon, ['getEngine', {}]);
  const { answers, at, why, next, can, lacks, cannot } = report;
  if (output.json) output.data(report);
  else {
    const name = at === null ? `${report.engine} (${report.runtime})` : `${report.engine} (${at})`;
    output.line(`${name}: ${answers ? output.style('green', 'answers') : output.style('red', 'does not answer')}`);
    if (why !== null) output.line(`  why: ${why}`);
    if (next !== null) output.line(`  next: ${next}`);
    for (const one of can) output.line(`it can ${one}`);
    for (const lack of lacks) {
      output.line(`${output.style('yellow', 'missing')}: ${lack.what}`);
      output.line(`  why: ${lack.why}`);
      output.line(`  next: ${lack.next}`);
    }
    for (const one of cannot) output.line(`it cannot ${one}`);
  }
  return answers ? 0 : 1;
};
