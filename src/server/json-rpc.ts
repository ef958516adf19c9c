/**
 * JSON-RPC 2.0 (jsonrpc.org/specification) as text in, text out; knows no transport and no method.
 * More tolerant than the letter, as Thunder's clients need it: `jsonrpc` may be the number 2 or missing (facts/thunder.md §1.3).
 */
import { RuntimeError } from '../domain/errors.ts';
import type { Origin } from '../domain/events.ts';
import { MAX_MESSAGE_BYTES } from '../domain/wire.ts';
import { excessOf } from '../domain/json-depth.ts';
import { PROFILES, wireError } from './profile.ts';
import type { Profile } from './profile.ts';

/**
 * Carries out one call; what it throws becomes the error member. `undefined` becomes `null`: a result must be there. `origin`: the
 * message that the call came in.
 */
export type Dispatch = (designator: string, params: unknown, origin?: Origin) => Promise<unknown>;
/** A result that is JSON already: it goes into the answer as it is. */
export class Written {
  readonly json: string;

  constructor(json: string) {
    this.json = json;
  }
}
/** Told of every fault of our own (INTERNAL): the caller gets one line of it, the log all. */
export type ReportFault = (fault: unknown, designator: string) => void;

export type Handler = {
  readonly dispatch: Dispatch;
  readonly reportFault: ReportFault;
  /** `r4` when absent. */
  readonly profile?: Profile | undefined;
};

/** `errorCode`: of an answer to one call that failed; a batch has none. */
export type Reply = { readonly text: string; readonly errorCode?: number };

type Id = string | number | null;
type Request = { readonly method: string; readonly params: unknown; readonly id: Id | undefined };

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const MAX_BATCH = 100;
/** Thunder's own parser drops what is deeper than 31; stringify and zod recurse. */
const MAX_DEPTH = 64;
/** Of a message. Checking costs up to 10 µs a value on a quiet machine, and everybody waits for it. */
const MAX_VALUES = 4000;
const EXCESSES = {
  depth: `the message is nested deeper than ${MAX_DEPTH} levels`,
  values: `the message has more than ${MAX_VALUES} members and elements`,
};
/** After so much of a batch the others have their turn. */
const SLICE_MS = 10;

/** The answer's text alone. */
export const answer = async (text: string, handler: Handler, origin?: Origin): Promise<string | undefined> =>
  (await reply(text, handler, origin))?.text;

/** The answer to one message, or `undefined` when it held only notifications. Never throws. Calls of a batch run side by side. */
export async function reply(text: string, handler: Handler, origin?: Origin): Promise<Reply | undefined> {
  if (text.length > MAX_MESSAGE_BYTES) {
    return refusal(INVALID_REQUEST, `the message is longer than ${MAX_MESSAGE_BYTES} bytes`);
  }
  const excess = excessOf(text, { maxDepth: MAX_DEPTH, maxValues: MAX_VALUES });
  if (excess !== undefined) return refusal(INVALID_REQUEST, EXCESSES[excess]);
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    return refusal(PARSE_ERROR, 'the message is not JSON', error);
  }
  return Array.isArray(message) ? answerBatch(message, handler, origin) : answerOne(message, handler, origin);
}

async function answerBatch(
  messages: readonly unknown[],
  handler: Handler,
  origin: Origin | undefined,
): Promise<Reply | undefined> {
  if (messages.length === 0) return refusal(INVALID_REQUEST, 'the batch is empty');
  if (messages.length > MAX_BATCH) return refusal(INVALID_REQUEST, `the batch has more than ${MAX_BATCH} calls`);
  const answering: Promise<Reply | undefined>[] = [];
  let since = performance.now();
  for (const message of messages) {
    answering.push(answerOne(message, handler, origin));
    if (performance.now() - since < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    since = performance.now();
  }
  const answers = await Promise.all(answering);
  const given = answers.flatMap((one) => (one === undefined ? [] : [one.text]));
  return given.length === 0 ? undefined : { text: `[${given.join(',')}]` };
}

async function answerOne(message: unknown, handler: Handler, origin: Origin | undefined): Promise<Reply | undefined> {
  const request = readRequest(message);
  if (typeof request === 'string') return refusal(INVALID_REQUEST, request);
  const { method, params, id } = request;
  let outcome: Reply;
  try {
    const result: unknown = await handler.dispatch(method, params, origin);
    outcome = { text: replyText(id ?? null, 'result', result ?? null) };
  } catch (thrown) {
    const error = RuntimeError.of(thrown);
    if (error.code === 'INTERNAL') handler.reportFault(thrown, method);
    const { code, message: said } = wireError(handler.profile ?? PROFILES.r4, error);
    outcome = errorReply(id ?? null, { code, message: said, data: error });
  }
  return id === undefined ? undefined : outcome;
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
function refusal(code: number, what: string, cause?: unknown): Reply {
  const data = new RuntimeError('INVALID_ARGUMENT', { what, cause });
  return errorReply(null, { code, message: data.message, data });
}

/** What is no request at all, in words of the specification. */
export const invalidRequest = (what: string): Reply => refusal(INVALID_REQUEST, what);
export const parseError = (what: string): Reply => refusal(PARSE_ERROR, what);

type ErrorMember = { readonly code: number; readonly message: string; readonly data: RuntimeError };

/** The error member of an answer: a number for Thunder's clients, one line for people, all of it for ours. */
export function errorReply(id: Id, { code, message, data }: ErrorMember): Reply {
  return { text: replyText(id, 'error', { code, message: oneLine(message), data }), errorCode: code };
}

function replyText(id: Id, member: 'result' | 'error', value: unknown): string {
  const json = value instanceof Written ? value.json : JSON.stringify(value);
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"${member}":${json}}`;
}

const oneLine = (text: string): string => text.replaceAll(/\s*[\r\n]+\s*/g, ' ').trim();
