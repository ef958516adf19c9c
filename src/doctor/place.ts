/** What the examination is about: one daemon's places and settings, whether it runs or not. */
import { rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { configSchema, readConfig, type Config } from '../config.ts';
import type { Finding } from '../domain/health.ts';
import { isErrno, RuntimeError } from '../domain/errors.ts';
import { layout, type Layout } from '../domain/layout.ts';
import { toolsOf } from '../start/build.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Patient = {
  /** Undefined: the system's own. */
  readonly root: string | undefined;
  readonly places: Layout;
  readonly config: Config;
  readonly env: Environment;
  readonly tools: string | undefined;
  /** PATH for the host tools, as the daemon has it. */
  readonly searchPath: string;
};

export type Check = (patient: Patient) => Promise<readonly Finding[]>;

export const ok = (check: string, what: string): Finding => ({ check, state: 'ok', what, why: null, next: null });

type Trouble = { readonly what: string; readonly why: string; readonly next: string };
export const warn = (check: string, trouble: Trouble): Finding => ({ check, state: 'warn', ...trouble });
export const fail = (check: string, trouble: Trouble): Finding => ({ check, state: 'fail', ...trouble });

const FULL = { what: 'a disk is full', next: 'make room on it, for blocks (df -h) and for files (df -i)' };

/** An error of ours as a finding. */
export function failed(check: string, thrown: unknown, next = 'see docs/operations.md'): Finding {
  if (isErrno(thrown, 'ENOSPC', 'EDQUOT')) return fail(check, { ...FULL, why: thrown.message });
  const error = RuntimeError.of(thrown).toJSON();
  return fail(check, { what: error.what, why: error.why ?? error.code, next: error.next ?? next });
}

export type Opened = {
  readonly patient: Patient;
  /** Why its configuration cannot be used; then the patient has the settings of an empty one. */
  readonly fault: RuntimeError | undefined;
};

export async function openPatient(root: string | undefined, env: Environment): Promise<Opened> {
  const places = layout(root);
  const read = await readConfig(places.config, false).catch((error: unknown) => RuntimeError.of(error));
  const [config, fault] = read instanceof RuntimeError ? [configSchema.parse({}), read] : [read, undefined];
  const named = toolsOf({ config, env });
  const tools = named === undefined ? undefined : resolve(named);
  const searchPath = [tools, env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'].filter(Boolean).join(':');
  return { patient: { root, places, config, env, tools, searchPath }, fault };
}

/** The directories of its path that were not there before; `made` is the first of them. Others stay. */
export async function removeMade(root: string, made = root): Promise<void> {
  for (let path = dirname(root); path.length >= made.length; path = dirname(path)) {
    await rmdir(path).catch(() => undefined);
  }
}

/** Where the examination works; the next one clears what one that was killed has left. */
export const scratchOf = ({ places }: Patient): string => join(places.state, 'doctor');
