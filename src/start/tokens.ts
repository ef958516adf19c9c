/** The secrets of those who call by TCP: made at the first start, kept, and readable by root only. */
import { randomBytes } from 'node:crypto';
import { link, lstat, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readSmall } from '../adapters/files/read-small.ts';
import { isErrno, RuntimeError } from '../domain/errors.ts';
import type { Layout } from '../domain/layout.ts';
import type { Tokens } from '../server/access.ts';

/** 256 bits. */
const TOKEN_BYTES = 32;
/** Of an administrator's own token, too: shorter ones can be guessed. */
const TOKEN_FORM = /^[\w.~+/=-]{32,512}$/;

/** Throws CORRUPT_FILE for a token that is none, PERMISSION_DENIED for one that others can read. */
export async function readTokens({ token, observeToken }: Layout): Promise<Tokens> {
  return { control: await readOrMake(token), observe: await readOrMake(observeToken) };
}

async function readOrMake(path: string): Promise<string> {
  const found = await lstat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (found === undefined) await make(path);
  else if (!found.isFile() || (found.mode & 0o077) !== 0 || found.uid !== process.getuid?.()) {
    throw new RuntimeError('PERMISSION_DENIED', {
      what: `the token ${path} is not a file for root alone (mode 0600)`,
      next: 'others may know it: remove it, and the next start makes a new one',
    });
  }
  const text = (await readSmall(path)).trim();
  if (TOKEN_FORM.test(text)) return text;
  throw new RuntimeError('CORRUPT_FILE', {
    what: `${path} holds no token`,
    next: 'remove it, and the next start makes a new one',
  });
}

/** Whole or not at all, also when the power fails: a half token would lock everybody out. */
async function make(path: string): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${randomBytes(TOKEN_BYTES).toString('base64url')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  // unlike rename, never over a token that somebody has put there meanwhile
  await link(draft, path).catch((error: unknown) => {
    if (!isErrno(error, 'EEXIST')) throw error;
  });
  await rm(draft);
  const folder = await open(dirname(path), 'r');
  await folder.sync();
  await folder.close();
}
