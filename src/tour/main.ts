/** npm start: a daemon of its own and one app through its whole life; then it stays, to be tried out, until Ctrl-C. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { RuntimeError } from '../domain/errors.ts';
import { layout } from '../domain/layout.ts';
import { drawingSteps } from './drawing.ts';
import { openStage, type Stage } from './stage.ts';
import { walk } from './steps.ts';

const USAGE = `usage: npm start [-- --exit]

Starts a daemon in a directory of its own, takes a sample app through its life and stays up until Ctrl-C.
  --exit   leave after the tour; the exit status is 0 only if every step held
`;

const STEP_WIDTH = 11;
const TIME_WIDTH = 9;

/** dist/tour.mjs lies one below the package. */
const packageDirectory = dirname(dirname(fileURLToPath(import.meta.url)));

function say(step: string, story: string, ms?: number): void {
  const time = ms === undefined ? '' : ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  console.log(`${styleText('bold', step.padEnd(STEP_WIDTH))}${styleText('cyan', time.padStart(TIME_WIDTH))}  ${story}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { exit: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    console.log(USAGE);
    return;
  }
  const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const begin = performance.now();
  await using stage = await openStage(packageDirectory);
  const version = await stage.client.version();
  say('daemon', `ready (runtimemanagerd ${version.version}, ${version.runtime}, conmon)`, performance.now() - begin);
  const walked = walk(
    {
      ...{ client: stage.client, packageDirectory, nodeBinary: process.execPath, say },
      picturesDirectory: resolve('tour-pictures'),
    },
    drawingSteps,
  );
  const stopped = await Promise.race([walked.then(() => false), interrupted.then(() => true)]);
  if (stopped) {
    walked.catch(() => undefined);
    console.log('\ninterrupted: taking everything down');
    process.exitCode = 130;
    return;
  }
  if (values.exit === true) return;
  const ctl = `${packageDirectory}/bin/runtimectl --root ${stage.root}`;
  console.log(`
The daemon stays up until Ctrl-C. In another terminal:
  ${ctl} run com.example.sleep --instance a --host-rootfs -- sleep 1000
  ${ctl} ps
  ${ctl} hibernate a
  ${ctl} wake a
  ${ctl} events --since 0
Or in a browser on this machine, with the token that is in the address:
  ${await addressOfPage(stage)}`);
  await interrupted;
  console.log('\ntaking everything down');
}

async function addressOfPage({ root, client }: Stage): Promise<string> {
  const { url } = await client.version();
  const token = await readFile(layout(root).token, 'utf8');
  return `${new URL('/', url ?? '').href}#token=${token.trim()}`;
}

main().catch((thrown: unknown) => {
  const error =
    thrown instanceof RuntimeError ? thrown : new RuntimeError('INTERNAL', { what: 'the tour failed', cause: thrown });
  console.error(`npm start: ${error.message}${error.next === undefined ? '' : `\n  next: ${error.next}`}`);
  process.exitCode = 1;
});
