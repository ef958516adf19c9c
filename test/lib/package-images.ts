/** Images for tests, made from nothing: tar headers, blobs and a layout, so that each byte can be a wrong one. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TOOLS } from './daemon.ts';

const PROGRAMS = ['/bin/sh', '/bin/sleep', '/bin/cat', '/bin/ls', '/usr/bin/touch'];

/** A root with a few programs and the libraries that they need. */
export function programRoot(directory: string): string {
  const libraries = execFileSync('ldd', PROGRAMS, { encoding: 'utf8' }).match(/\s\/[^\s:]+(?=\s\()|=> \/[^\s]+/g) ?? [];
  for (const file of [...PROGRAMS, ...libraries.map((path) => path.replace(/^(=>)?\s*/, ''))]) {
    const target = join(directory, file);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
    chmodSync(target, 0o755);
  }
  mkdirSync(join(directory, 'etc'));
  writeFileSync(join(directory, 'etc', 'words'), 'from the package\n');
  return directory;
}

type Entry = {
  readonly name: string;
  /** Of tar: file, hard link, symbolic link, character device, directory, pipe. */
  readonly type?: '0' | '1' | '2' | '3' | '5' | '6';
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly text?: string;
};

const BLOCK = 512;
const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

/** POSIX ustar. */
export function tarOf(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(({ name, type = '0', link = '', mode = 0o755, uid = 0, text = '' }) => {
    const size = type === '0' ? Buffer.byteLength(text) : 0;
    const head = Buffer.alloc(BLOCK);
    const put = (at: number, value: string): void => void head.write(value, at, 'latin1');
    put(0, name);
    put(100, octal(mode, 8) + octal(uid, 8) + octal(uid, 8) + octal(size, 12) + octal(0, 12));
    put(148, '        ');
    put(156, type);
    put(157, link);
    put(257, 'ustar\x0000');
    put(329, octal(1, 8) + octal(3, 8));
    put(
      148,
      `${head
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
    );
    const body = Buffer.alloc(Math.ceil(size / BLOCK) * BLOCK);
    body.write(text);
    return [head, body];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** A directory as a layer. */
export const layerOf = (directory: string): Buffer =>
  execFileSync('tar', ['--create', '--numeric-owner', '--directory', directory, '.'], { maxBuffer: 2 ** 30 });

export const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

export type ImageParts = {
  readonly layers: readonly Buffer[];
  /** `config` of the image's configuration. */
  readonly config?: object;
  readonly tag?: string;
  /** Instead of the layers' true ones. */
  readonly diffIds?: readonly string[];
};

/** Writes an OCI image layout. The digests of the layers are in the answer, for tests that then spoil a blob. */
export function writeLayout(
  directory: string,
  { layers, config = {}, tag = 'v1', diffIds }: ImageParts,
): readonly string[] {
  mkdirSync(join(directory, 'blobs', 'sha256'), { recursive: true });
  const put = (data: Buffer | string, mediaType: string) => {
    const hex = sha256(data);
    writeFileSync(join(directory, 'blobs', 'sha256', hex), data);
    return {
      mediaType: `application/vnd.oci.image.${mediaType}`,
      digest: `sha256:${hex}`,
      size: Buffer.byteLength(data),
    };
  };
  const blobs = layers.map((layer) => put(layer, 'layer.v1.tar'));
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const rootfs = { type: 'layers', diff_ids: diffIds ?? blobs.map(({ digest }) => digest) };
  const described = put(JSON.stringify({ architecture, os: 'linux', config, rootfs }), 'config.v1+json');
  const manifest = put(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: described,
      layers: blobs,
    }),
    'manifest.v1+json',
  );
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': tag } };
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  writeFileSync(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  return blobs.map(({ digest }) => digest.slice('sha256:'.length));
}

const tool = (name: string, ...args: readonly string[]): void => {
  execFileSync(join(TOOLS, name), args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

export const copyImage = (from: string, to: string): void => {
  tool('skopeo', '--insecure-policy', 'copy', '--quiet', from, to);
};
export const writeSquashfs = (root: string, file: string): void => {
  tool('mksquashfs', root, file, '-all-root', '-no-progress', '-quiet');
};
export const writeErofs = (root: string, file: string): void => {
  tool('mkfs.erofs', '--all-root', '--quiet', file, root);
};
