/** The package's main export: Runtime Manager's client for Node. */
import { connect as connectSocket } from 'node:net';
import { WebSocket } from 'ws';
import { JSON_RPC_PATH } from '../domain/wire.ts';
import { socketOf, unreachable } from './address.ts';
import type { Address } from './address.ts';
import { connectOver } from './client.ts';
import type { Client } from './client.ts';
import { overWebSocket } from './socket.ts';

export type { App, AppInput } from '../domain/app.ts';
export type { Done, LogLine, LogPage, MethodInput, MethodName, MethodResults, Version } from '../domain/api.ts';
export { ERRORS, RuntimeError } from '../domain/errors.ts';
export type { ErrorCode, ErrorData } from '../domain/errors.ts';
export type { AppEvent, EventPage, EventType } from '../domain/events.ts';
export type { ExecResult, ExecSignal } from '../domain/exec.ts';
export type { ExitRecord } from '../domain/exit.ts';
export type { AppInfo, AppSummary } from '../domain/info.ts';
export type { State } from '../domain/states.ts';
export type { Address } from './address.ts';
export type { Client } from './client.ts';
export type { ExecOptions, ExecParams, RunningExec } from './exec.ts';
export type { EventGap, EventsOptions } from './events.ts';
export type { CallOptions } from './protocol.ts';
export { callOnce } from './unix.ts';

export type ConnectOptions = Address & {
  /** For calls that do not bring their own; a time that fits the method when absent. */
  readonly timeoutMs?: number | undefined;
};

/** Throws UNREACHABLE when no daemon answers. */
export function connect({ timeoutMs, ...address }: ConnectOptions = {}): Promise<Client> {
  return connectOver({
    timeoutMs,
    unreachable: (cause) => unreachable(address, cause),
    open: overWebSocket(() => openWebSocket(socketOf(address))),
  });
}

/** Not by a `ws+unix:` URL: that cannot name every path (a colon ends it, a space is changed). */
function openWebSocket(socketPath: string): WebSocket {
  return new WebSocket(`ws://localhost${JSON_RPC_PATH}`, {
    createConnection: () => connectSocket({ path: socketPath }),
    perMessageDeflate: false,
  });
}
