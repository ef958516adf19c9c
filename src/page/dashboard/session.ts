/** The connection to the daemon that this page came from, and who we are there. */
import { signal } from '@preact/signals';
import { connect, RuntimeError, type Client, type Version } from '../../client/browser.ts';
import { API_VERSION, CALLSIGN, JSON_RPC_PATH } from '../../domain/wire.ts';
import { forgetToken, keepToken, readToken } from '../token.ts';

/** `opening`: not known yet; `login`: a token is wanted; `lost`: it was live, and will be again. */
export type Phase = 'opening' | 'login' | 'live' | 'lost';

export const phase = signal<Phase>('opening');
/** Why the last token was not taken. */
export const loginFault = signal<string | undefined>(undefined);
export const daemon = signal<Version | undefined>(undefined);
/** The daemon was replaced by another version: this page is of the old one. */
export const outdated = signal(false);
/** Somebody can be logged out: with `auth: none` nobody was ever asked. */
export const hasToken = signal(false);
/** The token may look and change nothing, as a refused call has shown. */
export const observes = signal(false);

const RETRY_MS = 700;

const arrivals = new Set<() => void>();

/** Calls back for each new client; a connection that comes back is the same client. */
export const onEnter = (listener: () => void): void => void arrivals.add(listener);

let current: Client | undefined;

/** Only while the phase is `live` or `lost`. */
export function manager(): Client {
  if (current === undefined) throw new RuntimeError('UNREACHABLE', { what: 'there is no connection yet' });
  return current;
}

/** Connects with the token that is known, or asks for one. */
export async function begin(): Promise<void> {
  const token = readToken();
  const answer = await knock(token);
  if (answer === 'refused') {
    askForToken(token === undefined ? undefined : 'The daemon does not know the token that this page had.');
    return;
  }
  if (answer === 'away' || !(await enter(token))) later(begin);
}

/** With what was typed. */
export async function logIn(token: string): Promise<void> {
  const text = token.trim();
  const answer = /^[\x21-\x7e]+$/.test(text) ? await knock(text) : 'refused';
  if (answer === 'refused') {
    loginFault.value = 'This is not a token of this daemon.';
  } else if (answer === 'away' || !(await enter(text))) {
    loginFault.value = 'The daemon does not answer. Is it being restarted?';
  } else {
    keepToken(text);
  }
}

export function logOut(): void {
  forgetToken();
  observes.value = false;
  askForToken(undefined);
}

function askForToken(fault: string | undefined): void {
  current?.close();
  current = undefined;
  loginFault.value = fault;
  phase.value = 'login';
}

/** A browser tells its page not why a WebSocket was refused; an answer by HTTP does. */
async function knock(token: string | undefined): Promise<'welcome' | 'refused' | 'away'> {
  try {
    const { ok, status } = await fetch(JSON_RPC_PATH, {
      method: 'POST',
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: `${CALLSIGN}.${API_VERSION}.version` }),
    });
    if (ok) return 'welcome';
    return status === 401 || status === 403 ? 'refused' : 'away';
  } catch {
    return 'away';
  }
}

/** False when nobody answers. */
async function enter(token: string | undefined): Promise<boolean> {
  try {
    const client = await connect(location.origin, { token });
    current?.close();
    current = client;
    daemon.value = await client.version();
    client.on('lost', () => {
      if (current !== client) return;
      phase.value = 'lost';
      later(() => comeBack(client, token));
    });
    hasToken.value = token !== undefined;
    phase.value = 'live';
    for (const listener of arrivals) listener();
    return true;
  } catch {
    return false;
  }
}

/** The client connects anew with its next call; a token that is not valid any more it could not tell from a daemon that is away. */
async function comeBack(client: Client, token: string | undefined): Promise<void> {
  if (current !== client) return;
  const answer = await knock(token);
  if (answer === 'refused') {
    askForToken('The daemon does not know this token any more.');
    return;
  }
  try {
    if (answer === 'away') throw new Error('away');
    const version = await client.version();
    outdated.value = version.version !== daemon.value?.version;
    daemon.value = version;
    phase.value = 'live';
  } catch {
    later(() => comeBack(client, token));
  }
}

const later = (deed: () => Promise<void>): void => void setTimeout(() => void deed(), RETRY_MS);
