/** Who comes in, as the gate of a listener finds out before anything of theirs is read. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../ports/log.ts';
import type { Role } from './methods.ts';
import { tokenBucket } from '../domain/token-bucket.ts';
import type { TokenBucket } from '../domain/token-bucket.ts';

/** A connection that was let in. */
export type Guest = {
  readonly address: string;
  readonly socket: Socket;
  role: Role;
  usedAt: number;
  /** Requests under way. */
  busy: number;
  /** It waits for more than answers. */
  listens: () => boolean;
};

export type Visitor = {
  readonly who: string;
  readonly role: Role;
  /** Of the connection; without it calls are not counted. */
  readonly pace?: TokenBucket | undefined;
  /** Its connection, among those of its listener. */
  readonly guest?: Guest | undefined;
};

/** `status`: 401 asks for a token, 403 is final. */
export type Refused = { readonly who: string; readonly status: 401 | 403; readonly why: string };

export type Gate = (request: IncomingMessage) => Visitor | Refused;

/** The unix socket: the kernel has checked who may open it. */
export const openGate: Gate = () => ({ who: 'the unix socket', role: 'control' });

/** Every refused call in the log, but not so many lines that they fill the disk. */
export type RefusalLog = (who: string, what: string, why: string) => void;

const LINES_PER_SECOND = 10;

export function refusalLog(log: Log, now: () => number): RefusalLog {
  const lines = tokenBucket({ perSecond: LINES_PER_SECOND, burst: 10 * LINES_PER_SECOND, now });
  let unsaid = 0;
  return (who, what, why) => {
    if (lines.debtMs() > 0) {
      unsaid += 1;
      return;
    }
    lines.take();
    log.warn({ who, what: what.slice(0, 200), ...(unsaid > 0 && { unsaid }) }, `a call was refused: ${why}`);
    unsaid = 0;
  };
}
