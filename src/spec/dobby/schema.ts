/**
 * A Dobby spec as its daemon really takes it (facts/dobby.md §5, from DobbySpecConfig.cpp; there is no schema file of Dobby's).
 * What makes the daemon crash or hang is not in it: `rtPriority`, a true `restartOnCrash`, a user id of 0.
 */
import * as z from 'zod';

const uint32 = 2 ** 32 - 1;
const text = z.string().refine((value) => !value.includes('\0'), 'must not contain a NUL character');
const path = text
  .startsWith('/', 'must be an absolute path')
  .refine((value) => !value.split('/').includes('..'), 'must not contain ".."');
const port = z.int().min(1).max(65_535);
const protocol = z.enum(['tcp', 'udp']);
const lines = z.array(text);

const mount = z.strictObject({
  source: text,
  destination: path,
  type: z.enum(['bind', 'tmpfs', 'loop']),
  /** Of a `loop`. */
  fstype: z.enum(['ext2', 'ext3', 'ext4', 'xfs']).optional(),
  options: z.array(text),
});

const etc = z.strictObject({
  hosts: lines,
  services: lines,
  passwd: lines.optional(),
  group: lines.optional(),
  'ld-preload': lines,
});

const device = z.strictObject({
  major: z.union([z.int().min(0), text]),
  minor: z.int().min(0),
  access: z.enum(['r', 'w', 'rw']),
});

const rule = z.strictObject({ names: z.array(text), action: z.enum(['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO']) });

const forwarded = z.array(z.strictObject({ port, protocol: protocol.optional() }));

const networking = z.strictObject({
  type: z.enum(['nat', 'open', 'none']),
  ipv4: z.boolean().optional(),
  ipv6: z.boolean().optional(),
  dnsmasq: z.boolean().optional(),
  portForwarding: z
    .strictObject({
      localhostMasquerade: z.boolean().optional(),
      hostToContainer: forwarded.optional(),
      containerToHost: forwarded.optional(),
    })
    .optional(),
  multicastForwarding: z.array(z.strictObject({ ip: text, port })).optional(),
  interContainer: z
    .array(
      z.strictObject({
        direction: z.enum(['in', 'out']),
        port,
        protocol: protocol.optional(),
        localhostMasquerade: z.boolean().optional(),
      }),
    )
    .optional(),
});

const logging = z.strictObject({
  sink: z.enum(['file', 'journald', 'devnull']),
  fileOptions: z.strictObject({ path, limit: z.int().min(0).optional() }).optional(),
  journaldOptions: z.strictObject({ priority: text }).optional(),
});

const storage = z.strictObject({
  loopback: z.array(z.looseObject({ destination: path, flags: z.int(), source: path })).optional(),
  dynamic: z.array(z.looseObject({ destination: path, flags: z.int(), source: path })).optional(),
  mountOwner: z.array(z.looseObject({ source: path })).optional(),
});

/** `data`: facts/dobby.md, "rdkPlugins". A plugin that is not built and not required is left out by Dobby. */
const plugin = <Data extends z.ZodType>(data: Data) =>
  z.strictObject({ required: z.boolean().optional(), dependsOn: z.array(text).optional(), data });

