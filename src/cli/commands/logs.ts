import { setTimeout as sleep } from 'node:timers/promises';
import { callOnce } from '../../client/unix.ts';
import type { LogLine, LogPage } from '../../domain/api.ts';
import { RuntimeError } from '../../domain/errors.ts';
import type { Command, Invocation } from '../command.ts';
import { countOf, isSet } from '../options.ts';
import type { Output } from '../output.ts';

/** As tail(1): who follows wants what comes. */
const TAIL_WHEN_FOLLOWING = 10;
const PAGE_SIZE = 1000;
const WAIT_MS = 25_000;
const RETRY_MS = 300;

export const logs: Command = async (invocation) => {
  const { options, output } = invocation;
  const follow = isSet(options, 'follow');
  let page = await readPage(invocation, { tail: tailOf(options, follow) });
  print(page.lines, output);
  while (follow ? !page.ended : page.lines.length > 0) {
    page = await (follow ? nextPage : readPage)(invocation, { cursor: page.cursor, waitMs: follow ? WAIT_MS : 0 });
    print(page.lines, output);
  }
  return 0;
};

function tailOf(options: Invocation['options'], follow: boolean): number | undefined {
  const tail = countOf(options, 'tail');
  if (!isSet(options, 'sinceStart')) return tail ?? (follow ? TAIL_WHEN_FOLLOWING : undefined);
  if (tail === undefined) return undefined;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: '--tail and --since-start say two different beginnings',
    next: 'give one of them',
  });
}

type Place = { readonly tail?: number | undefined; readonly cursor?: string; readonly waitMs?: number };

const readPage = ({ operands, daemon }: Invocation, place: Place): Promise<LogPage> =>
  callOnce(daemon, ['getLogs', { appInstanceId: operands[0] ?? '', limit: PAGE_SIZE, ...place }]);

/** The app goes on writing while the daemon is restarted, and so do we with reading. */
async function nextPage(invocation: Invocation, place: Place): Promise<LogPage> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readPage(invocation, place);
    } catch (error) {
      if (!(error instanceof RuntimeError) || !['UNREACHABLE', 'ABORTED'].includes(error.code)) throw error;
      if (attempt === 1) invocation.output.note('runtimectl: the daemon is away; waiting for it');
    }
    await sleep(RETRY_MS);
  }
}

function print(lines: readonly LogLine[], output: Output): void {
  for (const line of lines) {
    if (output.json) output.data(line);
    else output.raw(line.partial ? line.text : `${line.text}\n`);
  }
}
