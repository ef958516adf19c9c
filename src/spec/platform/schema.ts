/**
 * RDK's configuration of a device: every key of upstream's AIConfiguration, those of `rdkappmanagers.json` and the flat ones of
 * its YAML file, in one file or the other. The defaults are those of a file that lacks the key (facts/thunder.md §5.1); what
 * holds without any file is `BUILT_IN` in platform.ts. Unlike upstream, a wrong type is an error.
 */
import * as z from 'zod';
import { isCoreList } from './cores.ts';

const bytes = z.int().min(0);
const appIds = z.array(z.string().min(1));
const port = z.int().min(1).max(65_535);
const noNul = (text: string): boolean => !text.includes('\0');
const path = z
  .string()
  .startsWith('/', 'must be an absolute path')
  .refine(noNul, 'must not contain a NUL character')
  .refine((text) => !text.split('/').includes('..'), 'must not contain ".."');
const variable = z
  .string()
  .regex(/^[^=\0]+=/, 'must be NAME=value')
  .refine(noNul, 'must not contain a NUL character');

export const LOG_LEVELS = ['fatal', 'error', 'warning', 'info', 'debug', 'milestone'] as const;

/** Fields of a Dobby spec that give an app more than it has; without the device's word nobody may set them by a capability. */
export const GRANTS = [
  'mounts',
  'memLimit',
  'swapLimit',
  'cpu',
  'network',
  'gpu',
  'vpu',
  'devices',
  'capabilities',
  'seccomp',
  'user',
  'userNs',
  'console',
  'syslog',
  'dbus',
  'etc',
  'plugins',
  'rdkPlugins',
] as const;

const defaultLimit = z.strictObject({
  /** In bytes; 0: none, so the app must bring its own. */
  defaultLimitBytes: bytes.default(0),
});

const ion = z.strictObject({
  /** Of all heaps without a limit of their own, in bytes. */
  defaultLimitBytes: bytes.default(0),
  /** Heap's name → bytes. */
  heapsLimitBytes: z.record(z.string().min(1), bytes).default({}),
});

const limits = z.strictObject({
  /** Memory of an app whose `appType` is INTERACTIVE and that brings no limit. */
  memory: defaultLimit.prefault({}),
  /** Memory on the GPU of such an app. */
  gpumem: defaultLimit.prefault({}),
  /** Size of a log file for which the app names none, in bytes. */
  consoleLogBytes: bytes.default(0),
  /** Cores for apps: a bit mask, or text like `0-3,8`; of those above 31 none is taken. Absent: all. */
  cpuset: z
    .union([
      z
        .int()
        .min(0)
        .max(2 ** 32 - 1),
      z.string().refine(isCoreList, 'must be a list of cores like 0-3,8'),
    ])
    .optional(),
  /** Memory of ion, for the plugin ionmemory. */
  ion: ion.prefault({}),
});

const svp = z.strictObject({
  /** Read, and without effect, as upstream. */
  enable: z.boolean().default(false),
  /** Read, and without effect, as upstream. */
  files: z.array(z.string()).default([]),
});

const overlays = z.strictObject({
  /** What the capabilities `additionalconfig` and `spec` may set beyond an app's own rights. Ours, not upstream's. */
  allow: z.array(z.enum(GRANTS)).default([]),
  /** Directories and files of the device that capabilities may mount (`extramounts`, too), with all below. Ours. */
  mountSources: z.array(path).default([]),
});

const rialto = z.strictObject({
  /** `forceOn` or `forceOff`; anything else: the capability `rialto` decides. */
  override: z.string().default('default'),
});

