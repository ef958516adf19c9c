/** Settings of the daemon: config.yaml, every member optional. */
import * as z from 'zod';
import { readSmall, readSmallIfThere } from './adapters/files/read-small.ts';
import { pixels } from './domain/app.ts';
import { RuntimeError } from './domain/errors.ts';
import { faultsOf } from './domain/faults.ts';
import { PROFILE_NAMES, WAKE_TARGETS } from './domain/wire.ts';
import { apps, bundles, network } from './start/app-settings.ts';

const milliseconds = z.int().min(0).max(3_600_000);
const id = z
  .int()
  .min(1)
  .max(2 ** 32 - 2);

const userIds = z
  .strictObject({
    first: id.default(30_001),
    last: id.default(31_000),
    /** Group of all apps; each app has its own when absent. RDK's is 30000. */
    sharedGid: id.optional(),
    /** An id goes to another app this long after its last one ended, at the earliest. */
    graceMs: z.int().min(0).default(600_000),
    /** Container root on the host is the app's id plus this: ids that nobody else uses. */
    rootOffset: id.default(200_000),
    /** Whether apps get `userId` and `groupId` of RDK's `runtimeConfigObject`, as far as they are in the range or in `shared`. */
    honour: z.boolean().default(false),
    /** Ids that several apps may have at the same time, if they ask for them. RDK's package manager asks for 30000 for every app. */
    shared: z.array(id).max(100).default([]),
  })
  .refine(({ first, last }) => first <= last, 'first must not be above last')
  .refine(
    ({ first, last, rootOffset, shared }) => shared.every((one) => one < first + rootOffset || one > last + rootOffset),
    { path: ['shared'], error: "has an id that is an app's container root: first to last, plus rootOffset" },
  );

const MIB = 2 ** 20;

const hibernation = z.strictObject({
  /** For a dump or a restore; 100 ms more for each MiB of memory. */
  timeoutMs: milliseconds.default(30_000),
  /** All images together, in bytes; a hibernation beyond it is refused. */
  budgetBytes: z
    .int()
    .min(MIB)
    .default(8 * 1024 * MIB),
  /** Images above this size, in bytes, bring their pages when they are touched; smaller ones at once, which is quicker then. */
  lazyPagesAboveBytes: z
    .int()
    .min(0)
    .default(32 * MIB),
  /** Time asleep before an image is compressed, in ms; 0: never. */
  compressAfterMs: milliseconds.default(60_000),
  /** Whether a hibernation is answered before or after its image is flushed to the disk: only what is flushed survives a power cut. */
  durability: z.enum(['beforeAnswer', 'afterAnswer']).default('afterAnswer'),
  /** Of zstd. */
  compressionLevel: z.int().min(1).max(19).default(1),
});

const packages = z.strictObject({
  /** Unpacked images that no app uses are deleted, the longest unused first, while all together take more, in bytes. An image that alone takes more is refused; with 0 none is, and none is kept that no app uses. */
  budgetBytes: z
    .int()
    .min(0)
    .default(4 * 1024 * MIB),
  /** Files and directories that one image may have. */
  maxFiles: z.int().min(1).default(500_000),
  /** How many times its own size an image may become when it is unpacked, once that is more than 512 MiB. */
  maxExpansion: z.int().min(2).default(100),
  /** What unpacking leaves free of the disk, in bytes; never more than a twentieth of it. */
  keepFreeBytes: z
    .int()
    .min(0)
    .default(256 * MIB),
});

const tls = z.strictObject({
  /** PEM file of the certificate, and those that lead to a known one. */
  cert: z.string().startsWith('/'),
  /** PEM file of its private key. */
  key: z.string().startsWith('/'),
});

const tcpLimits = z.strictObject({
  /** At one time; more are closed at once. */
  maxConnections: z.int().min(1).max(10_000).default(256),
  /** Of one connection, with as many at once; what is more waits. */
  callsPerSecond: z.int().min(1).max(1_000_000).default(100_000),
});

const path = z.string().startsWith('/').optional();

const thunder = z.strictObject({
  /** Of Thunder, with ws:// or wss://; from THUNDER_ACCESS (`HOST:PORT`), or 127.0.0.1:9998, when absent. */
  url: z.url({ protocol: /^wss?$/, error: 'must be a ws:// or wss:// address' }).optional(),
  /** File with the token that Thunder's security wants. */
  tokenFile: path,
  /** For one call of a plugin, in ms; for those to Dobby: `dobby.callTimeoutMs`. */
  callTimeoutMs: milliseconds.min(1).default(5000),
});

