/** Where a daemon is, and what to say when it is not there. */
import { isErrno, RuntimeError } from '../domain/errors.ts';
import { layout } from '../domain/layout.ts';
import { shownUrl, webSocketUrl } from './url.ts';

export type Address = {
  /** The daemon's --root, absolute; the system's own daemon when absent. */
  readonly root?: string | undefined;
  /** Path of its unix socket, when it lies elsewhere. */
  readonly socket?: string | undefined;
  /** `ws://HOST:PORT`, `wss://HOST:PORT`, `unix:PATH` or a path; before `root` and `socket`. */
  readonly url?: string | undefined;
  /** By TCP: the daemon's token, which lies in its `state/token`. */
  readonly token?: string | undefined;
  /** By `wss:`: certificates to trust in place of the known authorities, PEM. */
  readonly ca?: string | undefined;
};

type TcpRoad = {
  readonly kind: 'tcp';
  readonly url: URL;
  readonly token: string | undefined;
  readonly ca: string | undefined;
};
export type Road = TcpRoad | { readonly kind: 'unix'; readonly socketPath: string };

/** Throws INVALID_ARGUMENT for what is no address. */
export function roadTo({ root, socket, url, token, ca }: Address): Road {
  if (url === undefined) return { kind: 'unix', socketPath: socket ?? layout(root).socket };
  // as a path of a file, and as a URL, where two more slashes may precede it
  const path = /^(?:unix:(?:\/\/(?=\/))?)?([./].*)$/s.exec(url)?.[1];
  return path === undefined ? { kind: 'tcp', url: webSocketUrl(url), token, ca } : { kind: 'unix', socketPath: path };
}

const shown = (road: Road): string => (road.kind === 'unix' ? road.socketPath : shownUrl(road.url));

/** UNREACHABLE, or PERMISSION_DENIED where the socket's mode or the daemon itself is the reason. */
export function unreachable(address: Address, cause: unknown): RuntimeError {
  const road = roadTo(address);
  const hungUp = isErrno(cause, 'ECONNRESET', 'EPIPE');
  if (road.kind === 'unix' && isErrno(cause, 'EACCES', 'EPERM')) {
    return new RuntimeError('PERMISSION_DENIED', {
      what: `the socket ${road.socketPath} may not be used by this user`,
      next: 'ask as root, or as a member of the group the socket belongs to',
      cause,
    });
  }
  if (road.kind === 'tcp' && isRefusal(cause)) return notLetIn(road);
  return new RuntimeError('UNREACHABLE', {
    what: hungUp ? `the daemon at ${shown(road)} ended before it answered` : `no daemon answers at ${shown(road)}`,
    next: nextStep(address, cause),
    details: hungUp ? { asked: true } : undefined,
    cause: road.kind === 'unix' ? wordsFor(cause) : wordsByTcp(cause),
  });
}

/** What ws says when the answer to the handshake is no 101; the daemon's gate answers 403. */
const isRefusal = (cause: unknown): boolean =>
  cause instanceof Error && /^Unexpected server response: 40[13]$/.test(cause.message);

export const notLetIn = ({ url, token }: TcpRoad): RuntimeError =>
  new RuntimeError('PERMISSION_DENIED', {
    what: `the daemon at ${shownUrl(url)} does not let this client in`,
    next:
      token === undefined
        ? 'give its token; it lies in the file state/token of the daemon’s root directory'
        : 'see that the token is the one that lies in the daemon’s state/token now; its log has the reason',
  });

function nextStep({ root, socket, url }: Address, cause: unknown): string {
  if (isUntrusted(cause)) {
    return 'give the certificate to trust: ca, runtimectl --ca-file, or NODE_EXTRA_CA_CERTS in the environment';
  }
  if (isErrno(cause, 'EINVAL')) return 'use a shorter --root, of the daemon too';
  if (url !== undefined) return 'see that runtimemanagerd runs there and listens at this address (--listen)';
  if (root !== undefined) return `start it with: runtimemanagerd --root ${root}`;
  return socket === undefined ? 'start it with: runtimemanagerd' : 'start runtimemanagerd, or give its own --socket';
}

/** openssl-verify(1): the certificate itself is the reason. */
const isUntrusted = (cause: unknown): boolean =>
  isErrno(cause, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN') ||
  isErrno(cause, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY');

function wordsFor(cause: unknown): unknown {
  if (isErrno(cause, 'ENOENT')) return 'there is no such socket';
  if (isErrno(cause, 'ECONNREFUSED')) return 'nobody listens there; a daemon that was killed left the socket';
  if (isErrno(cause, 'EINVAL')) return 'the path is too long for a unix socket';
  return cause;
}

function wordsByTcp(cause: unknown): unknown {
  if (isErrno(cause, 'ECONNREFUSED')) return 'nobody listens there';
  if (isErrno(cause, 'ENOTFOUND', 'EAI_AGAIN')) return 'there is no host of this name';
  if (isErrno(cause, 'EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER')) return 'what answers there speaks no TLS';
  return cause;
}
