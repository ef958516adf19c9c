/**
 * manifest.json: what an image is, and how to see that it is still that. Written whole; holds a checksum of itself.
 * Numbers that may exceed 2^53 (inodes, nanoseconds) are decimal text.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { ImageInfo } from '../../domain/hibernation.ts';
import type { AppId, AppInstanceId, ContainerId } from '../../domain/ids.ts';
import { compressed } from './places.ts';

export const FORMAT = 1;

const sizeBytes = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.string();
/** No slash, no dot in front: a name never leads out of the image. */
export const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/;

export const stampSchema = z.object({ inode: z.string(), ctimeNs: z.string(), mtimeNs: z.string() });

const file = z.object({
  name: z.string().regex(FILE_NAME),
  sizeBytes,
  /** Of the raw contents. Null for large files until the image is hardened: they would take too long while the app waits. */
  sha256: sha256.nullable(),
  /** zstd: the file on disk is `<name>.zst`. */
  stored: z.enum(['raw', 'zstd']),
  storedBytes: sizeBytes,
  /** Of the stored file, in the boot `bootId`: as long as it is the same, nobody has written to the file. */
  stamp: stampSchema,
});

const body = z.object({
  format: z.literal(FORMAT),
  subject: z.object({
    appId: z.string().transform((id) => id as AppId),
    appInstanceId: z.string().transform((id) => id as AppInstanceId),
    containerId: z.string().transform((id) => id as ContainerId),
    engine: z.string(),
    runtime: z.string(),
    criu: z.string(),
    config: z.object({ sizeBytes, sha256 }),
    hibernatedAt: time,
  }),
  kernelRelease: z.string(),
  cpu: z.object({ digest: sha256, flags: z.array(z.string()) }),
  /** In which the stamps were taken. */
  bootId: z.string(),
  files: z.array(file),
  rawBytes: sizeBytes,
  committedAt: time,
  /** From then on it survives a power cut. */
  hardenedAt: time.nullable(),
  compressedAt: time.nullable(),
});

export type Stamp = z.output<typeof stampSchema>;
export type ImageFile = z.output<typeof file>;
export type Manifest = z.output<typeof body>;

export const sha256Of = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** The order of members is kept by JSON.parse, so the same text comes out again when it is read. */
export const manifestText = (manifest: Manifest): string =>
  JSON.stringify({ checksum: sha256Of(JSON.stringify(manifest)), manifest });

type Reading = { readonly manifest: Manifest } | { readonly broken: string };

export function readManifest(text: string): Reading {
  if (/^\0*$/.test(text)) {
    return { broken: 'manifest.json is empty: it was not flushed to the disk before the power went' };
  }
  const envelope = parseJson(text);
  if (typeof envelope !== 'object' || envelope === null || !('manifest' in envelope)) {
    return { broken: 'manifest.json is no manifest' };
  }
  const { manifest } = envelope;
  if (!('checksum' in envelope) || envelope.checksum !== sha256Of(JSON.stringify(manifest))) {
    return { broken: 'manifest.json is damaged: its checksum does not match' };
  }
  const format = z.object({ format: z.unknown() }).safeParse(manifest).data?.format;
  if (format !== FORMAT) {
    return { broken: `manifest.json is of format ${JSON.stringify(format)}, and this program knows ${FORMAT}` };
  }
  const read = body.safeParse(manifest);
  return read.success ? { manifest: read.data } : { broken: `manifest.json: ${firstIssue(read.error)}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const firstIssue = ({ issues: [issue] }: z.ZodError): string =>
  issue === undefined ? 'it has not the form of a manifest' : `${issue.path.join('.')}: ${issue.message}`;

/** What the file is called as it is stored. */
export const storedName = ({ name, stored }: ImageFile): string => (stored === 'zstd' ? compressed(name) : name);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

export const rawBytesOf = (files: readonly ImageFile[]): number => sum(files.map((one) => one.sizeBytes));

export const infoOf = ({ files, rawBytes, hardenedAt, subject }: Manifest): ImageInfo => ({
  sizeBytes: sum(files.map(({ storedBytes }) => storedBytes)),
  rawBytes,
  compressed: files.some(({ stored }) => stored === 'zstd'),
  durable: hardenedAt !== null,
  hibernatedAt: subject.hibernatedAt,
});
