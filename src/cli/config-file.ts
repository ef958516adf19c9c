/** Reads a description of an app from a file. The only place of the command line that touches files. */
import { readFile } from 'node:fs/promises';
import { RuntimeError } from '../domain/errors.ts';

/** Guards against a YAML file that names itself a thousand times over. */
const MAX_ALIASES = 100;

/** JSON is YAML too, so one reader serves both. Throws INVALID_ARGUMENT with line and column. */
export async function readConfigFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  const refuse = (cause: unknown) =>
    new RuntimeError('INVALID_ARGUMENT', {
      what: `${path} does not describe an app`,
      next: 'write one JSON or YAML object, the `app` member of run',
      cause,
    });
  let value: unknown;
  try {
    const text = await readFile(path, 'utf8');
    const { parse } = await import('./yaml.ts');
    value = parse(text, { maxAliasCount: MAX_ALIASES, prettyErrors: true });
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message.split('\n', 1)[0] : cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('it holds no object');
  return value as Readonly<Record<string, unknown>>;
}
