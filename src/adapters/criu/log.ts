/** Reads what CRIU has logged of an attempt that failed, and says it in words: the cause first. */
import { open } from 'node:fs/promises';
import { isErrno } from '../../domain/errors.ts';
import type { Finding } from '../../domain/hibernation.ts';
import { errnoWords, numberInWords } from './errno-words.ts';
import { fill } from './fill.ts';
import { readLines, type Log, type LogLine } from './log-lines.ts';
import { HARMLESS, MESSAGES, UNWINDING } from './messages.ts';

/** The names of the processes stand near the beginning, the errors at the end. */
const HEAD_BYTES = 256 << 10;
const TAIL_BYTES = 4 << 20;
const MAX_UNKNOWN = 3;
const MAX_FINDINGS = 20;

/** Never empty, and never throws: a log that cannot be read is a finding, too. */
export async function readLog(file: string): Promise<readonly Finding[]> {
  try {
    return findingsOf(await readEnds(file), file);
  } catch (error) {
    const missing = isErrno(error, 'ENOENT', 'ENOTDIR');
    return [
      {
        code: 'NO_LOG',
        blocks: true,
        what: missing ? 'CRIU has written no log' : 'the log of CRIU cannot be read',
        why: missing
          ? 'it was not started, or could not write'
          : `the kernel says: ${errnoWords(error instanceof Error && 'code' in error ? String(error.code) : String(error))}`,
        next: `see why there is no readable file ${file}; what the runtime said may tell more`,
      },
    ];
  }
}

async function readEnds(file: string): Promise<string> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  const read = async (position: number, length: number): Promise<string> => {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await handle.read(buffer, 0, length, position);
    return buffer.toString('utf8', 0, bytesRead);
  };
  if (size <= HEAD_BYTES + TAIL_BYTES) return await read(0, size);
  return `${await read(0, HEAD_BYTES)}\n${await read(size - TAIL_BYTES, TAIL_BYTES)}`;
}

type Heard = { readonly finding: Finding; readonly weak: boolean; readonly remark: boolean };

/** Also for what the runtime wrote to its standard error. `where` is the file that has the whole text. */
export function findingsOf(text: string, where: string): readonly Finding[] {
  const log = readLines(text);
  const lines = log.lines.filter((line) => !HARMLESS.some((pattern) => pattern.test(line.text)));
  const heard: Heard[] = [];
  const unknown: LogLine[] = [];
  for (const line of lines) {
    const known = hear(log, line);
    if (known !== undefined) heard.push(known);
    // what nobody knows after a known cause comes from it
    else if (line.level === 'error' && !isUnwinding(line) && !heard.some(isCause)) unknown.push(line);
  }
  const causes = heard.filter(isCause);
  const chosen = causes.length > 0 ? causes : heard.filter(({ remark }) => !remark);
  const found = distinct([
    ...chosen.map(({ finding }) => finding),
    ...distinctTexts(unknown).map((line) => unknownError(line, where)),
    ...heard.filter(({ remark }) => remark).map(({ finding }) => finding),
  ]);
  return found.some(({ blocks }) => blocks) ? found : [noCause(log, where), ...found];
}

const isCause = ({ weak, remark }: Heard): boolean => !weak && !remark;
const isUnwinding = ({ text }: LogLine): boolean => UNWINDING.some((pattern) => pattern.test(text));

function hear(log: Log, line: LogLine): Heard | undefined {
  const message = MESSAGES.find(({ match }) => match.test(line.text));
  if (message === undefined) return undefined;
  const { weak = false, remark = false } = message;
  // a warning is a cause only where a message about tracing says so: CRIU warns of much that it gets over
  if (line.level === 'warning' && !remark && message.code !== 'PTRACED') return undefined;
  return { finding: fill(message, line, log), weak, remark };
}

/** The same reason of the same process and descriptor, said again and again while CRIU tries, is one finding. */
function distinct(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Map<string, Finding>();
  for (const finding of findings) {
    const { code, what, process, descriptor } = finding;
    const key = code === 'UNKNOWN' ? what : [code, process?.pid ?? what, descriptor?.fd].join('|');
    if (!seen.has(key)) seen.set(key, finding);
  }
  return [...seen.values()].slice(0, MAX_FINDINGS);
}

function distinctTexts(lines: readonly LogLine[]): readonly LogLine[] {
  return [...new Map(lines.map((line) => [line.text, line])).values()].slice(0, MAX_UNKNOWN);
}

function unknownError(line: LogLine, where: string): Finding {
  const words = numberInWords(line.text);
  return {
    code: 'UNKNOWN',
    blocks: true,
    what: `CRIU failed and said: ${line.text.trim() || 'nothing'}`,
    why: words === undefined ? 'Runtime Manager does not know this message' : `the number in it means: ${words}`,
    next: `read ${where} for what came before; please report it, so that the next version can explain it`,
    evidence: line.raw,
  };
}

function noCause(log: Log, where: string): Finding {
  const evidence = log.last === '' ? {} : { evidence: log.last };
  if (log.end === 'finished') {
    return {
      code: 'NO_ERROR',
      blocks: false,
      what: 'CRIU itself was successful',
      why: 'if the operation failed all the same, the reason came before or after CRIU',
      next: 'look at what the runtime and the daemon say',
      ...evidence,
    };
  }
  if (log.isCriu && log.end === undefined) {
    return {
      code: 'CRIU_BROKEN_OFF',
      blocks: true,
      what: 'CRIU was broken off in the middle of its work: its log ends without a result',
      why: 'it was killed (no memory left, its time was over), or it hangs: at a stopped process, or at an image that is cut off',
      next: `see in the last lines of ${where} what it was at, and in the kernel's log (dmesg) whether it was killed`,
      ...evidence,
    };
  }
  return {
    code: 'UNKNOWN',
    blocks: true,
    what: 'CRIU failed without saying why',
    why: log.last === '' ? 'its log is empty' : 'its log names no error that Runtime Manager knows',
    next: `read ${where}, and what the runtime says`,
    ...evidence,
  };
}
