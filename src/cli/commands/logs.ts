import { setTimeout as sleep } from 'node:timers/promises';
import { callOnce } from '../../client/unix.ts';
import type { LogLine, LogPage } from '../../domain/api.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { forTerminal } from '../../domain/printable.ts';
import type { Command, Invocation } from '../command.ts';
import { countOf, isSet } from '../options.ts';
import type { Output } from '../output.ts';

/** As tail(1): who follows wants what comes. */
const TAIL_WHEN_FOLLOWING = 10;
const PAGE_SIZE = 10_000;
const WAIT_MS = 25_000;
const RETRY_MS = 300;

export const logs: Command = async (invocation) => {
  const { options, output } = invocation;
  const follow = isSet(options, 'follow');
  refuseContradictions(options);
  let page = await readPage(invocation, { tail: tailOf(options, follow) });
  let isOpen = await print(page, output, false);
  while (follow ? !page.ended : page.lines.length > 0 || page.gap === true) {
    page = await (follow ? nextPage : readPage)(invocation, { cursor: page.cursor, waitMs: follow ? WAIT_MS : 0 });
    isOpen = await print(page, output, isOpen);
  }
  return 0;
};

function refuseContradictions(options: Invocation['options']): void {
  if (isSet(options, 'sinceStart') && countOf(options, 'tail') !== undefined) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: '--tail and --since-start say two different beginnings',
      next: 'give one of them',
    });
  }
  if (isSet(options, 'previous') && isSet(options, 'follow')) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: '--previous and --follow: the log of the previous run does not grow',
      next: 'give one of them',
    });
  }
}

function tailOf(options: Invocation['options'], follow: boolean): number | undefined {
  if (isSet(options, 'sinceStart')) return undefined;
  return countOf(options, 'tail') ?? (follow ? TAIL_WHEN_FOLLOWING : undefined);
}

type Place = { readonly tail?: number | undefined; readonly cursor?: string; readonly waitMs?: number };

const readPage = ({ operands, options, daemon }: Invocation, place: Place): Promise<LogPage> =>
  callOnce(daemon, [
    'getLogs',
    {
      appInstanceId: operands[0] ?? '',
      limit: PAGE_SIZE,
      // a daemon of an older version does not know it
      ...(isSet(options, 'previous') && { previous: true }),
      ...place,
    },
  ]);

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

const GAP = 'runtimectl: lines may be missing here: they were gone before they were read (see logMaxBytes)';

/** Returns whether the last line has no end yet. */
async function print({ lines, gap }: LogPage, output: Output, isOpen: boolean): Promise<boolean> {
  if (gap === true) printGap(output, isOpen);
  for (const line of lines) {
    if (output.json) output.data(line);
    else if (output.isTerminal) output.raw(terminalText(line));
    else printBytes(line, output);
    await output.drained();
  }
  return lines.at(-1)?.partial ?? (isOpen && gap !== true);
}

function printGap(output: Output, isOpen: boolean): void {
  if (output.json) {
    output.data({ gap: true });
    return;
  }
  // what comes is no part of the line before
  if (isOpen) output.raw('\n');
  output.note(GAP);
}

const RESET = '\x1b[0m';

/** With its colours, which end with the line. */
function terminalText({ text, partial }: LogLine): string {
  const shown = forTerminal(text);
  return `${shown}${shown.includes('\x1b') ? RESET : ''}${partial ? '' : '\n'}`;
}

function printBytes({ text, bytes, partial }: LogLine, output: Output): void {
  output.raw(bytes === undefined ? text : Buffer.from(bytes, 'base64'));
  if (!partial) output.raw('\n');
}
