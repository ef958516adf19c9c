/** Images for tests, made from nothing: tar headers, blobs and a layout, so that each byte can be a wrong one. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
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

export type Entry = {
  /** Bytes for a name that is no text. */
  readonly name: string | Buffer;
  /** Of tar: file, hard link, symbolic link, character device, directory, pipe, extended header. */
  readonly type?: '0' | '1' | '2' | '3' | '5' | '6' | 'x';
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly text?: string | Buffer;
  /** What the header says, whatever follows. */
  readonly sizeBytes?: number;
};

const BLOCK = 512;
const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

/** POSIX ustar. */
export function tarOf(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(({ name, type = '0', link = '', mode = 0o755, uid = 0, text = '', sizeBytes }) => {
    const bodyBytes = type === '0' || type === 'x' ? Buffer.byteLength(text) : 0;
    const size = sizeBytes ?? bodyBytes;
    const head = Buffer.alloc(BLOCK);
    const put = (at: number, value: string): void => void head.write(value, at, 'latin1');
    if (typeof name === 'string') put(0, name);
    else name.copy(head);
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
    const body = Buffer.alloc(Math.ceil(bodyBytes / BLOCK) * BLOCK);
    if (typeof text === 'string') body.write(text);
    else text.copy(body);
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
  /** The layers as they are uncompressed. */
  readonly plain?: readonly Buffer[];
  /** `config` of the image's configuration. */
  readonly config?: object;
  readonly tag?: string;
  /** Instead of the layers' true ones. */
  readonly diffIds?: readonly string[];
  /** This machine's when absent. */
  readonly architecture?: string;
  readonly os?: string;
};

/** As images name it. */
export const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';

/** Blobs of a layout by their digests. */
function blobsIn(directory: string) {
  mkdirSync(join(directory, 'blobs', 'sha256'), { recursive: true });
  return (data: Buffer | string, mediaType: string) => {
    const hex = sha256(data);
    writeFileSync(join(directory, 'blobs', 'sha256', hex), data);
    return {
      mediaType: `application/vnd.oci.image.${mediaType}`,
      digest: `sha256:${hex}`,
      size: Buffer.byteLength(data),
    };
  };
}
type Put = ReturnType<typeof blobsIn>;

function putManifest(put: Put, { layers, plain = layers, config = {}, diffIds, ...parts }: ImageParts) {
  const { architecture = ARCHITECTURE, os = 'linux' } = parts;
  const blobs = layers.map((layer) => put(layer, 'layer.v1.tar'));
  const rootfs = { type: 'layers', diff_ids: diffIds ?? plain.map((layer) => `sha256:${sha256(layer)}`) };
  const described = put(JSON.stringify({ architecture, os, config, rootfs }), 'config.v1+json');
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = put(
    JSON.stringify({ schemaVersion: 2, mediaType, config: described, layers: blobs }),
    'manifest.v1+json',
  );
  return { manifest, blobs };
}

function putIndex(directory: string, manifest: object, tag: string): void {
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': tag } };
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  writeFileSync(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

/** Writes an OCI image layout. The digests of the layers are in the answer, for tests that then spoil a blob. */
export function writeLayout(directory: string, parts: ImageParts): readonly string[] {
  const { manifest, blobs } = putManifest(blobsIn(directory), parts);
  putIndex(directory, manifest, parts.tag ?? 'v1');
  return blobs.map(({ digest }) => digest.slice('sha256:'.length));
}

type IndexParts = {
  readonly layers: readonly Buffer[];
  readonly platforms: readonly (readonly [architecture: string, os: string])[];
};

/** The same layers as an image for each platform, in one index. */
export function writeIndex(directory: string, { layers, platforms }: IndexParts): void {
  const put = blobsIn(directory);
  const manifests = platforms.map(([architecture, os]) => ({
    ...putManifest(put, { layers, architecture, os }).manifest,
    platform: { architecture, os },
  }));
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  putIndex(directory, put(JSON.stringify({ schemaVersion: 2, mediaType, manifests }), 'index.v1+json'), 'v1');
}

const tool = (name: string, ...args: readonly string[]): void => {
  execFileSync(join(TOOLS, name), args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

export type DockerLayout = 'old' | 'save-25' | 'go-containerregistry';
export type DockerArchive = {
  readonly layout: DockerLayout;
  readonly images: readonly { readonly layers: readonly Buffer[]; readonly names: readonly string[] }[];
  /** Before every name in the archive. */
  readonly prefix?: string;
};

/** Where each layout has its files. Sources: moby image/tarexport/save.go (v24, v27), go-containerregistry pkg/v1/tarball/write.go. */
const DOCKER_NAMES: Readonly<
  Record<DockerLayout, { config: (hex: string) => string; layer: (hex: string) => string }>
> = {
  old: { config: (hex) => `${hex}.json`, layer: (hex) => `${sha256(`v1 ${hex}`)}/layer.tar` },
  'save-25': { config: (hex) => `blobs/sha256/${hex}`, layer: (hex) => `blobs/sha256/${hex}` },
  'go-containerregistry': { config: (hex) => `sha256:${hex}`, layer: (hex) => `${hex}.tar.gz` },
};

/** As `docker save` and its like write archives: `manifest.json`, configurations, and a file a layer. */
export function writeDockerArchive(file: string, { layout, images, prefix = '' }: DockerArchive): void {
  const { config: configName, layer: layerName } = DOCKER_NAMES[layout];
  const files = new Map<string, Buffer>();
  const manifest = images.map(({ layers, names }) => {
    const rootfs = { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) };
    const config = Buffer.from(JSON.stringify({ architecture: ARCHITECTURE, os: 'linux', config: {}, rootfs }));
    files.set(configName(sha256(config)), config);
    const paths = layers.map((layer) => {
      const stored = layout === 'go-containerregistry' ? gzipSync(layer) : layer;
      files.set(layerName(sha256(stored)), stored);
      return layerName(sha256(stored));
    });
    return { Config: configName(sha256(config)), RepoTags: names.length > 0 ? names : null, Layers: paths };
  });
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)));
  if (layout === 'save-25') files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  if (layout === 'save-25') files.set('index.json', Buffer.from('{"schemaVersion":2,"manifests":[]}'));
  writeFileSync(file, tarOf([...files].map(([name, text]) => ({ name: prefix + name, text }))));
}

/** With gzip, zstd, xz or bzip2. */
export function compress(tool: string, data: Buffer): Buffer {
  return execFileSync(tool, ['-c'], { input: data, maxBuffer: 2 ** 30 });
}

export const copyImage = (from: string, to: string): void => {
  tool('skopeo', '--insecure-policy', 'copy', '--quiet', from, to);
};
export const writeSquashfs = (root: string, file: string): void => {
  tool('mksquashfs', root, file, '-all-root', '-no-progress', '-quiet');
};
export const writeErofs = (root: string, file: string): void => {
  tool('mkfs.erofs', '--all-root', '--quiet', file, root);
};
