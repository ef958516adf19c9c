/** What the tests of root file systems share: a directory that is gone afterwards, a small root, and a real run of runc. */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { rootFilesystems } from '../../src/adapters/rootfs/rootfs.ts';
import { appSchema, type AppInput } from '../../src/domain/app.ts';
import { isErrno, RuntimeError, type ErrorCode } from '../../src/domain/errors.ts';
import type { RootFilesystem } from '../../src/domain/rootfs.ts';
import type { OciConfig } from '../../src/spec/oci-types.ts';
import { commandQuery, ociConfig } from '../../src/spec/oci-config.ts';

const TOOLS = process.env['RUNTIME_MANAGER_TOOLS'] ?? join(import.meta.dirname, '..', '..', '.tools', 'bin');
export const UID = 30_701;
const ROOT_HOST_ID = 230_701;
const RUN_LIMIT_MS = 30_000;
const CGROUP_PARENT = `/runtime-manager-test-${process.pid}`;

export type Box = AsyncDisposable & {
  readonly path: string;
  readonly roots: ReturnType<typeof rootFilesystems>;
  /** Writes a file, and the directories above it. */
  readonly put: (path: string, text?: string, mode?: number) => Promise<string>;
  readonly open: (app: AppInput) => Promise<RootFilesystem>;
  readonly configure: (app: AppInput) => Promise<OciConfig>;
  readonly find: (app: AppInput) => Promise<void>;
  /** Runs it to its end with runc and answers with all it wrote. */
  readonly run: (app: AppInput) => Promise<string>;
};

type Policy = Parameters<typeof rootFilesystems>[0]['bundles'];

/** `bundles`: what bundles may show of the device; nothing of it when absent. */
export async function newBox(bundles: Policy = { mounts: [], writableMounts: [] }): Promise<Box> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'rmt-')));
  // The container's root is nobody out here and must be able to enter.
  for (const place of [path, dirname(path)]) {
    if (basename(place).startsWith('rmt-')) await chmod(place, 0o711);
  }
  const roots = rootFilesystems({ directory: join(path, 'roots'), bundles });
  const open = (app: AppInput) => {
    const { rootfs, mounts } = appSchema.parse(app);
    return roots.open({ rootfs, mounts, uid: UID, gid: UID, hostname: 'box' });
  };
  const configure = async (app: AppInput) =>
    ociConfig({
      app: appSchema.parse(app),
      rootfs: await open(app),
      identity: { uid: UID, gid: UID, rootHostUid: ROOT_HOST_ID, rootHostGid: ROOT_HOST_ID },
      storage: await storage(path),
      inside: await inside(path),
      display: null,
      cgroupsPath: `${CGROUP_PARENT}/${basename(path)}`,
      hostname: 'box',
      architecture: process.arch === 'arm64' ? 'arm64' : 'x64',
      oomScoreAdj: 0,
      appId: 'com.example.test',
      appInstanceId: 'one',
    });
  return {
    path,
    roots,
    put: (name, text = '', mode = 0o644) => put(join(path, name), text, mode),
    open,
    configure,
    find: async (app) => roots.findCommand(commandQuery(await configure(app))),
    run: async (app) => run(path, await configure(app)),
    [Symbol.asyncDispose]: async () => {
      await removeCgroups(basename(path));
      await rm(path, { recursive: true, force: true });
    },
  };
}

async function inside(box: string): Promise<string> {
  const directory = join(box, 'inside');
  await mkdir(directory, { recursive: true });
  await copyFile(join(TOOLS, 'tini-static'), join(directory, 'init'));
  return directory;
}

async function storage(box: string): Promise<string> {
  const path = join(box, 'storage');
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chown(path, UID, UID);
  return path;
}

async function put(path: string, text: string, mode: number): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

async function run(box: string, config: OciConfig): Promise<string> {
  const id = `rmt-${randomUUID()}`;
  const bundle = join(box, id);
  await put(join(bundle, 'config.json'), JSON.stringify(config), 0o600);
  const runc = [join(TOOLS, 'runc'), '--root', join(box, 'state')] as const;
  const call = (...args: string[]) =>
    promisify(execFile)(runc[0], [...runc.slice(1), ...args], { timeout: RUN_LIMIT_MS, env: { PATH: TOOLS } });
  try {
    const { stdout, stderr } = await call('run', '--bundle', bundle, id);
    return stdout + stderr;
  } catch (error) {
    await call('delete', '--force', id);
    throw error;
  }
}

/** Ours in every hierarchy, and the parent once nobody else of this process uses it. */
async function removeCgroups(name: string): Promise<void> {
  const hierarchies = await readdir('/sys/fs/cgroup', { withFileTypes: true });
  const places = [
    '/sys/fs/cgroup',
    ...hierarchies.filter((one) => one.isDirectory()).map((one) => `/sys/fs/cgroup/${one.name}`),
  ];
  for (const place of places) {
    await removeGroup(join(place, CGROUP_PARENT, name));
    await removeGroup(join(place, CGROUP_PARENT));
  }
}

async function removeGroup(group: string): Promise<void> {
  try {
    await rmdir(group);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'EBUSY', 'ENOTEMPTY')) throw error;
  }
}

/** A root with a shell and the libraries that it needs, and nothing else: no directory to mount anything on. */
export async function smallRoot(box: Box, name: string): Promise<string> {
  const root = join(box.path, name);
  const listed = execFileSync('ldd', ['/bin/sh'], { encoding: 'utf8' });
  const libraries = listed.match(/\/[^\s]+/g) ?? [];
  for (const file of ['/bin/sh', ...libraries]) {
    const target = join(root, file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file, target);
    await chmod(target, 0o755);
  }
  return root;
}

export async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)) !== undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** For assert.rejects: this code, these words in the whole message, and something to do next. */
export const refuses = (code: ErrorCode, words: RegExp) => (error: unknown) =>
  error instanceof RuntimeError && error.code === code && words.test(error.message) && error.next !== undefined;
