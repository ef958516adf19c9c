/** What is to run, in our words, with who said each of them; made of our own description or of RDK's. */
import { appSchema, type App } from '../domain/app.ts';
import type { RuntimeConfig } from '../domain/runtime-config.ts';
import type { Capabilities } from './capabilities.ts';
import { DEFAULT, from, Origins, type Origin } from './origins.ts';
import type { Platform } from './platform/platform.ts';

/** What RDK's words say and ours cannot: only Dobby makes something of it. */
export type RdkWords = {
  readonly appId: string;
  readonly runtimeConfig: RuntimeConfig;
  readonly capabilities: Capabilities;
  /** DRM files that are there, by name. */
  readonly drmFiles: readonly string[];
  /** Those that should name a directory, and name something else. */
  readonly files: readonly ('appPath' | 'runtimePath')[];
  /** `unpackedPath` is a directory, and one of the app's mounts. */
  readonly hasDataDirectory: boolean;
};

export type Described = {
  readonly app: App;
  /** Paths are members of `app`. */
  readonly origins: Origins;
  readonly platform: Platform;
  readonly rdk: RdkWords | null;
  /** Members with a value that changes nothing. */
  readonly ignored: readonly string[];
};

/** Variables of the device hold for our descriptions, too; they do not win over the app's own. */
export function describeApp(app: App, platform: Platform): Described {
  const origins = new Origins();
  // a map and fromEntries: every name is an own member then, `__proto__` too
  const env = new Map<string, string>();
  for (const [name, value] of variablesOf(platform.env.value)) {
    env.set(name, value);
    origins.set(`env[${name}]`, platform.env.origin);
  }
  for (const [name, value] of Object.entries(app.env)) {
    // a value as the device's is the device's: that of an app that was described once already
    if (env.get(name) === value) continue;
    env.set(name, value);
    origins.set(`env[${name}]`, from('caller', `app.env.${name}`));
  }
  return { app: { ...app, env: Object.fromEntries(env) }, origins, platform, rdk: null, ignored: [] };
}

/** Of `NAME=value` lines; a line without a name is none. */
export const variablesOf = (lines: readonly string[]): readonly (readonly [name: string, value: string])[] =>
  lines.flatMap((line) => {
    const end = line.indexOf('=');
    return end > 0 ? [[line.slice(0, end), line.slice(end + 1)] as const] : [];
  });

const DEFAULTS: Readonly<Record<string, unknown>> = appSchema.parse({ rootfs: { host: true } });

/** Who said a member of the app: who was written down, else the caller, unless it is as if nobody had said it. */
export function originIn({ app, origins }: Pick<Described, 'app' | 'origins'>, path: string): Origin {
  const known = origins.find(path);
  if (known !== undefined) return known;
  const value = (app as Readonly<Record<string, unknown>>)[path];
  const isDefault = path in DEFAULTS && JSON.stringify(value) === JSON.stringify(DEFAULTS[path]);
  return isDefault ? DEFAULT : from('caller', `app.${path}`);
}
