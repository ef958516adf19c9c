/** What is read of a bundle's config.json (runtime-spec config.md). Only that is checked. */
import * as z from 'zod';
import { limits } from '../../domain/app.ts';
import { PLUGIN_LAUNCHER } from '../../domain/bundle-notes.ts';

const path = z
  .string()
  .min(1)
  .refine((text) => !text.includes('\0'), 'must not contain a NUL character');
const absolutePath = path.startsWith('/', 'must be an absolute path');
/** -1: no limit. */
const limit = (schema: z.ZodType<number | undefined>) => z.union([z.literal(-1).transform(() => undefined), schema]);

const hook = z.looseObject({
  path: z
    .string()
    .refine(
      (text) => text.split('/').at(-1) === PLUGIN_LAUNCHER,
      'must be absent: a hook would run as root outside the container',
    ),
});

export const bundleSchema = z.object({
  ociVersion: z.string().regex(/^1\./, 'must be a version 1.x'),
  root: z.object({ path }),
  process: z
    .object({
      /** Empty in a bundle whose command is given by the caller. */
      args: z.array(z.string()).default([]),
      env: z.array(z.string()).default([]),
      cwd: absolutePath.optional(),
      user: z
        .object({
          username: z
            .undefined({ error: 'must be absent: a user by name is for Windows, and every app gets ids of its own' })
            .optional(),
        })
        .optional(),
    })
    .optional(),
  hostname: z.string().optional(),
  mounts: z
    .array(
      z.object({
        destination: absolutePath,
        type: z.string().optional(),
        source: path.optional(),
        options: z.array(z.string()).optional(),
      }),
    )
    .max(1024)
    .default([]),
  hooks: z.record(z.string(), z.array(hook)).nullish(),
  annotations: z.record(z.string(), z.string()).default({}),
  linux: z
    .object({
      resources: z
        .object({
          memory: z.object({ limit: limit(limits.shape.memoryBytes).optional() }).nullish(),
          pids: z.object({ limit: limit(limits.shape.pids).optional() }).nullish(),
        })
        .nullish(),
    })
    .nullish(),
});

export type BundleFile = z.output<typeof bundleSchema>;
export type RawMount = BundleFile['mounts'][number];
