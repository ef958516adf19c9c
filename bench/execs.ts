/** Output of a program that is run in an app: the command line, and the client, beside `runc exec`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { layout } from '../src/domain/layout.ts';
import { PACKAGE, TOOLS, type Daemon } from './lib/daemon.ts';
import { alternate, timed } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const ROUNDS = 10;
const BYTES = 20_000_000;
const PROGRAM = ['/usr/bin/perl', '-e', `print "x" x ${BYTES}`];

/** Reads all of it away. */
async function output(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await once(child, 'close');
  if (bytes !== BYTES) throw new Error(`${command} gave ${bytes} bytes of ${BYTES}`);
}

export async function execs({ client, root }: Daemon): Promise<readonly Figure[]> {
  const appInstanceId = 'talker';
  await client.run({ appId: 'bench', appInstanceId, app: { rootfs: { host: true }, args: ['/bin/sleep', '100000'] } });
  const bare = ['--root', `${layout(root).run}/runtime`, 'exec', appInstanceId, ...PROGRAM];
  const theirs = (): Promise<number> => timed(() => output(`${TOOLS}/runc`, bare));
  const byCommand = ['--root', root, 'exec', appInstanceId, '--', ...PROGRAM];
  const command = await alternate(ROUNDS, () => timed(() => output(`${PACKAGE}bin/runtimectl`, byCommand)), theirs);
  const byClient = async (): Promise<void> => {
    const running = await client.openExec({ appInstanceId, args: PROGRAM, stdin: '' }, { onOutput: () => undefined });
    await running.result;
  };
  const called = await alternate(ROUNDS, () => timed(byClient), theirs);
  await client.kill({ appInstanceId });
  const figure = (what: string, times: typeof command): Figure => ({
    ...{ what, ours: times.ours, theirs: times.theirs, unit: 'ms', bound: 2 },
  });
  return [
    figure('20 MB of output, runtimectl exec / runc exec', command),
    figure('20 MB of output, openExec / runc exec', called),
  ];
}
