/**
 * JSON-RPC 2.0 (jsonrpc.org/specification) as text in, text out; knows no transport and no method.
 * More tolerant than the letter, as Thunder's clients need it: `jsonrpc` may be the number 2 or missing (facts/thunder.md §1.3).
 */
import { ERRORS, RuntimeError } from '../domain/errors.ts';
import { MAX_MESSAGE_BYTES } from '../domain/wire.ts';
import { isDeeperThan } from './json-depth.ts';

/** Carries out one call; what it throws becomes the error member. `undefined` becomes `null`: a result must be there. */
export type Dispatch = (designator: string, params: unknown) => Promise<unknown>;
/** Told of every fault of our own (INTERNAL): the caller gets one line of it, the log all. */
export type ReportFault = (fault: unknown, designator: string) => void;

export type Handler = { readonly dispatch: Dispatch; readonly reportFault: ReportFault };

type Id = string | number | null;
type Request = { readonly method: string; readonly params: unknown; readonly id: Id | undefined };

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const MAX_BATCH = 100;
/** Thunder's own parser drops what is deeper than 31; stringify and zod recurse. */
const MAX_DEPTH = 64;

/** The answer to one message, or `undefined` when it held only notifications. Never throws. Calls of a batch run side by side. */
export async function answer(text: string, handler: Handler): Promise<string | undefined> {
  if (text.length > MAX_MESSAGE_BYTES) {
    return refusal(INVALID_REQUEST, `the message is longer than ${MAX_MESSAGE_BYTES} bytes`);
  }
  if (isDeeperThan(text, MAX_DEPTH)) {
    return refusal(INVALID_REQUEST, `the message is nested deeper than ${MAX_DEPTH} levels`);
  }
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    return refusal(PARSE_ERROR, 'the message is not JSON', error);
  }
  return Array.isArray(message) ? answerBatch(message, handler) : answerOne(message, handler);
}

async function answerBatch(messages: readonly unknown[], handler: Handler): Promise<string | undefined> {
  if (messages.length === 0) return refusal(INVALID_REQUEST, 'the batch is empty');
  if (messages.length > MAX_BATCH) return refusal(INVALID_REQUEST, `the batch has more than ${MAX_BATCH} calls`);
  const answers = await Promise.all(messages.map((message) => answerOne(message, handler)));
  const given = answers.filter((text) => text !== undefined);
  return given.length === 0 ? undefined : `[${given.join(',')}]`;
}

async function answerOne(message: unknown, { dispatch, reportFault }: Handler): Promise<string | undefined> {
  const request = readRequest(message);
  if (typeof request === 'string') return refusal(INVALID_REQUEST, request);
  const { method, params, id } = request;
  let reply: string;
  try {
    const result: unknown = await dispatch(method, params);
    reply = replyText(id ?? null, { result: result ?? null });
  } catch (thrown) {
    const error = RuntimeError.of(thrown);
    if (error.code === 'INTERNAL') reportFault(thrown, method);
    reply = errorText(id ?? null, ERRORS[error.code].thunder, error);
  }
  return id === undefined ? undefined : reply;
}

/** The request, or what is wrong with it. A request without `id` is a notification. */
function readRequest(message: unknown): Request | string {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return 'a request must be an object';
  const { jsonrpc, method, params, id } = message as Readonly<Record<string, unknown>>;
  if (jsonrpc !== undefined && jsonrpc !== '2.0' && jsonrpc !== 2) return 'jsonrpc must be "2.0"';
  if (typeof method !== 'string') return 'method must be a string';
  if (id !== undefined && !isId(id)) return 'id must be a number, a string or null';
  return { method, params: params ?? undefined, id };
}

const isId = (value: unknown): value is Id => value === null || typeof value === 'string' || typeof value === 'number';

/** An answer to what is no request: its id is unknown, so it is null. */
function refusal(code: number, what: string, cause?: unknown): string {
  return errorText(null, code, new RuntimeError('INVALID_ARGUMENT', { what, cause }));
}

/** The error member of an answer: a number for Thunder's clients, one line for people, all of it for ours. */
export const errorText = (id: Id, code: number, error: RuntimeError): string =>
  replyText(id, { error: { code, message: oneLine(error.message), data: error } });

const replyText = (id: Id, outcome: object): string => JSON.stringify({ jsonrpc: '2.0', id, ...outcome });

const oneLine = (text: string): string => text.replaceAll(/\s*[\r\n]+\s*/g, ' ').trim();
