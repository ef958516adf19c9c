/** What an image reference means: which tool reads it, and which file tells that it was changed. */
import { open, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno, RuntimeError } from '../../domain/errors.ts';

/** `oci`, … as skopeo(1) names them; `archive`: of one or the other kind. */
export type Located = {
  readonly kind: 'oci' | 'oci-archive' | 'docker-archive' | 'archive' | 'squashfs' | 'erofs';
  /** Real path of the layout or the file. */
  readonly path: string;
  readonly tag: string | undefined;
  /** Changes when the image does. */
  readonly stampedFile: string;
};

const KINDS = ['oci', 'oci-archive', 'docker-archive'] as const;
/** A tag, for a docker archive a name with one; nothing that a tool could read as something else. */
const TAG = /^[A-Za-z0-9][A-Za-z0-9._/@:+-]{0,255}$/;

/** Throws BUNDLE_INVALID, NOT_SUPPORTED for an image that would have to be fetched, INVALID_ARGUMENT. */
export async function locate(reference: string): Promise<Located> {
  const kind = KINDS.find((one) => reference.startsWith(`${one}:`));
  if (kind === undefined) return bare(reference);
  const rest = reference.slice(kind.length + 1);
  const end = rest.indexOf(':');
  const path = end < 0 ? rest : rest.slice(0, end);
  const tag = end < 0 ? undefined : rest.slice(end + 1);
  if (!path.startsWith('/')) throw wrong(reference, 'its path is not absolute');
  if (tag !== undefined && !TAG.test(tag)) throw wrong(reference, `${JSON.stringify(tag)} is no tag`);
  const real = await existing(path);
  return located(kind, real, tag);
}

const located = (kind: Located['kind'], path: string, tag?: string): Located => ({
  kind,
  path,
  tag,
  stampedFile: kind === 'oci' ? join(path, 'index.json') : path,
});

/** A path without a kind: what lies there says it. */
async function bare(reference: string): Promise<Located> {
  if (!reference.startsWith('/')) {
    if (/^(docker|docker-daemon|containers-storage|dir|sif|https?):/.test(reference) || !reference.includes(':/')) {
      throw new RuntimeError('NOT_SUPPORTED', {
        what: `the image ${JSON.stringify(reference)} is not on this device, and nothing is fetched from a registry`,
        next: 'copy it here (skopeo copy docker://NAME oci:/DIR:TAG) and give oci:/DIR:TAG',
      });
    }
    throw wrong(reference, 'it is neither an absolute path nor one of oci:, oci-archive:, docker-archive:');
  }
  const path = await existing(reference);
  if ((await stat(path)).isDirectory()) {
    if (await isFile(join(path, 'oci-layout'))) return located('oci', path);
    const next = (await isFile(join(path, 'config.json')))
      ? 'this is an OCI bundle: run it with rootfs.bundle (--bundle)'
      : 'run a directory that is a root file system with rootfs.dir (--rootfs)';
    throw invalid(path, 'is a directory, but no OCI image layout (it has no file oci-layout)', next);
  }
  return located(await kindOfFile(path), path);
}

const MAGIC_BYTES = 1028;
const isTar = (head: Buffer): boolean => head.toString('latin1', 257, 262) === 'ustar';

/** What skopeo unpacks by itself: gzip, zstd, xz, bzip2. */
const COMPRESSED = ['1f8b', '28b52ffd', 'fd377a585a00', '425a68'].map((hex) => Buffer.from(hex, 'hex'));
const isCompressed = (head: Buffer): boolean =>
  COMPRESSED.some((magic) => head.subarray(0, magic.length).equals(magic));

/** Sources: Linux include/uapi/linux/magic.h, EROFS on-disk format (superblock at 1024), POSIX ustar. */
async function kindOfFile(path: string): Promise<Located['kind']> {
  await using file = await open(path);
  const head = Buffer.alloc(MAGIC_BYTES);
  await file.read(head, 0, MAGIC_BYTES, 0);
  if (head.toString('latin1', 0, 4) === 'hsqs') return 'squashfs';
  if (head.readUInt32LE(1024) === 0xe0f5e1e2) return 'erofs';
  if (isTar(head) || isCompressed(head)) return 'archive';
  throw invalid(
    path,
    'is no image: neither squashfs, EROFS nor an archive',
    'give an image, or name its kind: oci-archive:…',
  );
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

async function existing(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw error;
    throw invalid(path, 'cannot be used as an image', 'give an image that exists on this device', error);
  }
}

// eslint-disable-next-line max-params -- what every error of packages says, in the order in which it is said
export function invalid(file: string, why: string, next: string, cause?: unknown): RuntimeError {
  return new RuntimeError('BUNDLE_INVALID', { what: `${file} ${why}`, next, details: { file }, cause });
}

const wrong = (reference: string, why: string): RuntimeError =>
  new RuntimeError('INVALID_ARGUMENT', {
    what: `rootfs.image ${JSON.stringify(reference)} is no image reference: ${why}`,
    next: 'give oci:/DIR[:TAG], oci-archive:/FILE[:TAG], docker-archive:/FILE[:NAME:TAG] or an absolute path',
  });
