/** What both of the package's exports have besides `connect`. */
export type { App, AppInput } from '../domain/app.ts';
export type { Done, LogLine, LogPage, MethodInput, MethodName, MethodResults, Version } from '../domain/api.ts';
export { ERRORS, RuntimeError } from '../domain/errors.ts';
export type { ErrorCode, ErrorData } from '../domain/errors.ts';
export type { AppEvent, EventPage, EventType } from '../domain/events.ts';
export type { ExecResult, ExecSignal } from '../domain/exec.ts';
export type { ExitRecord } from '../domain/exit.ts';
export type { AppInfo, AppSummary } from '../domain/info.ts';
export type { State } from '../domain/states.ts';
export type { Client, WaitOptions } from './client.ts';
export type { EventGap, EventItem, EventsOptions } from './events.ts';
export type { ExecOptions, ExecParams, RunningExec } from './exec.ts';
export type { ClientEvents } from './listeners.ts';
export type { CallOptions } from './protocol.ts';
