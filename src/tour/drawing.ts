/** The part of the tour that can be seen: an app on a display of its own, its picture before it sleeps and after it is awake. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppInput, Client } from '../client/node.ts';
import { hold, timed, type Tour } from './steps.ts';

const ID = 'drawing-1';
const APP_ID = 'com.example.drawing';
const READY_MS = 15_000;

const appFor = ({ packageDirectory }: Tour): AppInput => ({
  rootfs: { host: true },
  args: ['/usr/bin/perl', '/opt/drawing.pl'],
  limits: { memoryBytes: 256 * 2 ** 20, pids: 64 },
  display: { width: 640, height: 360 },
  mounts: [{ source: `${packageDirectory}/examples/drawing.pl`, destination: '/opt/drawing.pl', readOnly: true }],
});

/** The pictures stay when the tour is over. Throws when a step does not do what it says. */
export async function drawingSteps(tour: Tour): Promise<void> {
  const { client, say, picturesDirectory } = tour;
  await mkdir(picturesDirectory, { recursive: true });
  const run = await timed(() => client.run({ appId: APP_ID, appInstanceId: ID, app: appFor(tour) }));
  say('run', `${APP_ID} has a display of its own, and draws a counter on it`, run.ms);
  say('', `its first picture was there ${Math.round(await untilDrawn(client))} ms after it was asked for`);
  await sleep(1000);
  say('', `its picture now: ${await keepPicture(tour, 'before-hibernation.png')}`);
  const hibernated = await timed(() => client.hibernate({ appInstanceId: ID }));
  const last = await client.getScreenshot({ appInstanceId: ID });
  hold(!last.live, 'the last picture of a hibernated app is kept');
  say('hibernate', 'app and compositor are on disk, the last picture is kept', hibernated.ms);
  const woken = await timed(() => client.wake({ appInstanceId: ID }));
  say('wake', 'it goes on drawing where it stood', woken.ms);
  await untilOther(client, last.png);
  say('', `its picture now: ${await keepPicture(tour, 'after-wake.png')}`);
  await client.terminate({ appInstanceId: ID });
}

async function untilDrawn(client: Client): Promise<number> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    const { events } = await client.getEvents({ since: 0, appInstanceId: ID });
    const ready = events.find(({ type }) => type === 'displayReady');
    if (ready?.type === 'displayReady') return ready.ms ?? 0;
    hold(performance.now() < deadline, 'the app draws');
    await sleep(20);
  }
}

async function untilOther(client: Client, before: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while ((await client.getScreenshot({ appInstanceId: ID })).png === before) {
    hold(performance.now() < deadline, 'a woken app draws on');
    await sleep(100);
  }
}

async function keepPicture({ client, picturesDirectory }: Tour, name: string): Promise<string> {
  const { png, live } = await client.getScreenshot({ appInstanceId: ID });
  hold(live, 'a running app is pictured as it is');
  const file = join(picturesDirectory, name);
  await writeFile(file, Buffer.from(png, 'base64'));
  return file;
}