const parent = z
  .strictObject({
    /** What it is shown on: the machine's screens (`drm`), a window of a Wayland session (`wayland`), or memory (`headless`). */
    backend: z.enum(['drm', 'wayland', 'headless']),
    /** For `wayland`: the session's socket. */
    socket: path,
    /** In pixels, of a window or of memory; a real screen has its own. */
    width: pixels.default(1280),
    /** As `width`. */
    height: pixels.default(720),
    /** User that its compositor runs as; the number after the apps' last one when absent. */
    uid: id.optional(),
    /** Its group; the same number when absent. For `drm`, seatd must let one of them in. */
    gid: id.optional(),
  })
  .refine(
    ({ backend, socket }) => (backend === 'wayland') === (socket !== undefined),
    'backend wayland needs socket, and no other has one',
  );

const displays = z
  .strictObject({
    /** Who makes the apps' displays: this daemon, RDK's window manager (a plugin of Thunder), somebody else (one for all), or nobody. */
    provider: z.enum(['embedded', 'rdk', 'external', 'none']).default('embedded'),
    /** For `rdk`: XDG_RUNTIME_DIR of the window manager; the daemon's own when absent, else /tmp. */
    directory: path,
    /** For `external`: the Wayland socket that all apps get. */
    socket: path,
    /** For `embedded`: one screen that shows all displays on the host; without it each is seen by its pictures only. */
    parent: parent.optional(),
  })
  .refine(
    ({ provider, socket }) => (provider === 'external') === (socket !== undefined),
    'provider external needs socket, and no other has one',
  )
  .refine(
    ({ provider, parent: shown }) => provider === 'embedded' || shown === undefined,
    'parent is for the provider embedded',
  );

const storage = z.strictObject({
  /** Who keeps the apps' private directories: this daemon, or RDK's storage manager (a plugin of Thunder). */
  provider: z.enum(['embedded', 'rdk']).default('embedded'),
  /** Where this daemon makes them, also for apps for which the storage manager hands out none; `apps` in the state directory when absent. */
  directory: path,
});

const dobby = z.strictObject({
  /** D-Bus address of the bus that Dobby is on; the system bus (or DBUS_SYSTEM_BUS_ADDRESS) when absent. */
  bus: z.string().min(1).optional(),
  /** Its name there; another one in a Dobby that was built so. */
  service: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)+$/, 'must be a name on a bus')
    .default('org.rdk.dobby'),
  /** The path of its object; the same holds. */
  object: z
    .string()
    .regex(/^(\/[A-Za-z0-9_]+)+$/, 'must be an object path')
    .default('/org/rdk/dobby'),
  /** Whether apps become OCI bundles or Dobby specs; `auto`: as this Dobby was built, bundles if both. */
  start: z.enum(['auto', 'bundle', 'spec']).default('auto'),
  /** For one call, in ms. Dobby does one thing at a time, and a start may take it 5 s. */
  callTimeoutMs: milliseconds.min(1000).default(30_000),
  /** From finding Dobby to the first call, in ms: one that comes too early harms it. */
  settleMs: milliseconds.default(250),
  /** Mounts while an app runs, in a Dobby that needs a plugin (`storage`) in the container for that. */
  liveMounts: z.boolean().default(false),
  /** For memcr, as Dobby takes them: `dest=DIR,compress=lz4` (or zstd); memcr's own when empty. */
  hibernateOptions: z.string().max(4096).default(''),
});

const rdk = z.strictObject({
  /** What `runtimeState` of `wake` means: nothing, the app runs afterwards as with upstream's plugin (`running`); or what it says (`asAsked`). By the profile when absent: `running` in r4 and r5. */
  wakeTarget: z.enum(WAKE_TARGETS).optional(),
});

