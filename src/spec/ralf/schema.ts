/**
 * RALF, RDK's layered packages, as the files of a device say it: the list of an app's packages, each package's manifest, and what
 * the device itself adds. What is not named here is not read. Sources: facts/thunder.md §5.4; rdkcentral's package metadata
 * specification; entservices-appmanagers, RuntimeManager/ralf.
 */
import * as z from 'zod';
import { absolutePathSchema, envSchema, limits, textSchema } from '../../domain/app.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { faultsOf } from '../../domain/faults.ts';
import { isDeeperThan } from '../../domain/json-depth.ts';
import { parseSize } from '../../domain/size.ts';

/** Of each file. */
export const MOST_RALF_BYTES = 2 ** 20;
const MOST_PACKAGES = 32;
const MOST_DEPTH = 64;
/** Of what becomes one variable: the kernel takes no longer one (execve(2), MAX_ARG_STRLEN). */
const MOST_TEXT = 131_000;

const bytesOf = (text: string): number => {
  try {
    return parseSize(text);
  } catch {
    return Number.NaN;
  }
};
const memory = z
  .string()
  .refine(
    (text) => limits.shape.memoryBytes.safeParse(bytesOf(text)).success,
    'must be a size of at least 6M, like 400M',
  );
const size = z
  .string()
  .refine((text) => bytesOf(text) > 0 && bytesOf(text) <= 2 ** 43, 'must be a size of at most 8T, like 100M');
const json = z
  .record(z.string(), z.unknown())
  .refine((value) => JSON.stringify(value).length <= MOST_TEXT, `must be shorter than ${MOST_TEXT} characters`);
const words = z.array(textSchema).max(100);

export const ralfListSchema = z.object({
  /** In the order in which they are laid over each other, the base first and the app last. */
  packages: z
    .array(z.object({ pkgMetaDataPath: absolutePathSchema, pkgMountPath: absolutePathSchema }))
    .min(1)
    .max(MOST_PACKAGES),
});

export const manifestSchema = z.object({
  packageType: z.string().max(64).default(''),
  version: textSchema.max(256).default(''),
  versionName: textSchema.max(256).default(''),
  entryPoint: textSchema.min(1).max(4096).optional(),
  entryArgs: words.default([]),
  permissions: words.default([]),
  configuration: z
    .looseObject({
      'urn:rdk:config:overrides': z.object({ application: json.optional(), runtime: json.optional() }).optional(),
      'urn:rdk:config:memory': z.object({ system: memory.optional() }).optional(),
      'urn:rdk:config:storage': z.object({ maxLocalStorage: size.optional() }).optional(),
      'urn:rdk:config:env': envSchema.optional(),
      'urn:rdk:config:network': z.unknown().optional(),
    })
    .default({}),
});

/** An OCI configuration that upstream starts from; ours has all the rest itself. */
export const baseSpecSchema = z.object({
  process: z
    .object({
      args: words.default([]),
      env: z.array(textSchema).max(256).default([]),
      cwd: absolutePathSchema.optional(),
    })
    .prefault({}),
  mounts: z
    .array(
      z.looseObject({
        destination: absolutePathSchema,
        type: z.string().max(64).optional(),
        options: words.default([]),
      }),
    )
    .max(256)
    .default([]),
  linux: z
    .object({
      resources: z.object({ memory: z.object({ limit: limits.shape.memoryBytes }).optional() }).optional(),
    })
    .optional(),
});

export const gpuLayerSchema = z.object({
  vendorGpuSupport: z
    .object({
      devNodes: z.array(absolutePathSchema).max(32).default([]),
      groupIds: z.array(textSchema.min(1).max(32)).max(16).default([]),
      files: z
        .array(
          z.object({
            type: z.string().default('bind'),
            source: absolutePathSchema.optional(),
            destination: absolutePathSchema.optional(),
          }),
        )
        .max(128)
        .default([]),
    })
    .prefault({}),
});

export type Manifest = z.output<typeof manifestSchema>;
export type BaseSpec = z.output<typeof baseSpecSchema>;
export type GpuLayer = z.output<typeof gpuLayerSchema>;

/** Throws BUNDLE_INVALID that names the file and each bad member. The text itself is never told: it may be any file. */
export function readRalfText<Schema extends z.ZodType>(schema: Schema, file: string, text: string): z.output<Schema> {
  if (isDeeperThan(text, MOST_DEPTH)) throw ralfInvalid(file, `is nested deeper than ${MOST_DEPTH}`);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw ralfInvalid(file, 'is not JSON');
  }
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  const faults = faultsOf(result.error).map(({ path, expected }) => `${path === '' ? 'the whole' : path} ${expected}`);
  throw ralfInvalid(file, `is wrong: ${faults.join('; ')}`);
}

export const ralfInvalid = (file: string, why: string): RuntimeError =>
  new RuntimeError('BUNDLE_INVALID', {
    what: `${file} (runtimeConfigObject.ralfPkgPath) ${why}`,
    next: 'correct the file and run the app again; docs/rdk.md says what is read of it',
    details: { file, member: 'ralfPkgPath' },
  });
