/** What capabilities may do to a specification: nothing that gives the app more than it has, unless the platform says so. */
import type { App } from '../domain/app.ts';
import { RuntimeError } from '../domain/errors.ts';
import { faultsOf } from '../domain/faults.ts';
import type { Capabilities } from './capabilities.ts';
import { dobbyOverlaySchema, type DobbyMount, type DobbyOverlay } from './dobby/schema.ts';
import type { Grant, Platform } from './platform/platform.ts';
import { GRANTS } from './platform/schema.ts';

type Overlay = Capabilities['overlays'][number];

/** Never granted: they are not a package's business, or kill Dobby. */
const NEVER: Readonly<Record<string, string>> = {
  user: 'ids are leased by Runtime Manager',
  userNs: 'it is always on',
  rtPriority: 'it makes Dobby hang for good',
};
/** Of every mount that the platform has not granted as it likes. */
const LOCKED = ['ro', 'nosuid', 'nodev'];

/** Throws INVALID_ARGUMENT for what is no Dobby spec, PERMISSION_DENIED for what the platform does not allow. */
export function refuseWidening({ name, content }: Overlay, platform: Platform, app: App): DobbyOverlay {
  for (const [field, why] of Object.entries(NEVER)) {
    if (Object.hasOwn(content, field)) throw denied(name, field, { why, next: 'take it out of the package' });
  }
  const result = dobbyOverlaySchema.safeParse(content);
  if (!result.success) {
    const members = faultsOf(result.error).map(({ path, expected }) => ({ path, expected }));
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `the capability ${name} is no part of a Dobby spec: ${members.map(({ path, expected }) => `${path} ${expected}`).join('; ')}`,
      next: 'correct the package; docs/rdk.md lists what can be there',
      details: { member: 'capabilities', capability: name, members },
    });
  }
  const overlay = result.data as DobbyOverlay;
  for (const field of Object.keys(overlay)) {
    if (isGrant(field) && !platform.allow.includes(field)) refuseField({ name, field, overlay }, platform, app);
  }
  return overlay;
}

const isGrant = (field: string): field is Grant => GRANTS.some((grant) => grant === field);

type Field = { readonly name: string; readonly field: Grant; readonly overlay: DobbyOverlay };

function refuseField({ name, field, overlay }: Field, platform: Platform, app: App): void {
  if (field === 'memLimit' && Number(overlay.memLimit) <= (app.limits.memoryBytes ?? 0)) return;
  if (field === 'network' && overlay.network === 'private') return;
  if (field === 'mounts') {
    for (const mount of (overlay.mounts ?? []) as readonly DobbyMount[]) refuseMount(mount, platform, name);
    return;
  }
  throw denied(name, field, {
    why: 'it gives the app more than it has',
    next: `add ${JSON.stringify(field)} to apps.overlays.allow of the platform configuration, or take it out of the package`,
  });
}

/** An image is read by the kernel, and what is writable or may hold devices is more than an app has. */
function refuseMount({ type, source, destination, options }: DobbyMount, platform: Platform, capability: string): void {
  if (type === 'bind') refuseSource(source, platform, capability);
  const missing = LOCKED.filter((option) => type === 'bind' && !options.includes(option));
  const loose = ['dev', 'suid', 'rw'].filter((option) => options.includes(option));
  if (type !== 'loop' && missing.length === 0 && loose.length === 0) return;
  throw denied(capability, 'mounts', {
    why: type === 'loop' ? `${destination} is a loop mount` : `${destination} is not mounted ${LOCKED.join(',')}`,
    next: 'add "mounts" to apps.overlays.allow of the platform configuration, or change it in the package',
  });
}

/** A package must not decide by itself what of the device it sees. */
export function refuseSource(source: string, { mountSources, allow }: Platform, capability: string): void {
  const isAt = (path: string): boolean => path === '/' || source === path || source.startsWith(`${path}/`);
  const isPlain = source.startsWith('/') && !source.split('/').includes('..');
  const isListed = isPlain && mountSources.some((path) => isAt(path.replace(/(?<=.)\/+$/, '')));
  if (allow.includes('mounts') || isListed) return;
  throw denied(capability, 'mounts', {
    why: `the platform lets no capability mount ${source}`,
    next: 'add its directory to apps.overlays.mountSources of the platform configuration, or take it out of the package',
  });
}

const denied = (capability: string, field: string, { why, next }: { why: string; next: string }): RuntimeError =>
  new RuntimeError('PERMISSION_DENIED', {
    what: `the capability ${capability} may not set ${field}: ${why}`,
    next,
    details: { member: 'capabilities', capability, field },
  });
