/**
 * RDK's own files, rewritten from rdkcentral's repositories: every member and every form of a mount is there, names of people, products
 * and most of forty equal mounts of libraries are not.
 */
const CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
const sets = (names: readonly string[]) =>
  Object.fromEntries(['bounding', 'effective', 'inheritable', 'permitted', 'ambient'].map((set) => [set, names]));
const rlimit = (type: string, most: number) => ({ type, hard: most, soft: most });
const tmpfs = (destination: string, ...options: readonly string[]) => ({
  ...{ destination, type: 'tmpfs', source: 'tmpfs' },
  options: ['nosuid', ...options],
});
const DENY_ALL = { allow: false, access: 'rwm' };

/** entservices-appmanagers, resources/oci-base-spec.json (installed as /usr/share/ralf/oci-base-spec.json). */
export const RALF_BASE_SPEC = {
  ociVersion: '1.0.1',
  hostname: 'rdkdobby',
  hooks: {},
  annotations: { 'org.opencontainers.image.architecture': 'arm', 'org.opencontainers.image.os': 'linux' },
  root: { path: 'rootfs', readonly: true },
  platform: { os: 'linux', arch: 'arm' },
  process: {
    terminal: false,
    user: { uid: 0, gid: 0, additionalGids: [] },
    args: [],
    cwd: '/rootdir',
    env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    capabilities: sets(CAPABILITIES),
    rlimits: [rlimit('RLIMIT_NOFILE', 4096), rlimit('RLIMIT_NPROC', 300), rlimit('RLIMIT_RTPRIO', 0)],
    noNewPrivileges: true,
  },
  mounts: [
    tmpfs('/tmp', 'noexec', 'nodev', 'nr_inodes=8k'),
    tmpfs('/dev', 'noexec', 'strictatime', 'mode=755', 'size=65536k'),
    {
      ...{ destination: '/dev/pts', type: 'devpts', source: 'devpts' },
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
    { ...tmpfs('/dev/shm', 'noexec', 'nodev', 'mode=1777', 'nr_inodes=8k'), source: 'shm' },
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    {
      ...{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' },
      options: ['nosuid', 'noexec', 'nodev', 'relatime'],
    },
    tmpfs('/rootdir', 'noexec', 'nodev', 'size=10240k'),
  ],
  linux: {
    uidMappings: [],
    gidMappings: [],
    devices: [],
    resources: { devices: [DENY_ALL], memory: { limit: 524_288_000 }, cpu: { cpus: '1,2,3' } },
    namespaces: ['pid', 'ipc', 'uts', 'user', 'mount'].map((type) => ({ type })),
    maskedPaths: ['/proc/kcore', '/proc/latency_stats', '/proc/timer_stats', '/proc/sched_debug'],
    readonlyPaths: ['/proc/asound', '/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    rootfsPropagation: 'slave',
  },
  rdkPlugins: {
    logging: { required: true, data: { sink: 'file', fileOptions: { path: '/opt/logs/dacapp.log' } } },
    networking: { required: true, data: { type: 'open' } },
  },
};

const libraryMount = (path: string, ...more: readonly string[]) => ({
  ...{ source: path, destination: path, type: 'bind' },
  options: ['rbind', 'nosuid', 'nodev', 'ro', ...more],
});
const node = (path: string, major: number, minor: number) => ({ path, type: 'c', major, minor });
const NODES = [node('/dev/vchiq', 243, 0), node('/dev/snd/controlC0', 116, 0), node('/dev/dri/card0', 226, 0)];

/**
 * BundleGen, unit_tests/L1_testing/test_data_files/dac-image-wayland-egl-test-bundle/config.json; hooks as _process_hooks of
 * bundlegen/core/bundle_processor.py writes them where dobby.generateCompliantConfig is set. `libraries`: what is bound besides.
 */
export const bundleGenConfig = (args: readonly string[], libraries: readonly string[]) => ({
  ociVersion: '1.0.2-dobby',
  process: {
    terminal: true,
    user: { uid: 0, gid: 0 },
    args: ['/usr/libexec/DobbyInit', ...args],
    env: [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'TERM=xterm',
      'XDG_RUNTIME_DIR=/tmp',
      'RIALTO_SOCKET_PATH=/tmp/rialto-0',
      'WAYLAND_DISPLAY=westeros',
    ],
    cwd: '/',
    capabilities: sets([...CAPABILITIES, 'CAP_CHOWN', 'CAP_SETUID', 'CAP_NET_RAW']),
    rlimits: [rlimit('RLIMIT_NOFILE', 1024), rlimit('RLIMIT_NPROC', 300), rlimit('RLIMIT_RTPRIO', 6)],
    noNewPrivileges: true,
  },
  root: { path: 'rootfs' },
  hostname: 'umoci-default',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    tmpfs('/dev', 'strictatime', 'mode=755', 'size=65536k'),
    {
      ...{ destination: '/dev/pts', type: 'devpts', source: 'devpts' },
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
    { ...tmpfs('/dev/shm', 'noexec', 'nodev', 'mode=1777', 'size=65536k'), source: 'shm' },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    {
      ...{ destination: '/sys', type: 'bind', source: '/sys' },
      options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
    },
    { destination: '/etc/resolv.conf', type: 'bind', source: '/etc/resolv.conf', options: ['rbind', 'ro'] },
    libraryMount('/usr/libexec/DobbyInit'),
    libraryMount('/usr/share/X11/xkb', 'X-mount.mkdir', 'X-dobby.optional'),
    ...libraries.map((path) => libraryMount(path, 'X-mount.mkdir')),
  ],
  annotations: {
    'org.opencontainers.image.architecture': 'arm',
    'org.opencontainers.image.exposedPorts': '',
    'run.oci.hooks.stderr': '/dev/stderr',
  },
  hooks: Object.fromEntries(
    ['createRuntime', 'createContainer', 'poststart', 'poststop'].map((name) => [
      name,
      [
        {
          path: '/usr/bin/DobbyPluginLauncher',
          args: ['DobbyPluginLauncher', '-h', name, '-c', '/opt/bundle/config.json'],
        },
      ],
    ]),
  ),
  linux: {
    namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
    maskedPaths: ['/proc/kcore', '/proc/latency_stats', '/proc/timer_list', '/sys/firmware', '/proc/scsi'],
    readonlyPaths: ['/proc/asound', '/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    resources: {
      memory: { limit: 134_217_728 },
      devices: [DENY_ALL, ...NODES.map(({ path: _, ...one }) => ({ allow: true, ...one, access: 'rw' }))],
    },
    devices: NODES,
  },
  rdkPlugins: {
    networking: { required: true, data: { type: 'open' } },
    storage: {
      required: true,
      data: {
        dynamic: [{ source: '/tmp/rialto-0', destination: '/tmp/rialto-0', type: 'bind', options: ['rbind', 'rw'] }],
      },
    },
    logging: { required: true, data: { sink: 'file', fileOptions: { path: '/var/log/app.log' } } },
  },
});

/** oci-package-spec, metadata.md, "Full Example": its permissions are as it writes them. */
export const PACKAGE_EXAMPLE = {
  id: 'com.example.app',
  specVersion: '1.0.0',
  version: '1.2.3',
  versionName: '1.2.3-beta',
  name: 'An Application',
  packageType: 'application',
  packageSpecifier: 'html',
  entryPoint: 'web/index.html',
  entryArgs: ['--some-option=true'],
  dependencies: { 'rdk.browser.wpe': '>=1.1.0' },
  permissions: [
    'urn:rdk:permission:home-app',
    'urn:rdk:permission.internet',
    'urn:rdk:permission:firebolt',
    'urn:rdk:permission:external-storage::read',
    'urn:rdk:permission:compositor',
  ],
  configuration: {
    'urn:rdk:config:overrides': { application: { colorTheme: 'vivid' }, runtime: { libInject: 'x.js' } },
    'urn:rdk:config:log-levels': ['error', 'warning', 'info'],
    'urn:rdk:config:dial': {
      appNames: ['MyMediaApp'],
      corsDomains: ['http://example.com'],
      originHeaderRequired: true,
    },
    'urn:rdk:config:platform': { architecture: 'arm', variant: 'v7', os: 'linux' },
    'urn:rdk:config:window': { virtualDisplaySize: 1080 },
    'urn:rdk:config:memory': { system: '256M', gpu: '128M' },
    'urn:rdk:config:storage': { maxLocalStorage: '32M', sharedStorageAppId: 'com.example.app2' },
    'urn:rdk:config:env': { MODEL_YEAR: '2025' },
    'urn:rdk:config:network': [{ name: 'mdx', port: 8009, protocol: 'tcp', type: 'public' }],
  },
};
