/** An OCI bundle: what of its config.json we take over, and where its root is (runtime-spec bundle.md, config.md). */
import { open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { isErrno, RuntimeError } from '../../domain/errors.ts';
import type { BundleConfig, BundleMount } from '../../domain/rootfs.ts';
import { keptMount } from './bundle-mounts.ts';
import { badLineOf } from './json-line.ts';

const MAX_CONFIG_BYTES = 4 * 2 ** 20;

const path = z
  .string()
  .min(1)
  .refine((text) => !text.includes('\0'), 'must not contain a NUL character');
const absolutePath = path.startsWith('/', 'must be an absolute path');

/** Only what is read is checked. Capabilities, ids, devices, namespaces, limits and the like are ours to decide. */
const configSchema = z.object({
  ociVersion: z.string().regex(/^1\./, 'must be a version 1.x'),
  root: z.object({ path }),
  process: z
    .object({
      args: z.array(z.string()).min(1).optional(),
      env: z.array(z.string()).default([]),
      cwd: absolutePath.optional(),
      user: z
        .object({
          username: z
            .undefined({ error: 'is for Windows; a user by name cannot be run, every app gets ids of its own' })
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
    .default([]),
  /** They would run as root on the host. */
  hooks: z
    .record(z.string(), z.array(z.unknown()).max(0, 'would run as root outside the container, so they are refused'))
    .optional(),
  annotations: z.record(z.string(), z.string()).default({}),
});

type BundleFile = z.infer<typeof configSchema>;
export type Bundle = { readonly root: string; readonly config: BundleConfig };

/** `bundle`: absolute, without symbolic links. Throws BUNDLE_INVALID. */
export async function readBundle(bundle: string): Promise<Bundle> {
  const file = join(bundle, 'config.json');
  const config = check(file, parse(file, await readText(file)));
  const { process: asked, mounts, annotations, hostname } = config;
  return {
    root: resolve(bundle, config.root.path),
    config: {
      args: asked?.args,
      env: asked?.env ?? [],
      cwd: asked?.cwd,
      hostname,
      mounts: mounts.flatMap((mount, index) => kept({ file, bundle, index }, mount)),
      annotations,
    },
  };
}

async function readText(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const { size } = await handle.stat();
    if (size > MAX_CONFIG_BYTES) {
      throw invalid(file, `has ${size} bytes; ${MAX_CONFIG_BYTES} is the most that is read`, 'is this an OCI bundle?');
    }
    return await handle.readFile('utf8');
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'ELOOP')) throw error;
    const next = 'give the directory of an OCI bundle: one that holds config.json (umoci unpack makes one)';
    throw invalid(file, 'cannot be read', next, error);
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const line = badLineOf(text);
    throw invalid(file, `is not JSON: line ${line ?? '?'}`, 'correct the file', error);
  }
}

function check(file: string, content: unknown): BundleFile {
  const result = configSchema.safeParse(content);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const member = issue === undefined || issue.path.length === 0 ? 'the whole' : issue.path.join('.');
  throw invalid(file, `${member}: ${issue?.message ?? 'wrong'}`, `correct ${member} in the file`);
}

type Place = { readonly file: string; readonly bundle: string; readonly index: number };

function kept({ file, bundle, index }: Place, mount: BundleFile['mounts'][number]): readonly BundleMount[] {
  try {
    const result = keptMount(mount, bundle);
    return result === undefined ? [] : [result];
  } catch (error) {
    const what = `mounts.${index} (${mount.destination}) cannot be taken over`;
    throw invalid(file, what, 'remove or change this mount in the file', error);
  }
}

// eslint-disable-next-line max-params -- what every error of this file says, in the order in which it is said
function invalid(file: string, why: string, next: string, cause?: unknown): RuntimeError {
  return new RuntimeError('BUNDLE_INVALID', { what: `${file} ${why}`, next, details: { file }, cause });
}
