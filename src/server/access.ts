/**
 * Who may come in by TCP. A page of a browser can reach 127.0.0.1 too: it names its origin, and after a DNS rebinding it names
 * its own host; either gives it away. Programs name neither, or Thunder's C++ client an origin of 0.0.0.0.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Role } from './methods.ts';
import type { Gate } from './visitor.ts';

export type Tokens = Readonly<Record<Role, string>>;

export type AccessOptions = {
  /** Absent: whoever reaches the port may do everything. */
  readonly tokens?: Tokens | undefined;
  /** Names besides `localhost`; an address is always right, as a page cannot have one for its host by rebinding. */
  readonly allowedHosts: readonly string[];
  /** Besides those of this machine, as browsers write them: `https://tv.example`. */
  readonly allowedOrigins: readonly string[];
};

export function tcpGate({ tokens, allowedHosts, allowedOrigins }: AccessOptions): Gate {
  const roleOf = tokens === undefined ? () => 'control' as const : roleByToken(tokens);
  return (request) => {
    const { host, origin } = request.headers;
    const who = `${request.socket.remoteAddress ?? '?'}:${request.socket.remotePort ?? 0}`;
    if (!isAllowedHost(host, allowedHosts)) return { who, status: 403, why: `the host ${shown(host)} is not ours` };
    if (!isOwnPage(origin, host) && !isAllowedOrigin(origin, allowedOrigins)) {
      return { who, status: 403, why: `pages of the origin ${shown(origin)} may not call` };
    }
    // a browser asks without token whether it may ask with one
    if (request.method === 'OPTIONS') return { who, role: 'observe' };
    const token = tokenOf(request);
    const role = roleOf(token);
    if (role !== undefined) return { who, role };
    return { who, status: 401, why: token === undefined ? 'it brings no token' : 'its token is not known' };
  };
}

/** As tokens are secrets, what is compared is their digests, all of them, in constant time. */
function roleByToken(tokens: Tokens): (token: string | undefined) => Role | undefined {
  const control = digestOf(tokens.control);
  const observe = digestOf(tokens.observe);
  return (token) => {
    const digest = digestOf(token ?? '');
    const mayControl = timingSafeEqual(digest, control);
    const mayObserve = timingSafeEqual(digest, observe);
    return mayControl ? 'control' : mayObserve ? 'observe' : undefined;
  };
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** `Authorization: Bearer`, else Thunder's `?token=`, the only way for a WebSocket of a browser. */
function tokenOf({ headers, url }: IncomingMessage): string | undefined {
  const bearer = /^Bearer +(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const text = url ?? '';
  const query = text.indexOf('?');
  return query === -1 ? undefined : (new URLSearchParams(text.slice(query)).get('token') ?? undefined);
}

/** HTTP/1.0 has no Host, and no browser speaks it. */
function isAllowedHost(host: string | undefined, names: readonly string[]): boolean {
  if (host === undefined) return true;
  const name = withoutPort(host);
  return isAddress(name) || name === 'localhost' || names.some((one) => one.toLowerCase() === name);
}

/** A page that this very listener has served: its host is one that was let in. */
const isOwnPage = (origin: string | undefined, host: string | undefined): boolean =>
  host !== undefined && /^https?:\/\/(.+)$/.exec(origin ?? '')?.[1] === host.toLowerCase();

function isAllowedOrigin(origin: string | undefined, origins: readonly string[]): boolean {
  if (origin === undefined || origin === '0.0.0.0' || origins.includes(origin)) return true;
  const host = /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
  return host !== undefined && isLoopback(withoutPort(host));
}

const withoutPort = (host: string): string => host.toLowerCase().replace(/:\d*$/, '');

/** With or without the brackets that IPv6 has before a port. */
const bare = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

const isAddress = (host: string): boolean => isIP(bare(host)) !== 0;

/** Reachable from this machine only. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || bare(host) === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

const shown = (text: string | undefined): string => JSON.stringify((text ?? '').slice(0, 100));
