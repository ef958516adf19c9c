/** Reads files for the command line, which touches no other. */
import { readFile, stat } from 'node:fs/promises';
import type { SourceFile } from '../domain/document.ts';
import { RuntimeError } from '../domain/errors.ts';

export type ConfigFile = {
  readonly path: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly source: SourceFile;
};

type Story = { readonly what: string; readonly next: string };
const APP: Story = { what: 'does not describe an app', next: 'write one JSON or YAML object, the `app` member of run' };

/** JSON is YAML too, so one reader serves both. Throws INVALID_ARGUMENT with line and column. */
export async function readConfigFile(path: string, { what, next }: Story = APP): Promise<ConfigFile> {
  const refuse = (cause: unknown) => new RuntimeError('INVALID_ARGUMENT', { what: `${path} ${what}`, next, cause });
  let source: SourceFile;
  try {
    const text = await readFile(path, 'utf8');
    const { readSource } = await import('../domain/document.ts');
    source = readSource(text);
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message.split('\n', 1)[0] : cause);
  }
  const { value } = source;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it holds no object');
  return { path, value: value as ConfigFile['value'], source };
}

export const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );

type Member = { readonly path: string; readonly expected: string };

/** What the daemon says of a member that stands in the file, with its line; any other error as it is. */
export async function withLines(error: unknown, { path: file, source }: ConfigFile, prefix: string): Promise<unknown> {
  const members =
    error instanceof RuntimeError ? (error.details?.['members'] as readonly Member[] | undefined) : undefined;
  const faults = (members ?? []).map(({ path, expected }) => {
    const own = path.startsWith(prefix) ? path.slice(prefix.length) : path;
    return { path: own, keys: keysOf(own), expected };
  });
  if (faults.length === 0 || !faults.every(({ keys }) => source.holds(keys.slice(0, 1)))) return error;
  const { wrongMembers } = await import('../domain/document.ts');
  const what = `${file} describes no app that can be run`;
  return wrongMembers({ file, what, next: 'correct it; docs/api.md lists the members', faults, source });
}

/** `mounts[0].source`, `env."A B"` → the keys on the way. */
const keysOf = (path: string): readonly (string | number)[] =>
  [...path.matchAll(/\[(\d+)\]|("(?:[^"\\]|\\.)*")|([^.[\]"]+)/g)].map(([, index, quoted, plain]) =>
    index !== undefined ? Number(index) : quoted !== undefined ? (JSON.parse(quoted) as string) : (plain ?? ''),
  );
