/** The same container by the bare tools: conmon and the OCI runtime, driven by the shortest script there is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOOLS, type Daemon } from './daemon.ts';

const env = { PATH: `${TOOLS}:${process.env['PATH'] ?? ''}`, _OCI_SYNCPIPE: '3' };

export async function tool(name: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(join(TOOLS, name), args, { env, stdio: 'ignore', detached: true });
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`${name} ${args.join(' ')}: exit code ${code}`);
}

export type Bare = {
  readonly start: (id: string) => Promise<number>;
  readonly runtime: (...args: readonly string[]) => Promise<void>;
  readonly checkpoint: (id: string, image: string) => Promise<void>;
  /** Not measured: who may read an image is not the recipe's concern. */
  readonly openImage: (image: string) => Promise<void>;
  readonly restore: (id: string, image: string) => Promise<void>;
  /** Not measured. */
  readonly end: (id: string) => Promise<void>;
};

/** Takes the configuration that the daemon made for `model`, so both start the same bundle; or that one, changed. */
export async function bareTools(
  { root }: Daemon,
  model: string,
  change = (config: object): object => config,
): Promise<Bare> {
  const made = JSON.parse(await readFile(`${root}/run/bundles/${model}/config.json`, 'utf8')) as object;
  const config = JSON.stringify(change(made));
  const dir = `${root}/bare`;
  const runtime = (...args: readonly string[]): Promise<void> => tool('runc', '--root', `${dir}/state`, ...args);
  await mkdir(`${dir}/exits`, { recursive: true });
  const bundle = (id: string): string => `${dir}/${id}`;
  return {
    runtime,
    start: async (id) => {
      const parsed = JSON.parse(config) as { linux: { cgroupsPath: string }; annotations: Record<string, string> };
      parsed.annotations['org.criu.config'] = `${bundle(id)}/criu.conf`;
      parsed.linux.cgroupsPath = `/runtime-manager-bench-${process.pid}/${id}`;
      await mkdir(bundle(id));
      await writeFile(`${bundle(id)}/criu.conf`, 'network-lock skip\ntcp-close\nghost-limit 256M\nfile-locks\n');
      const text = JSON.stringify(parsed);
      const begin = performance.now();
      await writeFile(`${bundle(id)}/config.json`, text);
      // all copies have one user id, and the kernel gives each user 200 keyrings (keyrings(7))
      await conmon(dir, id, ['--no-new-keyring']);
      await runtime('start', id);
      return performance.now() - begin;
    },
    checkpoint: (id, image) =>
      runtime('checkpoint', '--image-path', image, '--work-path', bundle(id), '--manage-cgroups-mode=ignore', id),
    openImage: async (image) => {
      await chmod(image, 0o711);
    },
    restore: async (id, image) => {
      for (const name of ['pid', 'conmon.pid', 'attach', 'ctl', 'winsz']) {
        await rm(`${bundle(id)}/${name}`, { force: true });
      }
      await rm(`${dir}/exits/${id}`, { force: true });
      await conmon(dir, id, ['--restore', image, '--runtime-opt', '--manage-cgroups-mode=ignore']);
    },
    end: async (id) => {
      const pid = Number(readFileSync(`${bundle(id)}/pid`, 'utf8'));
      process.kill(pid, 'SIGKILL');
      await runtime('resume', id).catch(() => undefined);
      for (let round = 0; round < 200 && !(await exited(`${dir}/exits/${id}`)); round++) await sleep(5);
      await runtime('delete', id);
      await rm(bundle(id), { recursive: true });
    },
  };
}

const exited = (file: string): Promise<boolean> =>
  readFile(file).then(
    () => true,
    () => false,
  );

async function conmon(dir: string, id: string, more: readonly string[] = []): Promise<void> {
  const bundle = `${dir}/${id}`;
  const args = [
    ...more,
    ...['--api-version', '1', '-c', id, '-u', id, '-n', id, '-r', join(TOOLS, 'runc'), '-b', bundle],
    ...[
      '-p',
      `${bundle}/pid`,
      '--conmon-pidfile',
      `${bundle}/conmon.pid`,
      '--exit-dir',
      `${dir}/exits`,
      '--full-attach',
    ],
    ...[
      '-l',
      `k8s-file:${bundle}/log`,
      '--log-level',
      'error',
      '--runtime-arg',
      '--root',
      '--runtime-arg',
      `${dir}/state`,
    ],
  ];
  const child = spawn(join(TOOLS, 'conmon'), args, {
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const [chunk] = (await once(child.stdio[3] as NodeJS.ReadableStream, 'data')) as [Buffer];
  const report = JSON.parse(chunk.toString()) as { data: number };
  if (report.data <= 0) throw new Error(chunk.toString());
}
