/** Our own description of an app to run: the `app` member of `run`, and what `runtimectl run` builds. */
import * as z from 'zod';

export const absolutePathSchema = z
  .string()
  .startsWith('/', 'must be an absolute path')
  .max(4096, { abort: true })
  .refine((path) => !path.includes('\0'), 'must not contain a NUL character')
  .refine((path) => !path.split('/').includes('..'), 'must not contain ".."');

export const textSchema = z
  .string()
  .max(131_072, { abort: true })
  .refine((value) => !value.includes('\0'), 'must not contain a NUL character');
const port = z.int().min(1).max(65_535);
const MIN_MEMORY_BYTES = 6 * 2 ** 20;

/** Where the app's root file system comes from: exactly one of them. */
const rootfs = z.union(
  [
    z.strictObject({ host: z.literal(true) }).describe("the device's own /usr, /bin, /lib… read-only"),
    z.strictObject({ dir: absolutePathSchema }).describe('a directory that is a root file system'),
    z
      .strictObject({ bundle: absolutePathSchema })
      .describe('an OCI bundle: a directory with config.json and a root file system'),
    z
      .strictObject({ image: textSchema.min(1).max(4096) })
      .describe(
        'an image: `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME:TAG]`, or the path of one or of a squashfs or EROFS file',
      ),
    z
      .strictObject({ layers: z.array(absolutePathSchema).min(1).max(64) })
      .describe('directories laid over each other, the first one at the bottom'),
  ],
  {
    error:
      'must be exactly one of {"host": true}, {"dir": path}, {"bundle": path}, {"image": reference}, {"layers": [path, …]}',
  },
);

/** `0`, `0-1`, `0-1,3`. */
const CORES = /^\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*$/;

export const limits = z.strictObject({
  memoryBytes: z
    .int()
    .min(MIN_MEMORY_BYTES, `must be at least ${MIN_MEMORY_BYTES} (6 MiB: the runtime itself starts inside the limit)`)
    .optional(),
  /** Swap beyond `memoryBytes`, which it needs, in bytes; none when absent. Without effect where the kernel does not count swap, and then refused if given. */
  swapBytes: z
    .int()
    .min(0)
    .max(2 ** 50)
    .optional(),
  /** Cores' worth of time: 0.5 is half of one core. */
  cpus: z.number().min(0.01).max(1024).optional(),
  /** Share of the processor when others want it too; everybody has 1024. */
  cpuShares: z.int().min(2).max(262_144).optional(),
  /** Cores that it may run on: `0-1,3`. */
  cores: z.string().max(200, { abort: true }).regex(CORES, 'must be a list of cores like 0-1,3').optional(),
  pids: z.int().min(2).max(4_194_304).optional(),
  /** Share of the disks when others want them too; everybody has 100. Refused where no disk is shared by weight (BFQ). */
  ioWeight: z.int().min(10).max(1000).optional(),
  /** RLIMIT_NOFILE; never above the daemon's own hard limit. */
  openFiles: z.int().min(16).max(1_048_576).optional(),
});

export const mount = z.strictObject({
  source: absolutePathSchema,
  destination: absolutePathSchema.refine((path) => path !== '/', 'must not be /'),
  readOnly: z.boolean().default(false),
});

const tmpfs = z.strictObject({
  destination: absolutePathSchema.refine((path) => path !== '/', 'must not be /'),
  /** In bytes; the daemon's `apps.tmpBytes` when absent. */
  sizeBytes: z
    .int()
    .min(4096)
    .max(2 ** 50)
    .optional(),
  /** Files in it cannot be executed. */
  noExec: z.boolean().optional(),
});

const hibernation = z.strictObject({
  enabled: z.boolean().default(true),
  /** What becomes of TCP connections: closed in the image, or kept (same address on wake). */
  tcp: z.enum(['close', 'keep']).default('close'),
});

const MAX_PAUSE_MS = 86_400_000;

