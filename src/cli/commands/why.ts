import type { Address } from '../../client/address.ts';
import { callOnce } from '../../client/unix.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { printable } from '../../domain/printable.ts';
import { whyOf, type Why } from '../../domain/why.ts';
import type { Command } from '../command.ts';
import { historyTable } from '../history-table.ts';
import type { Output } from '../output.ts';

const LOG_LINES = 10;

export const why: Command = async ({ operands: [appInstanceId = ''], daemon, output }) => {
  const found = await askAll(daemon, appInstanceId);
  if (output.json) output.data(found);
  else print(found, output);
  return 0;
};

/** Throws NOT_FOUND when not even the event log knows it. */
async function askAll(daemon: Address, appInstanceId: string): Promise<Why> {
  const [history, info, page, health] = await Promise.all([
    historyOf(daemon, appInstanceId),
    known(callOnce(daemon, ['getInfo', { appInstanceId }])),
    known(callOnce(daemon, ['getLogs', { appInstanceId, tail: LOG_LINES }])),
    callOnce(daemon, ['getHealth', {}]),
  ]);
  const problems = health.problems.filter((problem) => problem.appInstanceId === appInstanceId);
  if (history !== null) return whyOf({ history, info, problems, log: page?.lines ?? [] });
  const [problem] = problems;
  if (problem === undefined) throw nobodyKnows(appInstanceId);
  return refused(appInstanceId, problems);
}

const historyOf = (daemon: Address, appInstanceId: string) =>
  known(callOnce(daemon, ['getHistory', { appInstanceId, limit: 10_000 }]));

const known = <Value>(asked: Promise<Value>): Promise<Value | null> =>
  asked.catch((error: unknown) => {
    if (error instanceof RuntimeError && error.code === 'NOT_FOUND') return null;
    throw error;
  });

const nobodyKnows = (id: string): RuntimeError =>
  new RuntimeError('NOT_FOUND', {
    what: `neither the daemon nor its event log knows ${JSON.stringify(id)}`,
    next: 'see what there is: runtimectl ps --all; what the event log has: runtimectl events --since 0',
  });

/** It never came to be: the refusal of its run is all there is. */
function refused(appInstanceId: string, problems: Why['problems']): Why {
  const [problem] = problems;
  return {
    appId: (problem?.appId ?? '') as Why['appId'],
    appInstanceId: appInstanceId as Why['appInstanceId'],
    ...{ state: null, chain: [], complete: true, exit: null, evidence: [], problems, log: [] },
    summary: `${appInstanceId} never came to run: ${problem?.what ?? ''}`,
    next: problems.map(({ next }) => next),
  };
}

function print({ summary, problems, exit, chain, complete, evidence, next, log }: Why, output: Output): void {
  output.line(summary);
  // that it has ended was just said
  const others = problems.filter(({ since }) => since === null || since !== exit?.at);
  for (const { what, why: reason } of others) output.line(`  ${output.style('red', what)}: ${reason}`);
  for (const cure of next) output.line(`  next: ${cure}`);
  section('what happened', chain.length === 0 ? [] : [historyTable(chain)], output);
  if (!complete) output.note('what was before this is no longer kept, or left out');
  section('evidence', evidence, output);
  section(
    'the last it wrote',
    log.map(({ time, text }) => `${time} ${printable(text)}`),
    output,
  );
}

function section(title: string, lines: readonly string[], output: Output): void {
  if (lines.length === 0) return;
  output.line(`\n${output.style('bold', `${title}:`)}`);
  for (const line of lines) output.line(line);
}
