/** Names of apps, instances and containers. */
import { createHash, randomUUID } from 'node:crypto';
import { RuntimeError } from './errors.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** Which app: chosen by the caller, the same for all instances of it. */
export type AppId = Branded<'AppId'>;
/** Which instance of an app: chosen by the caller or made here. */
export type AppInstanceId = Branded<'AppInstanceId'>;
/** The instance's name for the OCI runtime, conmon, cgroups and directories. */
export type ContainerId = Branded<'ContainerId'>;

const MAX_ID_LENGTH = 256;
const STRANGER = /[^A-Za-z0-9._:-]/u;

function checkId(text: unknown, member: string): string {
  const refuse = (why: string) =>
    new RuntimeError('INVALID_ARGUMENT', {
      what: `${member} ${why}`,
      next: `give 1 to ${MAX_ID_LENGTH} characters of A-Z a-z 0-9 . _ : -`,
    });
  if (typeof text !== 'string') throw refuse('must be text');
  if (text === '') throw refuse('is empty');
  if (text.length > MAX_ID_LENGTH) throw refuse(`has ${text.length} characters`);
  const stranger = STRANGER.exec(text)?.[0];
  if (stranger !== undefined) throw refuse(`${JSON.stringify(text)} has the character ${JSON.stringify(stranger)}`);
  return text;
}

/** Throws INVALID_ARGUMENT with the reason. */
export const appId = (text: unknown): AppId => checkId(text, 'appId') as AppId;

/** Throws INVALID_ARGUMENT with the reason. */
export const appInstanceId = (text: unknown): AppInstanceId => checkId(text, 'appInstanceId') as AppInstanceId;

export const newAppInstanceId = (): AppInstanceId => randomUUID() as AppInstanceId;

const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * A name for files, cgroups and the OCI runtime: the id itself where it is plain and short, else its readable head and a hash.
 * `+` is no character of an id, so a made name never equals another id's own (upstream cuts at 64 characters, and two ids become one).
 * Source: runc libcontainer/validate idRegex `^[\w+-\.]+$`.
 */
export function plainName(id: AppId | AppInstanceId): string {
  if (PLAIN.test(id)) return id;
  const head = id
    .slice(0, 40)
    .replaceAll(/[^A-Za-z0-9-]/g, '-')
    .replace(/^-+/, '');
  const tail = createHash('sha256').update(id).digest('hex').slice(0, 32);
  return `${head === '' ? 'id' : head}+${tail}`;
}

/** Pure and without collisions: the same instance always has the same container. */
export const containerIdFor = (id: AppInstanceId): ContainerId => plainName(id) as ContainerId;
