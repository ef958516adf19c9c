/** What the tests of explanations share: a real container by runc on our own configuration, and what CRIU says about it. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AppInput } from '../../src/domain/app.ts';
import type { OciConfig } from '../../src/spec/oci-types.ts';
import { TOOLS } from '../lib/daemon.ts';
import { groupDirectories } from '../lib/machine.ts';
import { until } from '../lib/until.ts';
import { newBox, type Box } from './rootfs-box.ts';

const LIMIT_MS = 30_000;
const env = { PATH: `${TOOLS}:/usr/sbin:/usr/bin:/sbin:/bin` };
/** Runtime Manager's own way with CRIU. */
const OPTIONS = ['--manage-cgroups-mode=ignore', '--file-locks'];

export type Subject = AsyncDisposable & {
  readonly box: Box;
  /** Host pids of all its processes. */
  readonly pids: () => Promise<readonly number[]>;
  /** Runs a command in it, as `runc exec` does, until the signal comes. */
  readonly exec: (args: readonly string[], signal: AbortSignal) => void;
  /** Tries to dump it and answers with CRIU's log; the app runs on if that fails. */
  readonly checkpoint: () => Promise<{ readonly log: string; readonly dumped: boolean; readonly image: string }>;
  /** Tries to restore the last dump. */
  readonly restore: () => Promise<{ readonly log: string; readonly restored: boolean }>;
};

export type SubjectOptions = {
  /** Changes the configuration, to allow what ours forbids. */
  readonly change?: (config: OciConfig) => object;
  /** Lines for CRIU's configuration file. */
  readonly criu?: readonly string[];
  /** Called before the container is made; answers with its mounts. */
  readonly prepare?: (box: Box) => Promise<AppInput['mounts']>;
};

/** For programs that do what our filter of system calls forbids. */
export const withoutFilter = (config: OciConfig): object => ({
  ...config,
  linux: { ...config.linux, seccomp: undefined },
});

/** Starts it and waits until it has said `ready`. */
export async function subject(args: readonly string[], options: SubjectOptions = {}): Promise<Subject> {
  await using stack = new AsyncDisposableStack();
  const box = stack.use(await newBox());
  const id = `rmt-${randomUUID()}`;
  const bundle = join(box.path, id);
  const config = await configure(box, args, options);
  await box.put(join(id, 'config.json'), JSON.stringify(config.changed), 0o600);
  const work = join(box.path, 'work');
  await mkdir(work);

  const runc = [join(TOOLS, 'runc'), '--root', join(box.path, 'state')];
  const call = (...more: readonly string[]) =>
    promisify(execFile)(runc[0] ?? '', [...runc.slice(1), ...more], { timeout: LIMIT_MS, env });
  stack.defer(async () => {
    await call('delete', '--force', id).catch(() => undefined);
  });

  const { start, output } = starter(box, runc);
  if ((await start('run', '--detach', '--bundle', bundle, id)) !== 0) throw new Error(await output());
  await until(async () => (await output()).includes('ready\n'), { what: `${args.join(' ')} is ready` }).catch(
    async (error: unknown) => {
      throw new Error(await output(), { cause: error });
    },
  );
  let image = '';
  const kept = stack.move();
  return {
    box,
    pids: async () => {
      const group = groupDirectories(config.group)[0] ?? '';
      return (await readFile(join(group, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean).map(Number);
    },
    exec: (command, signal) => {
      const child = spawn(runc[0] ?? '', [...runc.slice(1), 'exec', id, ...command], { env, stdio: 'ignore', signal });
      child.on('error', () => undefined);
    },
    checkpoint: async () => {
      image = join(box.path, `image-${randomUUID()}`);
      // root of the container is nobody out here and must be able to enter
      await mkdir(image, { mode: 0o711 });
      await call('pause', id);
      const dumped = await call('checkpoint', '--image-path', image, '--work-path', work, ...OPTIONS, id).then(
        () => true,
        () => false,
      );
      if (!dumped) await call('resume', id);
      return { log: join(work, 'dump.log'), dumped, image };
    },
    restore: async () => {
      const places = ['--bundle', bundle, '--image-path', image, '--work-path', work];
      const exitCode = await start('restore', '--detach', ...places, ...OPTIONS, id);
      return { log: join(work, 'restore.log'), restored: exitCode === 0 };
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function configure(box: Box, args: readonly string[], { change, criu = ['tcp-close'], prepare }: SubjectOptions) {
  const criuConfig = await box.put('criu.conf', [...criu, 'network-lock skip', ''].join('\n'));
  const config = await box.configure({ rootfs: { host: true }, args: [...args], mounts: await prepare?.(box) });
  const annotations = { ...config.annotations, 'org.criu.config': criuConfig };
  return { changed: { ...(change?.(config) ?? config), annotations }, group: config.linux.cgroupsPath };
}

/** The container's output goes through a shell's pipe: Node's own pipes are sockets, and CRIU refuses those. */
function starter(box: Box, runc: readonly string[]) {
  const outputFile = join(box.path, 'output');
  const output = () => readFile(outputFile, 'utf8').catch(() => '');
  const start = async (...command: readonly string[]): Promise<number> => {
    const exitFile = join(box.path, `exit-${randomUUID()}`);
    const line = `{ "$@" 2>&1 </dev/null; echo $? >'${exitFile}'; } | cat >>'${outputFile}'`;
    spawn('/bin/sh', ['-c', line, 'sh', ...runc, ...command], { env, stdio: 'ignore', detached: true }).unref();
    const read = () => readFile(exitFile, 'utf8').catch(() => '');
    const code = await until(async () => /^\d+\n/.test(await read()) && read(), {
      what: `runc ${command[0] ?? ''} has ended`,
      timeoutMs: LIMIT_MS,
    });
    return Number(code);
  };
  return { start, output };
}
