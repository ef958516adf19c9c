/** What the tests of images share: a store in a directory of its own, and dumps that look like CRIU's. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readFile, realpath, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageStore, type ImageStoreOptions } from '../../src/adapters/images/image-store.ts';
import { readMachine } from '../../src/adapters/images/machine.ts';
import { systemClock } from '../../src/adapters/process/clock.ts';
import { toolRunner, type RunTool } from '../../src/adapters/process/run-tool.ts';
import type { AppId, AppInstanceId, ContainerId } from '../../src/domain/ids.ts';
import type { Image, Images, ImageSubject } from '../../src/ports/images.ts';

export const MIB = 2 ** 20;
export const HERE = readMachine('4.2.1');
export const runTool: RunTool = toolRunner({ PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8' });
export const ROOT_HOST_ID = 230_701;

export const containerId = (text: string): ContainerId => text as ContainerId;
export const ID = containerId('app-1');

export const never = (): AbortSignal => new AbortController().signal;
export const wait = (timeoutMs = 30_000) => ({ signal: never(), timeoutMs });

export const subject = (id: ContainerId = ID): ImageSubject => ({
  appId: `app of ${id}` as AppId,
  appInstanceId: `instance of ${id}` as AppInstanceId,
  containerId: id,
  engine: 'embedded',
  runtime: 'runc 1.3.6',
  criu: '4.2.1',
  config: {
    ociVersion: '1.0.2',
    linux: {
      namespaces: [{ type: 'user' }],
      gidMappings: [{ containerID: 0, hostID: ROOT_HOST_ID, size: 1 }],
    },
  },
  hibernatedAt: '2026-11-23T10:00:00.000Z',
});

type Overrides = Partial<Pick<ImageStoreOptions, 'machine' | 'runTool'>> & {
  readonly budgetBytes?: number;
  readonly level?: number;
};

export class ImagesBox implements AsyncDisposable {
  readonly path: string;
  readonly root: string;
  readonly images: Images;
  readonly #release: () => Promise<void>;

  constructor(path: string, release: () => Promise<void>, overrides: Overrides) {
    this.path = path;
    this.root = join(path, 'state', 'images');
    this.images = this.store(overrides);
    this.#release = release;
  }

  /** Another daemon's view of the same directory. */
  store({ machine = HERE, runTool: run = runTool, budgetBytes = 2 ** 40, level = 1 }: Overrides = {}): Images {
    const settings = { budgetBytes, compressionLevel: level, compressAfterMs: 60_000 };
    return imageStore({ directory: this.root, runTool: run, clock: systemClock, settings, machine });
  }

  file(name: string, id: ContainerId = ID): string {
    return join(this.root, id, name);
  }

  names(id: ContainerId = ID): readonly string[] {
    return readdirSync(join(this.root, id)).sort();
  }

  /** CRIU's files of an image, as they can be restored. */
  contents(id: ContainerId = ID): Readonly<Record<string, string>> {
    const own = ['manifest.json', 'config.json', 'opened.json'];
    const names = this.names(id).filter((name) => !own.includes(name) && !name.endsWith('.zst'));
    return Object.fromEntries(names.map((name) => [name, readFileSync(this.file(name, id), 'latin1')]));
  }

  /** A dump into a draft, and what was written. */
  async draft(dump: Dump = smallDump(), id: ContainerId = ID, images: Images = this.images): Promise<string> {
    const bytes = Object.values(dump).reduce((sum, data) => sum + data.length, 0);
    const { directory } = await images.begin(id, bytes);
    for (const [name, data] of Object.entries(dump)) await writeFile(join(directory, name), data);
    return directory;
  }

  async commit(dump: Dump = smallDump(), id: ContainerId = ID): Promise<Image> {
    await this.draft(dump, id);
    return this.images.commit(id, subject(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#release();
    await rm(this.path, { recursive: true });
  }
}

export async function imagesBox(overrides: Overrides = {}): Promise<ImagesBox> {
  return new ImagesBox(await newDirectory(), () => Promise.resolve(), overrides);
}

const newDirectory = async (): Promise<string> => realpath(await mkdtemp(join(tmpdir(), 'rmt-')));

/** On a disk of this size that nobody else uses. */
export async function smallDiskBox(sizeBytes: number, overrides: Overrides = {}): Promise<ImagesBox> {
  const path = await newDirectory();
  await mkdir(join(path, 'state'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=0711`, 'tmpfs', join(path, 'state')]);
  const release = (): Promise<void> => {
    execFileSync('umount', [join(path, 'state')]);
    return Promise.resolve();
  };
  return new ImagesBox(path, release, overrides);
}

export type Dump = Readonly<Record<string, Buffer>>;

/** As the dump of a small app: about 60 files, most of them tiny. */
export function smallDump(pagesBytes = 2 * MIB): Dump {
  const small = ['core', 'fdinfo', 'fs', 'ids', 'mm', 'pagemap'].flatMap((kind, row) =>
    Array.from({ length: 9 }, (_, index) => [`${kind}-${index + 1}.img`, Buffer.alloc(40 + row * 300 + index, kind)]),
  );
  return {
    ...(Object.fromEntries(small) as Dump),
    'descriptors.json': Buffer.from('["/dev/null","pipe:[1]","pipe:[2]"]'),
    'inventory.img': Buffer.alloc(88, 1),
    'tmpfs-dev-56.tar.gz.img': Buffer.alloc(93, 2),
    'pages-1.img': heap(pagesBytes),
    'pages-2.img': noise(20_000),
  };
}

/** As redis keeps it: keys, small objects, pointers, some free space. */
export function heap(sizeBytes: number): Buffer {
  const data = Buffer.alloc(sizeBytes);
  let seed = 12_345;
  for (let at = 0; at + 256 <= sizeBytes; at += 256) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    data.writeBigUInt64LE(0x7f00_0000_0000n + BigInt(seed % 2 ** 24) * 16n, at);
    data.writeUInt32LE(seed % 512, at + 8);
    data.write(`user:${at / 256}:session {"name":"Grace Hopper ${seed % 9973}","visits":${seed % 1000}}`, at + 16);
    data.writeUInt32LE(seed, at + 128);
  }
  return data;
}

/** Nothing to be gained. */
export function noise(sizeBytes: number): Buffer {
  const data = Buffer.alloc(sizeBytes);
  let seed = 99;
  for (let at = 0; at < sizeBytes; at += 1) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    data[at] = seed >>> 24;
  }
  return data;
}

export const asText = (dump: Dump): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.keys(dump)
      .sort()
      .map((name) => [name, (dump[name] ?? Buffer.alloc(0)).toString('latin1')]),
  );

/** One bit in the middle is changed, and the time of the last change put back. */
export async function flip(box: ImagesBox, name: string): Promise<void> {
  const path = box.file(name);
  const { atime, mtime } = await stat(path);
  const data = await readFile(path);
  const middle = Math.floor(data.length / 2);
  data[middle] = (data[middle] ?? 0) ^ 1;
  await writeFile(path, data);
  await utimes(path, atime, mtime);
}

export const lengthen = (path: string): Promise<void> => appendFile(path, 'x');
