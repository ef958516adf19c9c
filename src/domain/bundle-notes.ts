/** What an OCI configuration asks for and this engine decides itself: named, so that nothing is left out silently. */

/** Dobby's own way to run its plugins (BundleGen, _process_hooks); the plugins are no part of this engine. */
export const PLUGIN_LAUNCHER = 'DobbyPluginLauncher';

type Row = readonly [member: string, why: string, isUsual?: (value: never) => boolean];

/** As runc and umoci write them into every configuration. */
const USUAL_CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

const isUsual = {
  capabilities: (sets: Readonly<Record<string, unknown>>): boolean =>
    Object.values(sets)
      .flat()
      .every((name) => USUAL_CAPABILITIES.includes(String(name))),
  rlimits: (list: readonly { readonly type?: unknown }[]): boolean =>
    list.every(({ type }) => type === 'RLIMIT_NOFILE' || type === 'RLIMIT_CORE'),
  namespaces: (list: readonly { readonly path?: unknown }[]): boolean => list.every(({ path }) => !path),
  rules: (list: readonly { readonly allow?: unknown }[]): boolean => list.every(({ allow }) => allow !== true),
};

const MEMBERS: readonly Row[] = [
  ['process.capabilities', 'apps have no capabilities', isUsual.capabilities],
  ['process.rlimits', 'limits of an app are app.limits', isUsual.rlimits],
  ['process.user.additionalGids', 'an app is in its own group only'],
  ['process.apparmorProfile', 'not applied'],
  ['process.selinuxLabel', 'not applied'],
  ['process.oomScoreAdj', 'set by Runtime Manager'],
  ['process.scheduler', 'not applied'],
  ['process.ioPriority', 'not applied'],
  ['linux.devices', 'apps have no devices'],
  ['linux.resources.devices', 'apps have no devices', isUsual.rules],
  ['linux.resources.cpu', 'set app.limits, or apps.limits.cpuset of the platform'],
  ['linux.resources.blockIO', 'give app.limits.ioWeight'],
  ['linux.resources.hugepageLimits', 'not applied'],
  ['linux.resources.network', 'not applied'],
  ['linux.resources.unified', 'not applied'],
  ['linux.resources.rdma', 'not applied'],
  ['linux.sysctl', 'not applied'],
  ['linux.namespaces', 'an app joins no namespace by path', isUsual.namespaces],
  ['linux.cgroupsPath', 'chosen by Runtime Manager'],
  ['linux.seccomp', "Runtime Manager's own filter is in force"],
  ['linux.intelRdt', 'not applied'],
  ['linux.personality', 'not applied'],
  ['linux.timeOffsets', 'not applied'],
  ['linux.netDevices', 'an app gets no network device of the host'],
  ['linux.mountLabel', 'not applied'],
  ['domainname', 'not applied'],
];

const KNOWN = ['ociVersion', 'root', 'process', 'hostname', 'domainname', 'mounts', 'hooks', 'annotations', 'linux'];
/** Of the other systems in the same specification, and of the older one (`platform`, 1.0.0-rc). */
const ELSEWHERE = ['solaris', 'windows', 'vm', 'zos', 'freebsd', 'platform'];
/** Orders to the OCI runtime and to CRIU. */
const ORDER = /^(org\.criu\.|run\.oci\.)/;
const MOST_NOTES = 32;
const MOST_NAME = 60;

type Json = Readonly<Record<string, unknown>>;
const isGroup = (value: unknown): value is Json => typeof value === 'object' && value !== null;

function valueAt(content: unknown, member: string): unknown {
  let value = content;
  for (const name of member.split('.')) value = isGroup(value) ? value[name] : undefined;
  return value;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (isGroup(value) && Object.keys(value).length === 0);

/** `content`: a configuration that has passed its schema. */
export function notesOf(content: unknown): readonly string[] {
  const rows = MEMBERS.flatMap(([member, why, usual]) => {
    const value = valueAt(content, member);
    return isEmpty(value) || isOrdinary(value, usual) ? [] : [`${member} (${why})`];
  });
  const groupAt = (member: string): Json => {
    const value = valueAt(content, member);
    return isGroup(value) ? value : {};
  };
  const hooks = Object.values(groupAt('hooks')).flat();
  const plugins = Object.keys(groupAt('rdkPlugins'));
  const annotations = Object.keys(groupAt('annotations')).filter((name) => ORDER.test(name));
  const unknown = Object.keys(isGroup(content) ? content : {}).filter(
    (name) => !KNOWN.includes(name) && !ELSEWHERE.includes(name) && name !== 'rdkPlugins',
  );
  return [
    ...rows,
    ...(hooks.length === 0 ? [] : [`hooks of ${PLUGIN_LAUNCHER} (this engine has no plugins of Dobby)`]),
    ...plugins.map((name) => `rdkPlugins.${printable(name)} (this engine has no plugins of Dobby)`),
    ...annotations.map((name) => `annotations.${printable(name)} (orders to the runtime are not followed)`),
    ...unknown.map((name) => `${printable(name)} (not a known member)`),
  ].slice(0, MOST_NOTES);
}

/** Whatever a member holds that nothing else reads: a value of another form is not usual. */
function isOrdinary(value: unknown, usual: Row[2]): boolean {
  try {
    return usual?.(value as never) === true;
  } catch {
    // see above
    return false;
  }
}

const printable = (name: string): string => JSON.stringify(name.slice(0, MOST_NAME)).slice(1, -1);
