/** A message of the table and a line of the log make a finding. */
import type { Finding } from '../../domain/hibernation.ts';
import { errnoWords } from './errno-words.ts';
import type { Log, LogLine } from './log-lines.ts';
import type { Message } from './messages/message.ts';
import { sizeWords, who as subject } from './words.ts';

export function fill(message: Message, line: LogLine, log: Log): Finding {
  const groups = message.match.exec(line.text)?.groups ?? {};
  const process = processOf({ message, line, log, groups });
  const descriptor = descriptorOf(message, line, groups);
  const who = process === undefined ? nameless(line, groups) : subject(process);
  const values: Readonly<Record<string, string | undefined>> = {
    fd: descriptor?.fd.toString(),
    peer: peerWords(line),
    reason: errnoWords(groups['reason'] ?? groups['errno'] ?? ''),
    bytes: groups['bytes'] === undefined ? undefined : sizeWords(Number(groups['bytes'])),
    who,
  };
  const text = (template: string): string =>
    template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const raw = groups[name] ?? groups[`${name}2`];
      const word = raw === undefined ? undefined : message.words?.[name]?.[raw];
      return word ?? values[name] ?? raw ?? 'unknown';
    });
  return {
    code: message.code,
    blocks: message.remark !== true,
    what: text(message.what),
    why: text(message.why),
    next: text(message.next),
    ...(process !== undefined && { process }),
    ...(descriptor !== undefined && { descriptor }),
    evidence: line.raw,
  };
}

type Groups = Readonly<Record<string, string | undefined>>;

type Said = { readonly message: Message; readonly line: LogLine; readonly log: Log; readonly groups: Groups };

function processOf({ message, line: { context }, log, groups }: Said): Finding['process'] {
  if (message.about === undefined) return undefined;
  const named = groups['pid'] === undefined ? undefined : Number(groups['pid']);
  const pid = named ?? (message.about === 'peer' ? context.peer?.pid : context.pid);
  if (pid === undefined) return undefined;
  return { pid, innerPid: log.innerPids.get(pid) ?? null, name: groups['name'] ?? log.names.get(pid) ?? '' };
}

function descriptorOf(message: Message, { context }: LogLine, groups: Groups): Finding['descriptor'] {
  if (message.about === 'peer') return context.peer && { fd: context.peer.fd, target: 'socket' };
  if (message.about !== 'descriptor') return undefined;
  const fd = groups['fd'] === undefined ? context.fd : Number(groups['fd']);
  return fd === undefined ? undefined : { fd, target: groups['path'] ?? '' };
}

/** A restored process knows itself only by its pid inside. */
const nameless = ({ context }: LogLine, groups: Groups): string => {
  const inner = groups['inner'] ?? context.innerPid;
  return inner === undefined ? 'a process of the app' : `process ${inner} of the app`;
};

const peerWords = ({ context }: LogLine): string => (context.peer?.name === undefined ? '' : ` (${context.peer.name})`);
