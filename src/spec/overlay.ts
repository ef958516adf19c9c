/** Overlays of capabilities: laid over a Dobby spec as upstream does, and what of them our own engine can do. */
import type { App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import { faultsOf } from '../domain/faults.ts';
import { appSchema } from '../domain/app.ts';
import { variablesOf, type Described } from './described.ts';
import { dobbySpecSchema, type DobbyMount, type DobbyOverlay, type DobbySpec } from './dobby/schema.ts';
import { from, type Origins } from './origins.ts';
import { notSupported } from './unsupported.ts';

type Overlays = NonNullable<Described['rdk']>['capabilities']['overlays'];
type Name = Overlays[number]['name'];
type Json = Readonly<Record<string, unknown>>;

/** `spec` adds to these; anything else it only fills where nothing is. */
const APPENDED = ['env', 'mounts', 'plugins'];

/** The finished spec with its overlays. Throws INVALID_ARGUMENT when the whole is no Dobby spec any more. */
export function mergeOverlays(spec: DobbySpec, overlays: Overlays, origins: Origins): DobbySpec {
  if (overlays.length === 0) return spec;
  let merged: Json = spec;
  for (const { name, content } of overlays) {
    const merge: Merge = { isFill: name === 'spec', origin: from('capability', name), origins };
    merged = mergeMembers(merged, content as Json, { ...merge, path: '' });
  }
  const result = dobbySpecSchema.safeParse(merged);
  if (result.success) return merged as DobbySpec;
  const faults = faultsOf(result.error).map(({ path, expected }) => `${path} ${expected}`);
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `with the capability ${overlays.map(({ name }) => name).join(' and ')} this is no Dobby spec: ${faults.join('; ')}`,
    next: 'correct the package; docs/rdk.md lists what can be there',
    details: { member: 'capabilities' },
  });
}

type Merge = { readonly isFill: boolean; readonly origin: ReturnType<typeof from>; readonly origins: Origins };

const isGroup = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Objects member by member; lists and plain values are replaced by the overlay, or kept when it only fills. */
function mergeMembers(base: Json, overlay: Json, merge: Merge & { readonly path: string }): Json {
  const { isFill, origin, origins, path } = merge;
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(overlay)) {
    const before = base[name];
    const here = path === '' ? name : `${path}.${name}`;
    if (isGroup(before) && isGroup(value)) merged[name] = mergeMembers(before, value, { ...merge, path: here });
    else if (isFill && path === '' && APPENDED.includes(name) && Array.isArray(before)) {
      merged[name] = [...(before as unknown[]), ...(value as unknown[])];
      noteItems(name, value as readonly unknown[], merge);
    } else if (before === undefined || !isFill) {
      merged[name] = value;
      origins.forget(here);
      origins.set(here, origin);
    }
  }
  return merged;
}

/** Items have the paths that `fieldsOf` gives them. */
function noteItems(list: string, items: readonly unknown[], { origin, origins }: Merge): void {
  for (const item of items) {
    const [variable] = typeof item === 'string' ? variablesOf([item]) : [];
    const { destination, name } = (isGroup(item) ? item : {}) as { destination?: string; name?: string };
    origins.set(`${list}[${variable?.[0] ?? destination ?? name ?? ''}]`, origin);
  }
}

/** What our engine makes of a field of an overlay; others are refused by name. */
const ROWS: Readonly<Partial<Record<string, (app: App, value: never, name: Name) => Partial<App>>>> = {
  version: () => ({}),
  restartOnCrash: () => ({}),
  args: (_app, value: readonly string[], name) => (name === 'spec' ? {} : { args: [...value] }),
  cwd: (app, value: string, name) => (name === 'spec' && app.cwd !== undefined ? {} : { cwd: value }),
  memLimit: ({ limits }, value: number, name) =>
    name === 'spec' && limits.memoryBytes !== undefined ? {} : { limits: { ...limits, memoryBytes: value } },
  network: (_app, value: DobbySpec['network'], name) =>
    name === 'spec' ? {} : { network: ({ private: 'none', nat: 'nat', open: 'host' } as const)[value] },
  env: ({ env }, value: readonly string[], name) => ({
    env: { ...(name === 'spec' && env), ...Object.fromEntries(variablesOf(value)) },
  }),
  mounts: ({ mounts }, value: readonly DobbyMount[], name) => ({
    mounts: [...(name === 'spec' ? mounts : []), ...value.map((mount) => bindOf(mount, name))],
  }),
};

function bindOf({ source, destination, type, options }: DobbyMount, name: Name): App['mounts'][number] {
  if (type === 'bind') return { source, destination, readOnly: options.includes('ro') };
  throw notSupported(
    `the capability ${name} with a mount of type ${type}`,
    'take it out of the package; bind mounts are possible',
  );
}

/** For our own engine. Throws NOT_SUPPORTED naming capability and field, INVALID_ARGUMENT for values that our engine cannot take. */
export function layOver(described: Described): Described {
  const overlays = described.rdk?.capabilities.overlays ?? [];
  if (overlays.length === 0) return described;
  let { app } = described;
  const { origins } = described;
  for (const { name, content } of overlays) {
    for (const [field, value] of Object.entries(content as DobbyOverlay)) {
      const row = ROWS[field];
      if (row === undefined) {
        throw notSupported(
          `the capability ${name} with ${field}`,
          'take it out of the package, or run the app with Dobby',
        );
      }
      app = noted(app, row(app, value as never, name), { name, origins });
    }
  }
  const result = appSchema.safeParse(app);
  if (result.success) return { ...described, app: result.data };
  const [fault] = faultsOf(result.error);
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `with its capabilities the app cannot be run: ${fault?.path ?? ''} ${fault?.expected ?? ''}`,
    next: 'correct the package',
    details: { member: 'capabilities' },
  });
}

function noted(app: App, change: Partial<App>, { name, origins }: { name: Name; origins: Origins }): App {
  const origin = from('capability', name);
  if (change.args !== undefined) origins.set('args', origin);
  if (change.cwd !== undefined) origins.set('cwd', origin);
  if (change.network !== undefined) origins.set('network', origin);
  if (change.limits !== undefined) origins.set('limits.memoryBytes', origin);
  for (const [variable, value] of Object.entries(change.env ?? {})) {
    if (app.env[variable] !== value) origins.set(`env[${variable}]`, origin);
  }
  for (const mount of change.mounts ?? []) {
    if (!app.mounts.includes(mount)) origins.set(`mounts[${mount.destination}]`, origin);
  }
  return { ...app, ...change };
}
