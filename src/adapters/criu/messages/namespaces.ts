/** Namespaces, mounts, control groups, the network. */
import type { Message } from './message.ts';

const MISSING_NETWORK = {
  code: 'NETWORK_NAMESPACE_MISSING',
  why: 'the app was hibernated in a network namespace that is given by its path',
  next: 'make the network namespace again at this path, then wake the app',
} as const;

const NETWORK_LOCK = {
  code: 'NETWORK_LOCK',
  next: 'switch the lock off (`network-lock skip`), or install iptables and the modules xt_mark and nf_conntrack',
} as const;

const PROPAGATION = {
  code: 'MOUNT_PROPAGATION',
  what: 'the mount on {path} is shared with the host in a way that cannot be rebuilt',
  why: 'mounts would go to and fro between the app and the host (shared or slave propagation)',
  next: 'mount it private (option `rprivate`, which Runtime Manager uses)',
} as const;

export const NAMESPACE_MESSAGES: readonly Message[] = [
  {
    code: 'NESTED_NAMESPACE',
    match: /Can't dump nested (?<kind>\w+) namespace for (?<pid>\d+)/,
    source: 'criu/namespaces.c',
    about: 'process',
    what: '{who} has made a {kind} namespace of its own',
    why: 'CRIU saves one {kind} namespace for each app, that of its first process',
    next: 'switch off the sandbox of the app (Chromium: --no-sandbox), or run it without a container inside the container',
  },
  {
    code: 'NAMESPACE_NOT_OWNED',
    match: /One or more namespaces doesn't belong to the target user namespace/,
    source: 'criu/namespaces.c',
    what: 'a namespace of the app does not belong to its user namespace',
    why: 'most often a network namespace made by the host was given to an app with a user namespace',
    next: 'let the runtime make all namespaces of the app (Runtime Manager does)',
  },
  {
    code: 'NAMESPACE_NOT_ENTERED',
    match: /Can't setns \d+\/(?<kind>\w+): (?<reason>.*)$/,
    source: 'criu/namespaces.c',
    what: 'the {kind} namespace of the app could not be entered',
    why: 'the kernel says: {reason}; a namespace given by path does not go together with a user namespace',
    next: 'let the runtime make the namespaces of the app (Runtime Manager does)',
    words: { kind: { net: 'network', mnt: 'mount' } },
  },
  {
    ...MISSING_NETWORK,
    match: /[Rr]equested network namespace (?<path>\S+) does not exist/,
    source: 'runc',
    what: 'the network namespace {path} is not there',
  },
  {
    ...MISSING_NETWORK,
    match: /Unable to find an external netns: (?<path>.*)$/,
    source: 'criu/net.c',
    what: 'the network namespace {path} of the app was not handed to CRIU',
  },
  {
    code: 'NETWORK_SET_UP',
    match:
      /couldn't find if(?:name|index) for|Unsupported link \d+|Can't restore link|Unable to restore network links|IP tool failed on/,
    source: 'criu/net.c, criu/sk-inet.c',
    what: 'the network of the app could not be saved or set up again',
    why: 'an interface or a route that the app uses is of a kind CRIU does not know, or is not there any more',
    next: 'give the app the same network interfaces as before, then try again',
  },
  {
    ...NETWORK_LOCK,
    match: /Locking network failed(?:: iptables-restore returned| using nftables)|CRIU was built without libnftables/,
    source: 'criu/net.c, criu/netfilter.c',
    what: 'the network of the app could not be locked for the time of the hibernation',
    why: "the lock is made of rules of the kernel's packet filter, which could not be set",
  },
  {
    ...NETWORK_LOCK,
    match: /CHAIN_DEL failed|Iptables configuration failed|nf: Can't/,
    source: 'iptables, criu/netfilter.c',
    what: 'the lock on the network of the app could not be removed',
    why: 'rules of an earlier attempt are still there (chain CRIU), and drop every packet of the app',
    next: 'remove the chain CRIU in the network namespace of the app (iptables -F; iptables -X CRIU), or run the app anew',
  },
  {
    code: 'TOOL_MISSING',
    match: /execvp\("(?<tool>[^"]+)", \.\.\.\) failed: (?<reason>.*)$/,
    source: 'criu/util.c',
    what: '{tool} could not be run: {reason}',
    why: 'CRIU calls it to do a part of the work',
    next: 'install {tool}, or see that it is in the PATH of the daemon',
  },
  {
    code: 'FILE_SYSTEM',
    match: /FS mnt (?<path>\S+) dev \S+ root .* unsupported id/,
    source: 'criu/mount.c',
    what: 'the app has a file system mounted on {path} that CRIU cannot save',
    why: 'CRIU makes file systems in memory again, and leaves those on disks to the host; this one is neither',
    next: 'mount it on the host and give it to the app as a mount',
  },
  {
    ...PROPAGATION,
    match: /Mount \d+ (?<path>\S*) \(master_id: \d+ shared_id: \d+\) has unreachable sharing/,
    source: 'criu/mount.c',
  },
  {
    ...PROPAGATION,
    match:
      /Sharing group \((?<path>\d+, \d+)\) has unreachable sharing|External slavery sharing group \((?<path2>.*?)\)/,
    source: 'criu/mount-v2.c',
    what: 'a mount of the app is shared with the host in a way that cannot be rebuilt',
  },
  {
    code: 'MOUNT_NOT_DECLARED',
    match:
      /No mapping for \d+:(?<path>\S+) mountpoint|\d+:(?<path2>\S+) doesn't have a proper root mount|autodetected external mount/,
    source: 'criu/mount.c',
    what: 'the app has a mount that the runtime did not tell CRIU about',
    why: 'CRIU can put back what is mounted from the host only if the runtime says where it comes from',
    next: 'give the app its mounts by its configuration; mounts made later, by hand, cannot be hibernated',
  },
  {
    code: 'MOUNT_BELOW_SOURCE',
    match: /Failed to open_tree (?<path>.*): Invalid argument/,
    source: 'criu/mount-v2.c',
    what: '{path} could not be mounted into the app again',
    why: 'another file system is mounted below it on the host, and CRIU mounts the source without what is below it, which the kernel refuses in a user namespace',
    next: 'unmount what is mounted below {path}, or give the app a directory that has no mounts below it',
  },
  {
    code: 'MOUNT_SOURCE_MISSING',
    match: /Failed to open_tree (?<path>[^:]*): (?<reason>.*)$/,
    source: 'criu/mount-v2.c',
    what: '{path} could not be mounted into the app again',
    why: 'the kernel says: {reason}',
    next: 'put the source of the mount back as it was, then wake the app',
  },
  {
    code: 'MOUNT_SOURCE_MISSING',
    match: /mount src=(?<path>[^,]+), .*dst=(?<target>[^,]+),.*: no such file or directory/,
    source: 'runc',
    what: '{path}, which the app has mounted on {target}, is not there',
    why: 'the app was hibernated with this mount and cannot do without it',
    next: 'put {path} back, then wake the app',
  },
  {
    code: 'MOUNT_FAILED',
    match: /(?:Can't|Unable to) (?:bind-)?mount (?:at )?(?<path>\S+).*: (?<reason>.*)$/,
    source: 'criu/mount.c, criu/mount-v2.c',
    what: 'a mount of the app could not be made again ({path})',
    why: 'the kernel says: {reason}',
    next: 'see that the root file system and the sources of its mounts are as they were',
  },
  {
    code: 'MOUNT_FAILED',
    match: /A few mount points can't be mounted|Unable to dump a file system for|No parent found for mountpoint/,
    source: 'criu/mount.c',
    what: 'the mounts of the app could not be saved or put back',
    why: 'one of them rests on another that is not there',
    next: 'see that the root file system and the sources of its mounts are as they were',
    weak: true,
  },
  {
    code: 'CONTROL_GROUP',
    match:
      /cg: .*(?:write to cgroup\.subtree_control|Failed writing|Can't move|Can't make|dumping known properties|Cgroup dir|bad cgroup path|restore of existing cgroups)/,
    source: 'criu/cgroup.c',
    what: 'the control groups of the app could not be saved or set up again',
    why: 'CRIU was told to manage them, and they are not as they were',
    next: 'leave control groups to the runtime (`--manage-cgroups-mode=ignore` at both ends, as Runtime Manager does)',
  },
];
