/** Those that are measured only where somebody has them: nothing of them is fetched or started. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { call, openCommandLine } from './command-line.ts';
import type { Kind } from './peer.ts';

const run = promisify(execFile);

/** Neither a client nor a daemon that answers is the same to us, but not to the reader. */
async function dockerAbsent(): Promise<string | undefined> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}']);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'not installed' : 'its daemon does not run';
  }
}

export const DOCKER: Kind = {
  name: 'Docker',
  what: 'the Docker daemon of this machine by its command line',
  absent: dockerAbsent,
  open: async ({ rootfs, directory }) => {
    const image = `runtime-manager-bench:${process.pid}`;
    await run('tar', ['--create', '--file', `${directory}/rootfs.tar`, '--directory', rootfs, '.']);
    await run('docker', ['import', `${directory}/rootfs.tar`, image]);
    const line = {
      ...{ argv: ['docker'], env: process.env, options: ['--network', 'none'], source: [image] },
      hibernate: (id: string) => ['checkpoint', 'create', id, 'bench'],
      wake: (id: string) => ['start', '--checkpoint', 'bench', id],
      eventFormat: '{{.Status}} {{.Actor.Attributes.name}}',
    };
    return openCommandLine(line, async () => {
      await call(['docker', 'rmi', '--force', image], process.env);
    });
  },
};

/** The place for it: its engine is to be measured through our daemon, as we would use it. */
export const DOBBY: Kind = {
  name: 'Dobby',
  what: 'Dobby as the engine of our daemon',
  absent: ({ dobby }) =>
    Promise.resolve(dobby === undefined ? 'no bus address given (--dobby)' : 'the benchmark cannot drive it yet'),
  open: () => Promise.reject(new Error('this version of the benchmark cannot measure Dobby')),
};