const apps = z.strictObject({
  /** What apps may use when they say nothing. */
  limits: limits.prefault({}),
  /** IPv6 in the network `nat`. */
  enableIPv6: z.boolean().default(false),
  /** Secure video path. */
  svp: svp.prefault({}),
  /** Storage on USB. */
  usbMassStorage: z
    .strictObject({
      /** Read, and without effect, as upstream. */
      enable: z.boolean().default(false),
    })
    .prefault({}),
  /** Essos' resource manager. */
  essosResourceManager: z
    .strictObject({
      /** Gives every app the variables of its client. */
      enableClient: z.boolean().default(false),
    })
    .prefault({}),
  /** The registry of GStreamer's plugins that all apps share. */
  gstreamer: z
    .strictObject({
      /** Shows it to apps. */
      registryEnabled: z.boolean().default(false),
      /** Where it lies. Ours; upstream's place is the default. */
      registryFile: path.default('/tmp/rdkappmanagers-gstreamer-registry.bin'),
    })
    .prefault({}),
  /** Log levels of an app that names none (plugin EthanLog). */
  defaultAllowedLogLevels: z.array(z.enum(LOG_LEVELS)).default([...LOG_LEVELS]),
  /** Media API. */
  mapi: z
    .strictObject({
      /** In the app's /etc/services, when it asks for mapi. */
      ports: z.array(port).default([]),
    })
    .prefault({}),
  /** Apps that get the system's D-Bus. */
  requireDBus: appIds.default([]),
  /** Apps that do not get the VPU. */
  vpuAccessBlacklist: appIds.default([]),
  /** `NAME=value` for every app. */
  extraEnvVars: z.array(variable).default([]),
  /** As the `rialto` at the top. */
  rialto: rialto.optional(),
  /** What capabilities may widen. */
  overlays: overlays.prefault({}),
});

const dialServer = z.strictObject({
  /** Of the DIAL server, on this device. */
  port: z.int().min(0).max(65_535).default(0),
  /** Of its paths. */
  prefix: z.string().default(''),
});

const dial = z.strictObject({
  /** Where the DIAL server is. */
  server: dialServer.prefault({}),
  /** Unique service name, for DIAL_USN. */
  usn: z.string().default(''),
});

/** Ours: what Dobby has in its own settings. */
const nodes = z.strictObject({
  /** Device nodes, and directories of them. */
  devNodes: z.array(path).max(32).default([]),
  /** Names of the groups that open them. */
  groupIds: z.array(z.string().min(1).max(32)).max(16).default([]),
});

const ralf = z.strictObject({
  /** OCI configuration that RALF apps start from, where it is there. Ours; upstream's place is the default. */
  baseSpec: path.default('/usr/share/ralf/oci-base-spec.json'),
  /** Directory of the GPU layer: `rootfs` over all packages, and `config.json`. Ours; upstream's place is the default. */
  gpuLayer: path.default('/usr/share/gpu-layer'),
  /** Data of time zones, for /usr/share/zoneinfo of RALF apps. Ours; upstream's place is the default. */
  zoneInfo: path.default('/usr/share/zoneinfo'),
  /** The zone that is set, for /etc/localtime of RALF apps. Ours; upstream's place is the default. */
  localtime: path.default('/opt/persistent/localtime'),
  /** Its name, for /etc/timezone of RALF apps. Ours; upstream's place is the default. */
  timezone: path.default('/opt/persistent/timeZoneDST'),
});

export const platformSchema = z.strictObject({
  /** What holds for apps. */
  apps: apps.prefault({}),
  /** Libraries for every app's /etc/ld.so.preload. */
  ldPreload: z.array(path).default([]),
  /** Discovery and launch. */
  dial: dial.prefault({}),
  /** Rialto, the media session server. */
  rialto: rialto.optional(),
  /** The GPU, for apps with a display. Ours, for our engine: Dobby has its own settings. */
  gpu: nodes.prefault({}),
  /** The video decoder, as upstream gives it: not to the appType SYSTEM, with Rialto, or to those of `apps.vpuAccessBlacklist`. Ours. */
  vpu: nodes.prefault({}),
  /** Layered packages. */
  ralf: ralf.prefault({}),
  /** Added to `ldPreload`. */
  preloads: z.array(path).optional(),
  /** Added to `apps.extraEnvVars`. */
  envVariables: z.array(variable).optional(),
  /** Instead of `apps.svp.enable`. */
  enableSvp: z.boolean().optional(),
  /** Instead of `apps.limits.memory.defaultLimitBytes`. */
  memoryLimit: bytes.optional(),
  /** Instead of `apps.limits.gpumem.defaultLimitBytes`. */
  gpuMemoryLimit: bytes.optional(),
  /** Instead of `apps.limits.ion.defaultLimitBytes`. */
  ionDefaultQuota: bytes.optional(),
  /** Instead of `apps.svp.files`. */
  svpfiles: z.array(z.string()).optional(),
});

export type PlatformFile = z.output<typeof platformSchema>;
export type PlatformInput = z.input<typeof platformSchema>;