const rdkPlugins = z.strictObject({
  logging: plugin(logging).optional(),
  networking: plugin(networking).optional(),
  ipc: plugin(z.strictObject({ system: text.optional(), session: text.optional(), debug: text.optional() })).optional(),
  storage: plugin(storage).optional(),
  minidump: plugin(z.strictObject({ destinationPath: path })).optional(),
  oomcrash: plugin(z.strictObject({ path })).optional(),
  thunder: plugin(
    z.strictObject({
      trusted: z.boolean().optional(),
      bearerUrl: text.optional(),
      connLimit: z.int().min(0).optional(),
    }),
  ).optional(),
  appservicesrdk: plugin(
    z.strictObject({
      setMenu: text.optional(),
      additionalPorts: z.array(port).optional(),
      connLimit: z.int().min(0).optional(),
    }),
  ).optional(),
  gpu: plugin(z.strictObject({ memory: z.int().min(0) })).optional(),
  ionmemory: plugin(
    z.strictObject({
      defaultLimit: z.int().min(0),
      heaps: z.array(z.strictObject({ name: text, limit: z.int().min(0) })),
    }),
  ).optional(),
  httpproxy: plugin(z.looseObject({})).optional(),
  localtime: plugin(z.strictObject({ setTZ: text.optional(), path: path.optional() })).optional(),
  rtscheduling: plugin(
    z.strictObject({ rtlimit: z.int().min(0).optional(), rtdefault: z.int().min(0).optional() }),
  ).optional(),
  devicemapper: plugin(z.strictObject({ devices: z.array(path) })).optional(),
  gamepad: plugin(z.strictObject({})).optional(),
});

const shape = {
  version: z.literal('1.1'),
  args: z.array(text).min(1),
  cwd: path,
  env: z.array(text.regex(/^[^=]+=/s, 'must be NAME=value')),
  user: z.strictObject({ uid: z.int().min(1).max(65_534), gid: z.int().min(1).max(65_534) }),
  memLimit: z.int().min(1).max(uint32),
  swapLimit: z.int().min(1).max(uint32).optional(),
  userNs: z.literal(true, { error: 'must be true: some builds of Dobby refuse anything else' }).optional(),
  console: z.strictObject({ path, limit: z.int().min(0) }).optional(),
  network: z.enum(['nat', 'open', 'private']),
  mounts: z.array(mount),
  etc,
  cpu: z
    .strictObject({
      shares: z.int().min(1).max(100).optional(),
      cores: text.regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/, 'must be a list of cores like 0-3,8').optional(),
    })
    .optional(),
  gpu: z.strictObject({ enable: z.boolean(), memLimit: z.int().min(0) }).optional(),
  vpu: z.strictObject({ enable: z.boolean() }),
  devices: z.array(device).optional(),
  capabilities: z.array(z.enum(['CAP_NET_BIND_SERVICE', 'CAP_NET_BROADCAST', 'CAP_NET_RAW'])).optional(),
  seccomp: z
    .strictObject({ defaultAction: z.enum(['SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO']), syscalls: z.array(rule) })
    .optional(),
  syslog: z.boolean().optional(),
  dbus: z
    .strictObject({
      system: z.enum(['system', 'ai-public', 'ai-private']).optional(),
      session: z.enum(['system', 'ai-public', 'ai-private']).optional(),
    })
    .optional(),
  restartOnCrash: z.literal(false, { error: 'must be false: Dobby starts such an app twice; restarts are our own' }),
  plugins: z.array(z.strictObject({ name: text, data: z.union([z.looseObject({}), z.null()]) })),
  rdkPlugins,
};

export const dobbySpecSchema = z.strictObject(shape);
export type DobbySpec = z.output<typeof dobbySpecSchema>;
export type DobbyMount = z.output<typeof mount>;

/** The same with every member optional, also within members; a list is whole or not there. */
export const dobbyOverlaySchema = z.strictObject(optionalMembers(shape));
export type DobbyOverlay = Readonly<Record<string, unknown>> & {
  readonly [Member in keyof DobbySpec]?: DobbySpec[Member] extends readonly unknown[] ? DobbySpec[Member] : unknown;
};

type Shape = Readonly<Record<string, z.ZodType>>;

function optionalMembers(members: Shape): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(members).map(([name, schema]) => [name, inner(schema).optional()]));
}

function inner(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional) return inner(schema.unwrap() as z.ZodType);
  if (!(schema instanceof z.ZodObject)) return schema;
  const { shape: members, def } = schema as z.ZodObject<Shape>;
  return def.catchall instanceof z.ZodNever ? z.strictObject(optionalMembers(members)) : schema;
}
