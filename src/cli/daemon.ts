/** Which daemon is meant, of the options and the environment. What was typed wins; a token is never typed, only its file. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Address } from '../client/address.ts';
import { isErrno, RuntimeError } from '../domain/errors.ts';

/** Options of every command, as commander names them. */
export const FLAGS = {
  root: '--root',
  socket: '--socket',
  address: '--address',
  tokenFile: '--token-file',
  caFile: '--ca-file',
} as const;
export type PlaceOption = keyof typeof FLAGS;

/** What the environment says. */
export type PlaceWords = Readonly<Partial<Record<'root' | 'address' | 'tokenFile', string | undefined>>>;

/** Throws INVALID_ARGUMENT or PERMISSION_DENIED for a file that cannot be read. */
export async function daemonAt(
  typed: (name: PlaceOption) => string | undefined,
  environment: PlaceWords,
  cwd: string,
): Promise<Address> {
  const path = (text: string | undefined): string | undefined => (text ? resolve(cwd, text) : undefined);
  const socket = path(typed('socket'));
  // where another place was typed, the address of the environment is not meant
  const isElsewhere = socket !== undefined || Boolean(typed('root'));
  const url = typed('address') ?? (isElsewhere ? undefined : environment.address);
  if (!url) return { root: path(typed('root') ?? environment.root), socket };
  const tokenFile = path(typed('tokenFile') ?? environment.tokenFile);
  const caFile = path(typed('caFile'));
  return {
    url,
    token: tokenFile === undefined ? undefined : (await read(tokenFile, FLAGS.tokenFile)).trim(),
    ca: caFile === undefined ? undefined : await read(caFile, FLAGS.caFile),
  };
}

const read = (file: string, flag: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause: unknown) => {
    const isForbidden = isErrno(cause, 'EACCES', 'EPERM');
    throw new RuntimeError(isForbidden ? 'PERMISSION_DENIED' : 'INVALID_ARGUMENT', {
      what: `the file ${file} of ${flag} cannot be read`,
      next: isForbidden ? 'ask as a user who may read it' : `name a file that is there with ${flag}`,
      cause,
    });
  });
