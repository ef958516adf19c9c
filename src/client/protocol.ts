/** Methods as the client sends them, and results and errors as it reads them back. */
import type { Done, MethodName, MethodResults } from '../domain/api.ts';
import { isErrorCode, RuntimeError } from '../domain/errors.ts';
import type { ErrorData } from '../domain/errors.ts';
import { API_VERSION, CALLSIGN, MAX_MESSAGE_BYTES } from '../domain/wire.ts';
import { codeOfThunder } from './thunder-codes.ts';

export type CallOptions = {
  /** Gives up waiting; an operation that has begun goes on. */
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
};

type Read<Name extends MethodName> = (wire: unknown) => MethodResults[Name];

const done = (wire: unknown): Done => ({ already: (wire as Partial<Done> | null)?.already === true });

/** The daemon is of our own package: its results are trusted to have the form that the table of methods promises. */
export const READERS: { readonly [Name in MethodName]: Read<Name> } = {
  run: (wire) => wire as MethodResults['run'],
  suspend: done,
  resume: done,
  hibernate: done,
  wake: done,
  explainHibernation: (wire) => wire as MethodResults['explainHibernation'],
  terminate: done,
  kill: done,
  annotate: done,
  removeAnnotation: done,
  setLimits: (wire) => wire as MethodResults['setLimits'],
  mount: done,
  unmount: done,
  exec: (wire) => wire as MethodResults['exec'],
  execInput: () => null,
  getHistory: (wire) => wire as MethodResults['getHistory'],
  getHealth: (wire) => wire as MethodResults['getHealth'],
  getInfo: (wire) => JSON.parse(wire as string) as MethodResults['getInfo'],
  generateSpec: (wire) => wire as MethodResults['generateSpec'],
  list: (wire) => wire as MethodResults['list'],
  getLogs: (wire) => wire as MethodResults['getLogs'],
  getScreenshot: (wire) => wire as MethodResults['getScreenshot'],
  setVisible: done,
  setFocus: done,
  setZOrder: done,
  resizeDisplay: done,
  getView: (wire) => wire as MethodResults['getView'],
  getEvents: (wire) => wire as MethodResults['getEvents'],
  listStorage: (wire) => wire as MethodResults['listStorage'],
  clearStorage: done,
  deleteStorage: done,
  repairStorage: (wire) => wire as MethodResults['repairStorage'],
  listImages: (wire) => wire as MethodResults['listImages'],
  listPackages: (wire) => wire as MethodResults['listPackages'],
  prunePackages: (wire) => wire as MethodResults['prunePackages'],
  getEngine: (wire) => wire as MethodResults['getEngine'],
  version: (wire) => wire as MethodResults['version'],
};

/** Longer than the longest grace period the daemon allows; a shorter wait would lose the answer, not the operation. */
const OPERATION_TIMEOUT_MS = 660_000;
const READ_TIMEOUT_MS = 60_000;
const OPERATIONS: ReadonlySet<MethodName> = new Set([
  'run',
  'suspend',
  'resume',
  'hibernate',
  'wake',
  'terminate',
  'kill',
  'listStorage',
  'clearStorage',
  'deleteStorage',
  'repairStorage',
  'listPackages',
  'prunePackages',
  'annotate',
  'removeAnnotation',
  'setLimits',
  'mount',
  'unmount',
  'setVisible',
  'setFocus',
  'setZOrder',
  'resizeDisplay',
  'exec',
  'execInput',
]);

export const timeoutOf = (name: MethodName): number => (OPERATIONS.has(name) ? OPERATION_TIMEOUT_MS : READ_TIMEOUT_MS);

/** Throws INVALID_ARGUMENT for what the daemon would not even read. */
export function requestText(id: number, name: string, params: unknown): string {
  const text = JSON.stringify({ jsonrpc: '2.0', id, method: `${CALLSIGN}.${API_VERSION}.${name}`, params });
  if (text.length <= MAX_MESSAGE_BYTES) return text;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${name}: the parameters are longer than ${MAX_MESSAGE_BYTES} bytes`,
  });
}

export type Message = {
  readonly id?: unknown;
  readonly method?: unknown;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
};

/** Undefined when the text is no message at all. */
export function parseMessage(text: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(text);
    return typeof message === 'object' && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}

/** The result of an answer; throws its error, remade as it was thrown in the daemon. */
export function resultOf({ error, result }: Message): unknown {
  if (error === undefined) return result;
  throw remake(error);
}

function remake(error: unknown): RuntimeError {
  const { code, message, data } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly data?: Partial<ErrorData>;
  };
  if (isErrorCode(data?.code) && typeof data.what === 'string') return RuntimeError.from(data as ErrorData);
  // another server's, or a newer daemon's
  return new RuntimeError(codeOfThunder(code), {
    what: typeof message === 'string' ? message : 'the daemon answered with an error without words',
    details: { wireCode: code },
  });
}

export const timedOut = (name: string, timeoutMs: number): RuntimeError =>
  new RuntimeError('TIMED_OUT', {
    what: `the daemon did not answer ${name} within ${timeoutMs} ms`,
    next: 'what was asked for may happen still: look with getInfo before asking again',
  });

export const givenUp = (name: string, cause: unknown): RuntimeError =>
  new RuntimeError('ABORTED', { what: `${name} was given up by its caller`, cause });
