/** Our own description of an app to run: the `app` member of `run`, and what `runtimectl run` builds. */
import * as z from 'zod';

const absolutePath = z
  .string()
  .startsWith('/', 'must be an absolute path')
  .max(4096)
  .refine((path) => !path.includes('\0'), 'must not contain a NUL character')
  .refine((path) => !path.split('/').includes('..'), 'must not contain ".."');

const text = z
  .string()
  .max(131_072)
  .refine((value) => !value.includes('\0'), 'must not contain a NUL character');
const port = z.int().min(1).max(65_535);
const MIN_MEMORY_BYTES = 6 * 2 ** 20;

/** Where the app's root file system comes from: exactly one of them. */
const rootfs = z.union(
  [
    z.strictObject({ host: z.literal(true) }).describe("the device's own /usr, /bin, /lib… read-only"),
    z.strictObject({ dir: absolutePath }).describe('a directory that is a root file system'),
    z
      .strictObject({ bundle: absolutePath })
      .describe('an OCI bundle: a directory with config.json and a root file system'),
    z.strictObject({ image: z.string() }).describe('an OCI image reference'),
  ],
  { error: 'must be exactly one of {"host": true}, {"dir": path}, {"bundle": path}, {"image": reference}' },
);

const limits = z.strictObject({
  memoryBytes: z
    .int()
    .min(MIN_MEMORY_BYTES, `must be at least ${MIN_MEMORY_BYTES} (6 MiB: the runtime itself starts inside the limit)`)
    .optional(),
  /** Cores' worth of time: 0.5 is half of one core. */
  cpus: z.number().min(0.01).max(1024).optional(),
  pids: z.int().min(2).max(4_194_304).optional(),
  /** RLIMIT_NOFILE; never above the daemon's own hard limit. */
  openFiles: z.int().min(16).max(1_048_576).optional(),
});

const mount = z.strictObject({
  source: absolutePath,
  destination: absolutePath.refine((path) => path !== '/', 'must not be /'),
  readOnly: z.boolean().default(false),
});

const hibernation = z.strictObject({
  enabled: z.boolean().default(true),
  /** What becomes of TCP connections: closed in the image, or kept (same address on wake). */
  tcp: z.enum(['close', 'keep']).default('close'),
});

const pixels = z.int().min(1).max(16_384);

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

const ENV_NAME = /^[^=\0]+$/;

export const appSchema = z.strictObject({
  rootfs,
  /** The command and its arguments; a bundle brings its own. */
  args: z.array(text).min(1).max(4096).optional(),
  cwd: absolutePath.optional(),
  env: z.record(z.string().regex(ENV_NAME, 'is no name of an environment variable'), text).default({}),
  limits: limits.prefault({}),
  network: z.enum(['none', 'nat', 'host']).default('none'),
  ports: z
    .array(z.strictObject({ host: port, app: port, protocol: z.enum(['tcp', 'udp']).default('tcp') }))
    .default([]),
  display: display.nullable().default(null),
  mounts: z.array(mount).max(256).default([]),
  hibernation: hibernation.prefault({}),
  /** A terminal (pty) as the app's stdin, stdout and stderr. */
  terminal: z.boolean().default(false),
  /** Time between SIGTERM and SIGKILL when the app is terminated, in ms; the daemon's setting when absent. */
  terminateGraceMs: z.int().min(0).max(600_000).optional(),
});

export type App = z.infer<typeof appSchema>;
export type AppInput = z.input<typeof appSchema>;
