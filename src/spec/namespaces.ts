/** What the app is set apart by, and who it is in there. */
import type { App } from '../domain/app.ts';
import type { OciIdMapping, OciNamespace } from './oci-types.ts';

export type Identity = {
  /** The same number inside and outside. */
  readonly uid: number;
  readonly gid: number;
  /** Who root in the container is outside: an id that nothing else uses. */
  readonly rootHostUid: number;
  readonly rootHostGid: number;
};

/**
 * All made by the runtime, none by path: a network namespace by path cannot be hibernated together with a user namespace
 * (facts/engine.md §4).
 */
export const namespaces = (network: App['network']): readonly OciNamespace[] =>
  (['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup', 'user'] as const)
    .filter((type) => type !== 'network' || network !== 'host')
    .map((type) => ({ type }));

/**
 * The app has one id inside and outside and is root in neither. Root must be mapped for the runtime to mount, and nobody
 * ever becomes it: the app has no capability and gains none.
 */
const mapping = (id: number, rootHostId: number): readonly OciIdMapping[] => [
  { containerID: 0, hostID: rootHostId, size: 1 },
  { containerID: id, hostID: id, size: 1 },
];

/** `groups`: of the machine, the same inside and outside. */
export const idMappings = ({ uid, gid, rootHostUid, rootHostGid }: Identity, groups: readonly number[] = []) => ({
  uidMappings: mapping(uid, rootHostUid),
  gidMappings: [...mapping(gid, rootHostGid), ...groups.map((id) => ({ containerID: id, hostID: id, size: 1 }))],
});