export const configSchema = z.strictObject({
  /** Who runs the containers: this daemon, or Dobby, a daemon of the device: asked over D-Bus, or through Thunder's plugin org.rdk.OCIContainer. */
  engine: z.enum(['embedded', 'dobby', 'ocicontainer']).default('embedded'),
  /** How Dobby is found and used; bus, service, object and settleMs are for the engine dobby. */
  dobby: dobby.prefault({}),
  runtime: z.enum(['auto', 'runc', 'crun']).default('auto'),
  /** Directory with the host tools (conmon, runc, crun, tini-static, nft, skopeo, umoci), before PATH. */
  tools: z.string().startsWith('/').optional(),
  terminateGraceMs: milliseconds.default(10_000),
  startTimeoutMs: milliseconds.default(30_000),
  freezeTimeoutMs: milliseconds.default(10_000),
  killTimeoutMs: milliseconds.default(10_000),
  execStandstillMs: milliseconds.default(10_000),
  /** Of the log of an app's run, in bytes, in parts of which the oldest goes first; of the run before it as many are kept. */
  logMaxBytes: z
    .int()
    .min(4096)
    .default(10 * 2 ** 20),
  /** Events kept; older ones are dropped, and who asks for them is told of the gap. */
  maxEvents: z.int().min(1000).default(100_000),
  /** Size of `state.db`, in bytes, above which older events are dropped too; the last 1000 are always kept. */
  maxEventBytes: z
    .int()
    .min(4 * MIB)
    .default(64 * MIB),
  /** Age of an event, in ms, at which it is dropped: 30 days. */
  maxEventAgeMs: z.int().min(60_000).default(2_592_000_000),
  /** Ended instances remembered. */
  keepEnded: z.int().min(0).default(1000),
  /** Checkpoints, restores and their images. */
  hibernation: hibernation.prefault({}),
  /** Images that apps run from. */
  packages: packages.prefault({}),
  /** What holds for an app whose description says nothing. */
  apps: apps.prefault({}),
  /** OCI bundles that apps run from. */
  bundles: bundles.prefault({}),
  /** Networks of apps. */
  network: network.prefault({}),
  userIds: userIds.prefault({}),
  /** Wayland displays of the apps. */
  displays: displays.prefault({}),
  /** Private directories of the apps. */
  storage: storage.prefault({}),
  /** Where the providers `rdk` and the engine ocicontainer find their plugins. */
  thunder: thunder.prefault({}),
  /** Group in the cgroup hierarchies, absolute; derived from the root directory when absent. */
  cgroupParent: z
    .string()
    .regex(/^\/[A-Za-z0-9._/-]+$/, 'must be an absolute path of plain characters')
    .optional(),
  /** Group (number) that may use the control socket besides root. */
  socketGid: id.optional(),
  /** `HOST:PORT` for TCP, or `true` for 127.0.0.1:9998; `false`: the unix socket only. */
  listen: z.union([z.boolean(), z.string()]).default(false),
  /** Who may call by TCP: who has a token, or, on a loopback address, everybody. */
  auth: z.enum(['token', 'none']).default('token'),
  /** Needed to listen at an address that is not loopback. */
  tls: tls.optional(),
  /** Names by which clients may call this machine, besides `localhost` and addresses. */
  allowedHosts: z.array(z.string().min(1)).default([]),
  /** Origins whose pages may call by TCP, besides those of this machine: `https://tv.example`. */
  allowedOrigins: z.array(z.string().min(1)).default([]),
  /** Connections and calls by TCP. */
  tcpLimits: tcpLimits.prefault({}),
  /** Whose error codes and forms Thunder's clients expect: those of Thunder 4 or 5. */
  profile: z.enum(PROFILE_NAMES).default('r4'),
  /** For callers that know RDK's plugin. */
  rdk: rdk.prefault({}),
  /** RDK's configuration of the device (rdkappmanagers.json, or YAML), absolute; what holds without it: below. */
  platform: z.string().startsWith('/', 'must be an absolute path').optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

export type Config = z.output<typeof configSchema>;

/** Configuration is linked into its place where it is managed. */
const LINKED = { links: 'followed' } as const;

/** Throws INVALID_ARGUMENT naming file, line and member. A file that nobody named may be missing. */
export async function readConfig(file: string, mustExist: boolean): Promise<Config> {
  const reading = mustExist ? readSmall(file, LINKED) : readSmallIfThere(file, LINKED).then((text = '') => text);
  const text = await reading.catch((error: unknown) => {
    throw refuse(file, error);
  });
  if (text === '') return configSchema.parse({});
  // a third of the daemon's start time, and most devices have no file
  const { readSource, wrongMembers } = await import('./domain/document.ts');
  const source = read(file, () => readSource(text));
  const result = configSchema.safeParse(source.value ?? {});
  if (result.success) return result.data;
  throw wrongMembers({ file, ...wordsFor(file), faults: faultsOf(result.error), source });
}

function read<Source>(file: string, work: () => Source): Source {
  try {
    return work();
  } catch (error) {
    throw refuse(file, error);
  }
}

const wordsFor = (file: string) => ({
  what: `the configuration ${file} cannot be used`,
  next: 'correct it, or move it away',
});

const refuse = (file: string, cause: unknown): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', { ...wordsFor(file), cause });
