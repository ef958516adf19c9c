/** What the tests of explanations share: a real container by runc on our own configuration, and what CRIU says about it. */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
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

export type Subject = AsyncDisposable & {
  readonly box: Box;
  readonly id: string;
  readonly init: number;
  /** Host pids of all its processes. */
  readonly pids: () => Promise<readonly number[]>;
  readonly output: () => Promise<string>;
  /** Runs a command in it, as `runc exec` does; ends when the signal says so. */
  readonly exec: (args: readonly string[], signal: AbortSignal) => void;
  /** Tries to dump it and answers with CRIU's log; what runc said is in `said`. */
  readonly checkpoint: () => Promise<{ readonly log: string; readonly dumped: boolean; readonly said: string }>;
  readonly restore: () => Promise<{ readonly log: string; readonly restored: boolean; readonly said: string }>;
};

export type SubjectOptions = {
  /** Changes the configuration, to allow what ours forbids. */
  readonly change?: (config: OciConfig) => object;
  /** Lines for CRIU's configuration file. */
  readonly criu?: readonly string[];
  /** Called before the container is made. */
  readonly prepare?: (box: Box) => Promise<AppInput['mounts']>;
};

/** For programs that do what our filter of system calls forbids. */
export const withoutFilter = (config: OciConfig): object => ({
  ...config,
  linux: { ...config.linux, seccomp: undefined },
});

/** Starts it and waits until it has said `ready`. */
export async function subject(args: readonly string[], options: SubjectOptions = {}): Promise<Subject> {
  const { change = (config) => config, criu = ['tcp-close'], prepare } = options;
  await using stack = new AsyncDisposableStack();
  const box = stack.use(await newBox());
  const id = `rmt-${randomUUID()}`;
  const bundle = join(box.path, id);
  const criuConfig = await box.put('criu.conf', [...criu, 'network-lock skip', ''].join('\n'));
  const config = await box.configure({ rootfs: { host: true }, args: [...args], mounts: await prepare?.(box) });
  const { annotations } = config;
  const changed = { ...change(config), annotations: { ...annotations, 'org.criu.config': criuConfig } };
  await box.put(join(id, 'config.json'), JSON.stringify(changed), 0o600);
  const runc = (...more: readonly string[]) =>
    promisify(execFile)(join(TOOLS, 'runc'), ['--root', join(box.path, 'state'), ...more], { timeout: LIMIT_MS, env });
  stack.defer(async () => {
    await runc('delete', '--force', id).catch(() => undefined);
  });
  // Through a shell's pipe: Node's own pipes are sockets, and CRIU would refuse those.
  const outputFile = join(box.path, 'output');
  const start = async (...command: readonly string[]): Promise<void> => {
    const line = `"$@" 2>&1 </dev/null | cat >>'${outputFile}'`;
    const child = spawn('/bin/sh', ['-c', line, 'sh', join(TOOLS, 'runc'), '--root', join(box.path, 'state'), ...command], {
      env,
      stdio: 'ignore',
      detached: true,
    });
    child.unref();
  };
  const output = () => readFile(outputFile, 'utf8').catch(() => '');
  const pidFile = join(box.path, 'pid');
  await start('run', '--detach', '--bundle', bundle, '--pid-file', pidFile, id);
  await until(async () => (await output()).includes('ready\n'), { what: `${args.join(' ')} is ready` }).catch(
    async (error: unknown) => {
      throw new Error(await output(), { cause: error });
    },
  );
  const init = Number(await readFile(pidFile, 'utf8'));
  const work = join(box.path, 'work');
  await mkdir(work);
  let kept: AsyncDisposableStack | undefined = stack.move();
  return {
    box,
    id,
    init,
    output,
    pids: async () => {
      const group = groupDirectories(config.linux.cgroupsPath)[0] ?? '';
      return (await readFile(join(group, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean).map(Number);
    },
    exec: (command, signal) => {
      const child = spawn(join(TOOLS, 'runc'), ['--root', join(box.path, 'state'), 'exec', id, ...command], {
        env,
        stdio: 'ignore',
        signal,
      });
      child.on('error', () => undefined);
    },
    checkpoint: async () => {
      const image = join(box.path, `image-${randomUUID()}`);
      // the restored processes are not root out here and must be able to enter
      await mkdir(image, { mode: 0o711 });
      await runc('pause', id);
      const said = await runc(
        'checkpoint', '--image-path', image, '--work-path', work, '--manage-cgroups-mode=ignore', '--file-locks', id,
      ).then(() => undefined, (error: { stderr?: string }) => error.stderr ?? '');
      await writeFile(join(work, 'image'), image);
      if (said !== undefined) await runc('resume', id).catch(() => undefined);
      return { log: join(work, 'dump.log'), dumped: said === undefined, said: said ?? '' };
    },
    restore: async () => {
      const image = await readFile(join(work, 'image'), 'utf8');
      await start(
        'restore', '--detach', '--bundle', bundle, '--image-path', image, '--work-path', work,
        '--manage-cgroups-mode=ignore', '--file-locks', '--pid-file', join(box.path, 'pid2'), id,
      );
      const restored = await until(
        async () => (existsSync(join(box.path, 'pid2')) ? 'yes' : (await output()).includes('criu failed') ? 'no' : ''),
        { what: 'the restore has ended' },
      );
      return { log: join(work, 'restore.log'), restored: restored === 'yes', said: await output() };
    },
    [Symbol.asyncDispose]: async () => {
      await kept?.disposeAsync();
      kept = undefined;
    },
  };
}
