/** What RALF packages may do, as their manifests and the caller's capabilities say it. */
import type { Capabilities } from '../capabilities.ts';
import { from, type Origin } from '../origins.ts';
import type { RdkVariable } from '../rdk-environment.ts';
import type { Manifest } from './schema.ts';

export const INTERNET = 'urn:rdk:permission:internet';
export const THUNDER = 'urn:rdk:permission:thunder';
/** The caller's `envVariables` carry the endpoint, and its `ports` the way to it. */
export const FIREBOLT = 'urn:rdk:permission:firebolt';
/** Those that are read. */
export const PERMISSIONS: readonly string[] = [INTERNET, THUNDER, FIREBOLT];

const WITH_PERMISSIONS = ['application', 'service', 'runtime'];
/** The full example of the package specification writes a point for the last colon of this permission. */
const asColon = (permission: string): string => permission.replace(/^urn:rdk:permission\./, 'urn:rdk:permission:');

type One = { readonly metadata: string; readonly manifest: Manifest };

export const permissionsOf = ({ manifest: { packageType, permissions } }: One): readonly string[] =>
  WITH_PERMISSIONS.includes(packageType) ? permissions.map(asColon) : [];

/** Null: no package has it. */
export function permittedBy(packages: readonly One[], permission: string): Origin | null {
  const package_ = packages.find((one) => permissionsOf(one).includes(permission));
  return package_ === undefined ? null : from('package', `${package_.metadata} ${permission}`);
}

/**
 * By a package, else by the caller: upstream's branch for container networking reads permissions in the capabilities
 * (RalfOCIConfigGenerator.cpp, hasCapabilityPermission).
 */
export const ralfPermission = (
  byPackage: Origin | null,
  unknownCapabilities: readonly string[],
  permission: string,
): Origin | null => byPackage ?? (unknownCapabilities.includes(permission) ? from('capability', permission) : null);

type Words = {
  readonly env: readonly RdkVariable[];
  /** Of the machine's 127.0.0.1, that the app reaches. */
  readonly ports: readonly number[];
  readonly ignored: readonly string[];
};
type Device = { readonly capabilities: Pick<Capabilities, 'unknown'>; readonly thunderAccess?: string | null };

/**
 * THUNDER_ACCESS for an app that may use Thunder. Upstream's branch (pull request 553, RDKEMW-20555) gives it to every app; its comment
 * wants the permission looked at.
 */
export function thunderWords(
  ralf: { readonly thunder: Origin | null } | null,
  { capabilities, thunderAccess = null }: Device,
): Words {
  const origin = ralf && ralfPermission(ralf.thunder, capabilities.unknown, THUNDER);
  if (origin === null) return { env: [], ports: [], ignored: [] };
  if (thunderAccess === null) {
    return { env: [], ports: [], ignored: [`ralf: ${origin.by ?? ''} (no THUNDER_ACCESS here)`] };
  }
  return { env: [['THUNDER_ACCESS', thunderAccess, origin]], ports: loopbackPort(thunderAccess), ignored: [] };
}

/** None where Thunder is elsewhere, or listens at a socket's path. */
function loopbackPort(access: string): readonly number[] {
  const [, port = ''] = /^(?:127\.0\.0\.1|localhost):(\d{1,5})$/.exec(access) ?? [];
  return Number(port) >= 1 && Number(port) <= 65_535 ? [Number(port)] : [];
}
