/** What the crun of a device (1.8) and the hooks of Dobby's plugins ask of a bundle. Seen with Dobby 3.19.1 and crun 1.8.1. */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

type Mapping = { readonly containerID: number; readonly hostID: number };

export type BundleConfig = {
  readonly mounts?: readonly {
    readonly source?: string;
    readonly destination?: string;
    readonly type?: string;
    readonly options?: readonly string[];
  }[];
  readonly linux?: {
    readonly resources?: object;
    readonly cgroupsPath?: string;
    readonly uidMappings?: readonly Mapping[];
    readonly gidMappings?: readonly Mapping[];
  };
};

const VALID_ID = /^(?=.*[A-Za-z])[A-Za-z0-9._-]{1,128}$/;
/** Dobby makes the id the host name (DobbyConfig.cpp, setHostnameToContainerId), which crun sets: sethostname(2) takes 64. */
const LONGEST_HOST_NAME = 64;

const canBeNamed = (id: string): boolean =>
  VALID_ID.test(id) && !id.includes('..') && !id.startsWith('-') && id.length <= LONGEST_HOST_NAME;

type Forwarding = { readonly localhostMasquerade?: boolean; readonly containerToHost?: readonly unknown[] };
type Networking = { readonly data?: { readonly type?: string; readonly portForwarding?: Forwarding } };

/** Dobby's networking plugin, createRuntime: masquerading without a port that leads out makes no rules, which it takes for a failure (PortForwarding.cpp, addLocalhostMasquerading). */
function canJoin(networking: Networking | undefined): boolean {
  const { localhostMasquerade = false, containerToHost = [] } = networking?.data?.portForwarding ?? {};
  return !localhostMasquerade || containerToHost.length > 0;
}

/** Dobby's thunder plugin, postInstallation, binds it into every app that has the plugin (ThunderPlugin.cpp). */
const hasThunder = (thunder: object | undefined): boolean => thunder === undefined || existsSync('/tmp/communicator');

/** Those whose hooks end a start. */
export type Plugins = { readonly networking?: Networking; readonly thunder?: object };

export const canLaunch = (id: string, { networking, thunder }: Plugins = {}): boolean =>
  canBeNamed(id) && canJoin(networking) && hasThunder(thunder);

/** What is set with mount_setattr(2) for the mounts below, too. */
const RECURSIVE = /^r(?:ro|rw|(?:no)?suid|(?:no)?dev|(?:no)?exec)$/;
const [READ, SEARCH] = [4, 1];

/** `file`: the bundle's config.json. */
export function canStart({ mounts = [], linux = {} }: BundleConfig, file: string): boolean {
  const isRefused = mounts.some(
    ({ source = '', options = [] }) => options.some((option) => RECURSIVE.test(option)) && !isDirectory(source),
  );
  const rootOf = (mappings: readonly Mapping[] = []): number =>
    mappings.find(({ containerID }) => containerID === 0)?.hostID ?? 0;
  return (
    !isRefused &&
    hasSources(mounts) &&
    canRead(file, { uid: rootOf(linux.uidMappings), gid: rootOf(linux.gidMappings) })
  );
}

/** What is bound must be there: crun's do_mounts asks get_file_type() of it and gives up ("error stat'ing file", libcrun/linux.c). */
export const hasSources = (mounts: NonNullable<BundleConfig['mounts']>): boolean =>
  mounts.every(
    ({ source = '', type, options = [] }) =>
      !(type === 'bind' || options.includes('bind') || options.includes('rbind')) || existsSync(source),
  );

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() !== false;
}

type Root = { readonly uid: number; readonly gid: number };

/** The hook createContainer is run as the container's root, who is an ordinary user outside. */
function canRead(file: string, root: Root): boolean {
  if (root.uid === 0) return true;
  if (!mayUse(file, root, READ)) return false;
  for (let path = dirname(file); ; path = dirname(path)) {
    if (!mayUse(path, root, SEARCH)) return false;
    if (path === '/') return true;
  }
}

function mayUse(path: string, { uid, gid }: Root, right: number): boolean {
  const { mode, uid: owner, gid: group } = statSync(path);
  const shift = owner === uid ? 6 : group === gid ? 3 : 0;
  return ((mode >> shift) & right) !== 0;
}
