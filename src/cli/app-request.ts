/** What `run` and `spec` ask the daemon for, from the words of the command line and the file it names. */
import { resolve } from 'node:path';
import type { MethodInput } from '../domain/api.ts';
import { RuntimeError } from '../domain/errors.ts';
import { appFrom } from './app-options.ts';
import type { Invocation } from './command.ts';
import type { ConfigFile } from './config-file.ts';
import { textOf } from './options.ts';

export type AppRequest = MethodInput<'run'> & { readonly appInstanceId: string };

type Words = Pick<Invocation, 'operands' | 'options' | 'cwd'>;

/** Not of the app: where the daemon is, and how to answer. */
const OTHERS = new Set(['root', 'socket', 'json', 'instance', 'config', 'explain', 'diff', 'dobby']);
/** Members of `run` that a file with RDK's words may have. */
const UPSTREAM = ['runtimeConfigObject', 'ports', 'paths', 'debugSettings', 'userId', 'groupId'];

export const appOptionsOf = (options: Invocation['options']): readonly string[] =>
  Object.keys(options).filter((name) => !OTHERS.has(name) && options[name] !== undefined);

export type Asked = {
  readonly request: AppRequest;
  /** The same call's errors, with the lines of the file. */
  readonly explainError: (error: unknown) => Promise<unknown>;
};

/** Throws INVALID_ARGUMENT. */
export async function askedFor(words: Words, appInstanceId: string): Promise<Asked> {
  const { operands, options, cwd } = words;
  const [appId = '', ...command] = operands;
  const name = textOf(options, 'config');
  if (name === undefined) {
    const app = appFrom({ options, command, described: {}, cwd });
    return { request: { appId, appInstanceId, app }, explainError: (error) => Promise.resolve(error) };
  }
  const { readConfigFile, withLines } = await import('./config-file.ts');
  const file = await readConfigFile(resolve(cwd, name));
  const isUpstream = 'runtimeConfigObject' in file.value;
  const given = isUpstream
    ? upstreamFrom(file, words)
    : { app: appFrom({ options, command, described: file.value, cwd }) };
  return {
    request: { appId, appInstanceId, ...given },
    explainError: (error) => withLines(error, file, isUpstream ? '' : 'app.'),
  };
}

/** RDK's words stand for themselves: an option would change something of ours. */
export function upstreamFrom(
  { path, value }: ConfigFile,
  { options, operands }: Pick<Words, 'options' | 'operands'>,
): object {
  const [option] = operands.length > 1 ? ['a command'] : appOptionsOf(options).map((name) => `--${name}`);
  if (option !== undefined) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `${path} has a runtimeConfigObject, and ${option} does not go with it`,
      next: 'write it into the file, or describe the app in our own words',
    });
  }
  const stranger = Object.keys(value).find((member) => !UPSTREAM.includes(member));
  if (stranger === undefined) return value;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `${path} has ${JSON.stringify(stranger)} beside a runtimeConfigObject`,
    next: `beside it can be ${UPSTREAM.slice(1).join(', ')}`,
  });
}
