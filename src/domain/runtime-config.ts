/** RDK's RuntimeConfig: the `runtimeConfigObject` of `run`, member for member (facts/thunder.md §4.1). */
import * as z from 'zod';

const int32 = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1);
const uint32 = z
  .int()
  .min(0)
  .max(2 ** 32 - 1);

/** JSON array text, as upstream passes lists; empty text is an empty list. */
const listText = z
  .string()
  .refine((value) => value === '' || isTextList(value), 'must be the text of a JSON array of strings');

function isTextList(value: string): boolean {
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) && list.every((item) => typeof item === 'string');
  } catch {
    return false;
  }
}

export const runtimeConfigSchema = z.strictObject({
  /** The app gets the variables of the DIAL server. */
  dial: z.boolean().default(false),
  /** Network `nat` instead of none. */
  wanLanAccess: z.boolean().default(false),
  /** The app may call Thunder. */
  thunder: z.boolean().default(false),
  /** Bytes; 0 or less: the platform's default, for the appType INTERACTIVE. */
  systemMemoryLimit: int32.default(0),
  /** Bytes; 0 or less: the platform's default, for the appType INTERACTIVE. */
  gpuMemoryLimit: int32.default(0),
  /** List of `NAME=value`. */
  envVariables: listText.default(''),
  /** Counts only with `userIds.honour`; 0: Runtime Manager chooses. */
  userId: uint32.default(0),
  /** Counts only with `userIds.honour`; 0: Runtime Manager chooses. */
  groupId: uint32.default(0),
  /** Upstream reads it nowhere, and it has no unit. */
  dataImageSize: uint32.default(0),
  /** Upstream reads it nowhere: the platform's `apps.essosResourceManager.enableClient` decides. */
  resourceManagerClientEnabled: z.boolean().default(false),
  /** The app's name for the DIAL server. */
  dialId: z.string().default(''),
  /** Program in the package, or in the runtime where there is one; required. */
  command: z.string().default(''),
  /** INTERACTIVE: with the platform's default limits. SYSTEM: without the VPU. */
  appType: z.string().default(''),
  /** Directory of the package; this or `runtimePath` is required, or `ralfPkgPath`. */
  appPath: z.string().default(''),
  /** Directory of the runtime. */
  runtimePath: z.string().default(''),
  /** Where Dobby writes what the app writes. */
  logFilePath: z.string().default(''),
  /** Bytes; 0: the platform's `apps.limits.consoleLogBytes`. */
  logFileMaxSize: uint32.default(0),
  /** List of levels for EthanLog; empty: the platform's. */
  logLevels: listText.default(''),
  /** The media API's ports in /etc/services. */
  mapi: z.boolean().default(false),
  /** List of names of files in /opt/drm. */
  fkpsFiles: listText.default(''),
  /** What the package asks of the device: docs/rdk.md. */
  capabilities: z.string().default(''),
  /** File with the list of the app's layered packages (RALF), instead of `command`, `appPath` and `runtimePath`. */
  ralfPkgPath: z.string().default(''),
  /** Upstream reads it nowhere. */
  fireboltVersion: z.string().default(''),
  /** Upstream reads it nowhere. */
  enableDebugger: z.boolean().default(false),
  /** The app's private data, for /home/private: a directory; for Dobby the image of an ext4 file system, too. */
  unpackedPath: z.string().default(''),
});

export type RuntimeConfig = z.infer<typeof runtimeConfigSchema>;

/** Whether it is `NAME=value`. */
export const isVariable = (line: string): boolean => line.indexOf('=') > 0;

/** What upstream's `run` says of an app. */
export type UpstreamRun = {
  readonly runtimeConfig: RuntimeConfig;
  readonly ports?: readonly number[] | undefined;
  readonly paths?: readonly string[] | undefined;
  readonly debugSettings?: readonly string[] | undefined;
};

/** The strings of a list member; call it on checked values only. */
export const textList = (value: string): readonly string[] => (value === '' ? [] : (JSON.parse(value) as string[]));
