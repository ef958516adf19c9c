/** The tour itself: one app through its life, each step checked, not just shown. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppInput, Client } from '../client/node.ts';
import { formatSize } from '../domain/size.ts';
import { askCounter, type Counter } from './counter.ts';

export type Tour = {
  readonly client: Client;
  readonly packageDirectory: string;
  readonly nodeBinary: string;
  /** For what can be looked at afterwards. */
  readonly picturesDirectory: string;
  readonly say: (step: string, story: string, ms?: number) => void;
};

const ID = 'counter-1';
const APP_ID = 'com.example.counter';
const TICKS_PER_SECOND = 20;
const NAP_MS = 1000;
const ANSWER_MS = 5000;

const appFor = ({ packageDirectory, nodeBinary }: Tour): AppInput => ({
  rootfs: { host: true },
  args: ['/opt/node', '/opt/counter.mjs', '/data/counter.sock'],
  limits: { memoryBytes: 256 * 2 ** 20, pids: 64 },
  mounts: [
    { source: nodeBinary, destination: '/opt/node', readOnly: true },
    { source: `${packageDirectory}/examples/counter.mjs`, destination: '/opt/counter.mjs', readOnly: true },
  ],
});

export async function timed<Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly ms: number }> {
  const begin = performance.now();
  const result = await work();
  return { result, ms: performance.now() - begin };
}

export function hold(condition: boolean, what: string): void {
  if (!condition) throw new Error(`the tour expected that ${what}`);
}

/** Throws when a step does not do what it says. */
export async function walk(tour: Tour, drawing: (tour: Tour) => Promise<void>): Promise<void> {
  const first = await runStep(tour);
  await suspendStep(tour, first);
  await hibernateStep(tour);
  await terminateStep(tour);
  await eventsStep(tour);
  await drawing(tour);
}

async function ask(tour: Tour): Promise<Counter> {
  const { storage } = await tour.client.getInfo({ appInstanceId: ID });
  const deadline = performance.now() + ANSWER_MS;
  for (;;) {
    try {
      return await askCounter(`${storage}/counter.sock`, ANSWER_MS);
    } catch (error) {
      // its server takes a moment to listen
      if (performance.now() > deadline) throw error;
      await sleep(20);
    }
  }
}

async function runStep(tour: Tour): Promise<Counter> {
  const { client, say } = tour;
  const { ms } = await timed(() => client.run({ appId: APP_ID, appInstanceId: ID, app: appFor(tour) }));
  const counter = await ask(tour);
  const info = await client.getInfo({ appInstanceId: ID });
  hold(info.state === 'RUNNING', 'the app runs');
  say('run', `${APP_ID} is RUNNING: process ${info.pid ?? '?'}, user id ${info.uid}, ${memory(info)} of memory`, ms);
  await sleep(NAP_MS);
  const later = await ask(tour);
  hold(later.count > counter.count, 'the counter goes up');
  say('', `its counter goes up: ${counter.count} → ${later.count} in a second`);
  return later;
}

const memory = (info: { readonly memory: { readonly usageBytes: number } | null }): string =>
  formatSize(info.memory?.usageBytes ?? 0);

async function suspendStep(tour: Tour, before: Counter): Promise<void> {
  const { client, say } = tour;
  const suspended = await timed(() => client.suspend({ appInstanceId: ID }));
  const one = await client.getInfo({ appInstanceId: ID });
  say('suspend', `${one.state}: every process stands still, the memory stays`, suspended.ms);
  await sleep(NAP_MS);
  const other = await client.getInfo({ appInstanceId: ID });
  hold(one.cpu?.usageNs === other.cpu?.usageNs, 'a suspended app uses no CPU time');
  say('', 'a second later it has used no CPU time at all');
  const resumed = await timed(() => client.resume({ appInstanceId: ID }));
  const after = await ask(tour);
  hold(after.count - before.count < TICKS_PER_SECOND / 2, 'the counter stood still');
  say('resume', `RUNNING: the counter goes on where it stood, at ${after.count}`, resumed.ms);
}

async function hibernateStep(tour: Tour): Promise<void> {
  const { client, say } = tour;
  const before = await ask(tour);
  const hibernated = await timed(() => client.hibernate({ appInstanceId: ID }));
  const asleep = await client.getInfo({ appInstanceId: ID });
  const { image, dump } = asleep.hibernation;
  hold(
    asleep.state === 'HIBERNATED' && asleep.pid === null && image !== null,
    'a hibernated app has an image and no process',
  );
  say(
    'hibernate',
    `${asleep.state}: no process is left, ${formatSize(dump?.freedBytes ?? 0)} of memory came back`,
    hibernated.ms,
  );
  say('', `its image on disk: ${formatSize(image?.sizeBytes ?? 0)}`);
  await sleep(NAP_MS);
  const woken = await timed(() => client.wake({ appInstanceId: ID }));
  const after = await ask(tour);
  const awake = await client.getInfo({ appInstanceId: ID });
  hold(
    after.startedAt === before.startedAt && after.answers === before.answers + 1,
    'it is the same process as before',
  );
  hold(after.count - before.count < TICKS_PER_SECOND / 2, 'the counter did not run while the app was on disk');
  const slept = ((awake.hibernation.wake?.sleptMs ?? 0) / 1000).toFixed(1);
  say(
    'wake',
    `${awake.state}, process ${awake.pid ?? '?'}: after ${slept} s on disk the counter goes on at ${after.count}`,
    woken.ms,
  );
}

async function terminateStep({ client, say }: Tour): Promise<void> {
  const { ms } = await timed(() => client.terminate({ appInstanceId: ID }));
  const { state, exit } = await client.getInfo({ appInstanceId: ID });
  hold(state === 'TERMINATED' && exit?.code === 0, 'the app ended by itself with exit code 0');
  say('terminate', `${state}: it heard SIGTERM and ended with exit code ${exit?.code ?? '?'}`, ms);
}

async function eventsStep({ client, say }: Tour): Promise<void> {
  const { events } = await client.getEvents({ since: 0 });
  const ends = events.filter(({ type }) => type === 'terminated').length;
  hold(ends === 1, 'there is exactly one terminated event');
  say('events', `${events.length} written and told, ${ends} of them "terminated"`);
}
