/** One HTTP request at the endpoint: POST calls, GET tells of the service, OPTIONS lets pages of browsers ask. */
import { isUtf8 } from 'node:buffer';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CONTROLLER, JSON_RPC_PATH, MAX_MESSAGE_BYTES } from '../domain/wire.ts';
import { invalidRequest, parseError, reply } from './json-rpc.ts';
import type { Handler, Reply } from './json-rpc.ts';
import type { Place } from './path.ts';
import { PROFILES } from './profile.ts';
import type { Profile } from './profile.ts';
import type { Visitor } from './visitor.ts';

export type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly place: Place | undefined;
  readonly profile: Profile;
  readonly visitor: Visitor;
  readonly handler: Handler;
};

/** Thunder's. A token is no cookie: a page cannot use one that it was not given, so every origin that came this far may read. */
const HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Cache-Control': 'no-cache, private, no-store, must-revalidate, max-age=0',
  'X-Content-Type-Options': 'nosniff',
};
const HEADER_LIST: readonly string[] = Object.entries(HEADERS).flat();
const METHODS = 'GET, POST, OPTIONS';

export async function serveRequest(exchange: Exchange): Promise<void> {
  const { request, response, place, profile } = exchange;
  if (place === undefined) {
    send(response, { status: 404, text: `nothing is at this path; JSON-RPC is at ${JSON_RPC_PATH}` });
  } else if (request.method === 'OPTIONS') {
    response.writeHead(204, {
      ...HEADERS,
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Allow-Headers': 'Authorization, Content-Type',
      'Access-Control-Max-Age': '600',
    });
    response.end();
  } else if (place.isService && request.method === 'GET') {
    await serveService(exchange, place);
  } else if (place.isService) {
    response.setHeader('Allow', 'GET, OPTIONS');
    send(response, { status: 405, text: `only GET; methods are called at ${JSON_RPC_PATH}` });
  } else if (request.method === 'POST') {
    await servePost(exchange);
  } else if (request.method === 'GET' && profile.answersGet) {
    await serveGet(exchange, place);
  } else {
    response.setHeader('Allow', METHODS);
    send(response, { status: 405, text: 'JSON-RPC only supported via POST request with a body' });
  }
}

/** Thunder's answer to who has no token, or a wrong one. */
export function refuseRequest(response: ServerResponse, status: 401 | 403, why: string): void {
  response.setHeader('Connection', 'close');
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  const { code } = PROFILES.r4.situations.notAllowed;
  const error = { code, message: 'Request needs authorization, but it was not authorized', data: { what: why } };
  send(response, { status, text: JSON.stringify({ jsonrpc: '2.0', id: null, error }) });
}

/** The list of all plugins for ThunderUI, which asks the Controller for it; else what is known of the one. */
async function serveService({ response, handler }: Exchange, { callsign }: Place): Promise<void> {
  const isAll = callsign === CONTROLLER;
  const plugins = await handler.dispatch(
    isAll ? 'Controller.status' : `Controller.status@${callsign ?? ''}`,
    undefined,
  );
  const told = isAll ? { plugins } : (plugins as readonly unknown[])[0];
  send(response, { status: 200, text: JSON.stringify(told) });
}

async function serveGet({ response, handler }: Exchange, { callsign = 'Controller' }: Place): Promise<void> {
  const entries = await handler.dispatch(`Controller.status@${callsign}`, undefined);
  send(response, { status: 200, text: JSON.stringify((entries as readonly unknown[])[0]) });
}

async function servePost(exchange: Exchange): Promise<void> {
  const { request, response, handler, visitor } = exchange;
  const body = await readBody(request);
  if (body === undefined) {
    // what is still to come would be taken for the next request
    response.setHeader('Connection', 'close');
    send(response, { status: 413, text: invalidRequest(`the message is longer than ${MAX_MESSAGE_BYTES} bytes`).text });
    return;
  }
  const debtMs = visitor.pace?.debtMs() ?? 0;
  if (debtMs > 0) await sleep(debtMs);
  const answered = isUtf8(body) ? await reply(body.toString(), handler) : parseError('the message is not UTF-8');
  if (answered === undefined) response.writeHead(204, HEADERS).end();
  else send(response, { ...statusOf(answered, exchange), text: answered.text });
}

type Status = { readonly status: number; readonly reason?: string };

function statusOf({ errorCode }: Reply, { profile, visitor }: Exchange): Status {
  if (errorCode === undefined) return { status: 200 };
  const isForbidden = visitor.role === 'observe' && errorCode === profile.situations.notAllowed.code;
  return isForbidden ? { status: 401 } : profile.errorStatus(errorCode);
}

function send(response: ServerResponse, { status, reason, text }: Status & { readonly text: string }): void {
  const type = text.startsWith('{') || text.startsWith('[') ? 'application/json' : 'text/plain';
  // names and values in turns: node:http writes them as they are
  const headers = [...HEADER_LIST, 'Content-Type', type, 'Content-Length', String(Buffer.byteLength(text))];
  if (reason === undefined) response.writeHead(status, headers);
  else response.writeHead(status, reason, headers);
  response.end(text);
}

/** Undefined when it is too long. Rejects when the peer goes away in the middle. Without the iterator of streams, which costs more than a quick call. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= MAX_MESSAGE_BYTES) {
        chunks.push(chunk);
        return;
      }
      request.pause();
      resolve(undefined);
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => {
      // the trace of an error costs as much as the rest of a quick call
      if (!request.complete) reject(new Error('the request was cut off'));
    });
  });
}
