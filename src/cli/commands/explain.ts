import { callOnce } from '../../client/unix.ts';
import type { Finding } from '../../domain/hibernation.ts';
import type { Command } from '../command.ts';

export const explain: Command = async ({ operands, daemon, output }) => {
  const appInstanceId = operands[0] ?? '';
  const explanation = await callOnce(daemon, ['explainHibernation', { appInstanceId }]);
  if (output.json) {
    output.data(explanation);
    return 0;
  }
  const { possible, findings, log } = explanation;
  output.line(
    possible === 'yes'
      ? `${appInstanceId} can be hibernated, as far as can be seen`
      : `${appInstanceId} cannot be hibernated now`,
  );
  for (const finding of findings) for (const line of linesOf(finding)) output.line(line);
  if (log !== null) output.line(`CRIU's log of the last attempt that failed: ${log}`);
  return 0;
};

const linesOf = ({ blocks, what, why, next, process, descriptor, evidence }: Finding): readonly string[] => [
  '',
  `${blocks ? 'stops it' : 'remark'}: ${what}`,
  ...(process === undefined
    ? []
    : [`  process: ${process.name} (pid ${process.pid}, inside ${process.innerPid ?? '?'})`]),
  ...(descriptor === undefined ? [] : [`  descriptor: ${descriptor.fd} (${descriptor.target})`]),
  `  why: ${why}`,
  `  next: ${next}`,
  ...(evidence === undefined ? [] : [`  CRIU said: ${evidence}`]),
];