const restart = z.strictObject({
  /** After which ends it is started again: none; those that are failures; all but those that a caller asked for. */
  policy: z.enum(['never', 'on-failure', 'always']).default('never'),
  /** It is given up after so many attempts in a row; null: never. */
  maxRetries: z.int().min(0).max(1_000_000).nullable().default(10),
  /** Before the first attempt, in ms; doubled before each one that follows. */
  backoffMs: z.int().min(1).max(MAX_PAUSE_MS).default(1000),
  /** The longest pause, in ms. */
  maxBackoffMs: z.int().min(1).max(MAX_PAUSE_MS).default(60_000),
  /** Who has run for so long, in ms, runs well: its attempts are counted anew. */
  resetAfterMs: z.int().min(0).max(MAX_PAUSE_MS).default(60_000),
});

const MIN_STORAGE_BYTES = 16 * 2 ** 20;

const storage = z.strictObject({
  /** Size of the app's private directory (a file system of its own), in bytes; without it the disk is the limit. */
  sizeBytes: z
    .int()
    .min(MIN_STORAGE_BYTES, `must be at least ${MIN_STORAGE_BYTES} (16 MiB)`)
    .max(2 ** 43)
    .optional(),
});

export const pixels = z.int().min(1).max(16_384);

const display = z
  .strictObject({
    /** In pixels; with both absent whoever makes the display chooses. */
    width: pixels.optional(),
    height: pixels.optional(),
    /** Words of RDK's window manager for what the app may do with it. */
    capabilities: z
      .array(z.string().regex(/^[\w-]+$/, 'must be a word'))
      .max(64)
      .default([]),
    /** Without displays on this machine: whether the app is refused, or runs without one. */
    required: z.boolean().default(true),
    /** Where its compositor runs: in the container it is hibernated with the app; absent: there, where hibernation is enabled. */
    placement: z.enum(['host', 'container']).optional(),
  })
  .refine(
    ({ width, height }) => (width === undefined) === (height === undefined),
    'needs both width and height, or none',
  );

/** Each is a socket of a helper's. */
export const MOST_HOST_PORTS = 64;

const ENV_NAME = /^[^=\0]+$/;
export const envSchema = z.record(z.string().regex(ENV_NAME, 'is no name of an environment variable'), textSchema);

export const appSchema = z.strictObject({
  rootfs,
  /** The command and its arguments; a bundle brings its own. */
  args: z.array(textSchema).min(1).max(4096).optional(),
  cwd: absolutePathSchema.optional(),
  env: envSchema.default({}),
  limits: limits
    .refine(
      ({ memoryBytes, swapBytes }) => swapBytes === undefined || memoryBytes !== undefined,
      'swapBytes needs memoryBytes',
    )
    .prefault({}),
  network: z.enum(['none', 'nat', 'host']).default('none'),
  ports: z
    .array(
      z.strictObject({
        host: port,
        app: port,
        protocol: z.enum(['tcp', 'udp']).default('tcp'),
        /** IPv4 address of this machine; the daemon's `network.publishAddress` when absent. */
        address: z.ipv4().optional(),
      }),
    )
    .default([]),
  /** TCP ports of the machine's own 127.0.0.1 that the app reaches at the same port of its own 127.0.0.1. */
  hostPorts: z.array(port).max(MOST_HOST_PORTS).optional(),
  display: display.nullable().default(null),
  mounts: z.array(mount).max(256).default([]),
  /** Device nodes of the machine, or directories of them, that the app sees at the same place. */
  devices: z.array(absolutePathSchema).max(64).optional(),
  /** Groups of the machine, by number or name, that the app is in besides its own: they open its devices. */
  groups: z
    .array(z.union([z.int().min(1).max(65_533), textSchema.min(1).max(32)]))
    .max(32)
    .optional(),
  /** Directories in memory that the app may write, gone when it ends. */
  tmpfs: z.array(tmpfs).max(64).optional(),
  hibernation: hibernation.prefault({}),
  restart: restart.prefault({}),
  storage: storage.prefault({}),
  /** Files in /data, /tmp and a bundle's tmpfs cannot be executed; the daemon's setting when absent. */
  noExec: z.boolean().optional(),
  /** A terminal (pty) as the app's stdin, stdout and stderr. */
  terminal: z.boolean().default(false),
  /** Time between SIGTERM and SIGKILL when the app is terminated, in ms; the daemon's setting when absent. */
  terminateGraceMs: z.int().min(0).max(600_000).optional(),
});

export type App = z.infer<typeof appSchema>;
export type AppInput = z.input<typeof appSchema>;
