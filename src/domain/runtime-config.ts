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
  dial: z.boolean().default(false),
  wanLanAccess: z.boolean().default(false),
  thunder: z.boolean().default(false),
  /** Bytes; 0 or less: the platform's default. */
  systemMemoryLimit: int32.default(0),
  /** Bytes; 0 or less: the platform's default. */
  gpuMemoryLimit: int32.default(0),
  envVariables: listText.default(''),
  /** 0: Runtime Manager chooses. */
  userId: uint32.default(0),
  /** 0: Runtime Manager chooses. */
  groupId: uint32.default(0),
  dataImageSize: uint32.default(0),
  resourceManagerClientEnabled: z.boolean().default(false),
  dialId: z.string().default(''),
  command: z.string().default(''),
  appType: z.string().default(''),
  appPath: z.string().default(''),
  runtimePath: z.string().default(''),
  logFilePath: z.string().default(''),
  /** Bytes; 0: the daemon's setting. */
  logFileMaxSize: uint32.default(0),
  logLevels: listText.default(''),
  mapi: z.boolean().default(false),
  fkpsFiles: listText.default(''),
  capabilities: z.string().default(''),
  ralfPkgPath: z.string().default(''),
  fireboltVersion: z.string().default(''),
  enableDebugger: z.boolean().default(false),
  unpackedPath: z.string().default(''),
});

export type RuntimeConfig = z.infer<typeof runtimeConfigSchema>;

/** What upstream's `run` says of an app. */
export type UpstreamRun = {
  readonly runtimeConfig: RuntimeConfig;
  readonly ports?: readonly number[] | undefined;
  readonly paths?: readonly string[] | undefined;
  readonly debugSettings?: readonly string[] | undefined;
};

/** The strings of a list member; call it on checked values only. */
export const textList = (value: string): readonly string[] => (value === '' ? [] : (JSON.parse(value) as string[]));
