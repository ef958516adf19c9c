/** CRIU's log, line by line: what is an error, and which process and descriptor CRIU was at when it said so. */

export type LogLine = {
  readonly level: 'error' | 'warning';
  /** Without time, pid, level and place. */
  readonly text: string;
  /** As it stands in the log. */
  readonly raw: string;
  readonly context: Context;
};

export type Context = {
  /** Host pid of the process that is being dumped. */
  readonly pid: number | undefined;
  /** Pid inside the container, of a line that a restored process wrote itself. */
  readonly innerPid: number | undefined;
  readonly fd: number | undefined;
  /** The app's end of the unix socket that CRIU was at, and the name of the other end. */
  readonly peer: { readonly pid: number; readonly fd: number; readonly name: string | undefined } | undefined;
};

export type Log = {
  readonly lines: readonly LogLine[];
  readonly names: ReadonlyMap<number, string>;
  readonly innerPids: ReadonlyMap<number, number>;
  /** How it ended; undefined: it just stops. */
  readonly end: 'finished' | 'failed' | undefined;
  readonly isCriu: boolean;
  readonly last: string;
};

/** `(00.036943)      1: Error (criu/image.c:635): text`, also `pie: 6: Error (…)` and `Error (…)`. */
const LINE = /^(?:\([\d.]+\)\s*)?(?:pie:\s*)?(?:(\d+): )?(Error|Warn)\s+\([^)\s]*:\d+\):\s*(.*)$/;
/** runc quotes CRIU's log: `time="…" level=warning msg="988:(00.040771) Error (…): …"`; its own words come without the number. */
const RUNTIME = /^time="[^"]*" level=(\w+) msg="((?:[^"\\]|\\.)*)"?$/;
/** runc's own words when no format was asked for, and what CRIU says before it has a log. */
const BARE =
  /^(?:criu: |runc(?: \w+)? failed: |criu failed: |container with given ID|open \/.*: no such file|mount src=)/;
const MAX_RAW = 400;

type Reader = {
  pid: number | undefined;
  fd: number | undefined;
  runaway: Context['peer'];
  readonly names: Map<number, string>;
  readonly innerPids: Map<number, number>;
  readonly sockets: Map<string, { readonly pid: number; readonly fd: number }>;
};

export function readLines(text: string): Log {
  const reader: Reader = {
    pid: undefined,
    fd: undefined,
    runaway: undefined,
    names: new Map(),
    innerPids: new Map(),
    sockets: new Map(),
  };
  const lines: LogLine[] = [];
  let end: Log['end'];
  let isCriu = false;
  let last = '';
  for (const raw of text.split('\n')) {
    if (raw.trim() === '') continue;
    last = raw;
    const line = unquote(raw);
    isCriu ||= /^\(\d\d\.\d{6}/.test(line);
    note(reader, line);
    if (/(?:Dumping|Restore) finished successfully/.test(line)) end = 'finished';
    else if (/(?:Dumping|Restoring) FAILED/.test(line)) end = 'failed';
    const parsed = parse(reader, line, raw);
    if (parsed !== undefined) lines.push(parsed);
  }
  return { lines, names: reader.names, innerPids: reader.innerPids, end, isCriu, last: last.slice(0, MAX_RAW) };
}

function unquote(raw: string): string {
  const message = RUNTIME.exec(raw)?.[2];
  if (message === undefined) return raw;
  const plain = message.replaceAll('\\"', '"').replaceAll('\\t', '\t');
  return /^\d+:/.test(plain) ? plain.replace(/^\d+:/, '') : plain;
}

function parse(reader: Reader, line: string, raw: string): LogLine | undefined {
  const [, inner, level, text] = LINE.exec(line) ?? [];
  const made = (level: LogLine['level'], text: string): LogLine => ({
    level,
    text,
    raw: raw.slice(0, MAX_RAW),
    context: {
      pid: reader.pid,
      innerPid: inner === undefined ? undefined : Number(inner),
      fd: reader.fd,
      peer: reader.runaway,
    },
  });
  if (text !== undefined) return made(level === 'Error' ? 'error' : 'warning', text);
  if (RUNTIME.exec(raw)?.[1] === 'error' || BARE.test(line)) return made('error', line);
  return undefined;
}

/** Remembers what later errors are about. The forms are those of CRIU 4.1 and 4.2. */
function note(reader: Reader, line: string): void {
  const task = /Dumping (?:task|processes) \(pid: (\d+) comm: (.*)\)$/.exec(line);
  const seized = /SEIZE (\d+) \(comm (.*)\): success$/.exec(line);
  const zombie = /zombie (\d+) \(comm (.*)\) found while seizing$/.exec(line);
  const [, pid, name] = task ?? seized ?? zombie ?? [];
  if (pid !== undefined && name !== undefined) reader.names.set(Number(pid), name);
  if (task !== null) [reader.pid, reader.fd] = [Number(pid), undefined];
  const session = /sid=\d+ pgid=\d+ pid=(\d+)$/.exec(line)?.[1];
  if (session !== undefined && reader.pid !== undefined) reader.innerPids.set(reader.pid, Number(session));
  const descriptor = /\d+ fdinfo (\d+): /.exec(line)?.[1];
  if (descriptor !== undefined) reader.fd = Number(descriptor);
  noteSocket(reader, line);
}

function noteSocket(reader: Reader, line: string): void {
  const own = /unix: \tDumping: ino (\d+) /.exec(line)?.[1];
  if (own !== undefined && reader.pid !== undefined && reader.fd !== undefined) {
    reader.sockets.set(own, { pid: reader.pid, fd: reader.fd });
  }
  const outside = /(?:Runaway socket|Ext \w+ .*): ino \d+ peer_ino (\d+) .*name (.*)$/.exec(line);
  if (outside === null) return;
  const [, peer = '', name = ''] = outside;
  const socket = reader.sockets.get(peer);
  reader.runaway = socket && { ...socket, name: name === 'null' || name === '' ? undefined : name };
}
