/** Dobby by raw calls over D-Bus: it starts the bundle that our daemon makes of the app for it. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { dobbyBundle } from '../../src/adapters/dobby/bundle.ts';
import { BUS, connectBus, processOf, type Bus } from '../../src/adapters/dobby/bus.ts';
import { STATES, type DobbyState } from '../../src/adapters/dobby/calls.ts';
import { CONTROL } from '../../src/adapters/dobby/link.ts';
import { startDaemon, type Daemon } from '../lib/daemon.ts';
import { isOfDead } from './docker.ts';
import { ARGS, type Kind, type Peer, type Place } from './peer.ts';

const NAME = 'org.rdk.dobby';
const OBJECT = '/org/rdk/dobby';
const MODEL = 'model';
const CONNECT_MS = 5000;
const LOG_BYTES = 2 ** 20;
/** Dobby's specs and bundles know none above 65535. */
const IDS = { first: 30_001, last: 31_000 };

type Ask = (member: string, signature?: string, body?: readonly unknown[]) => Promise<readonly unknown[]>;

async function connectDobby(address: string): Promise<{ readonly bus: Bus; readonly ask: Ask; readonly pid: number }> {
  const bus = await connectBus(address, CONNECT_MS);
  try {
    const [owner] = await bus.call({ ...BUS, member: 'GetNameOwner', signature: 's', body: [NAME] });
    const destination = String(owner);
    const match = `type='signal',sender='${NAME}',interface='${CONTROL}'`;
    await bus.call({ ...BUS, member: 'AddMatch', signature: 's', body: [match] });
    const ask: Ask = (member, signature = '', body = []) =>
      bus.call({ destination, path: OBJECT, interface: CONTROL, member, signature, body });
    return { bus, ask, pid: await processOf(bus, destination) };
  } catch (error) {
    bus.close();
    throw error;
  }
}

/** In a device's own words; its directories are the copies' too, so it stays, and stands still. */
async function startModel(rootfs: string, bus: string): Promise<Daemon> {
  const daemon = await startDaemon({
    apart: true,
    config: { engine: 'dobby', dobby: { bus, start: 'bundle' }, userIds: IDS },
  });
  try {
    await daemon.client.run({ appId: MODEL, appInstanceId: MODEL, app: { rootfs: { dir: rootfs }, args: [...ARGS] } });
    await daemon.client.suspend({ appInstanceId: MODEL });
    return daemon;
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
}

/** Dobby tells of each end by a number. */
function follow(bus: Bus) {
  const waiting = new Map<number, () => void>();
  bus.listen(({ member, body: [descriptor] }) => {
    if (member === 'Stopped') waiting.get(Number(descriptor))?.();
  });
  return (descriptor: number) => new Promise<void>((resolve) => waiting.set(descriptor, resolve));
}

async function removeOld(ask: Ask): Promise<void> {
  const [descriptors, ids] = (await ask('List')) as [readonly number[], readonly string[]];
  for (const [i, id] of ids.entries()) {
    if (isOfDead(/^bench-(\d+)-/.exec(id)?.[1])) await ask('Stop', 'ib', [descriptors[i], true]);
  }
}

async function open({ rootfs, dobby = '' }: Place): Promise<Peer> {
  const { bus, ask, pid: server } = await connectDobby(dobby);
  await removeOld(ask);
  const ended = follow(bus);
  const daemon = await startModel(rootfs, dobby);
  const made = JSON.parse(await readFile(`${daemon.root}/run/bundles/${MODEL}/ordered.json`, 'utf8')) as object;
  const known = new Map<string, number>();
  const numberOf = (id: string): number => known.get(id) ?? -1;
  const bundle = (id: string): string => `${daemon.root}/dobby/${id}`;
  const must = async (member: string, id: string, ...more: readonly (readonly [string, unknown])[]): Promise<void> => {
    const signature = `i${more.map(([kind]) => kind).join('')}`;
    const [done] = await ask(member, signature, [numberOf(id), ...more.map(([, value]) => value)]);
    if (done !== true) throw new Error(`Dobby refused ${member}`);
  };
  const until = async (id: string, wanted: DobbyState, meanwhile: DobbyState): Promise<void> => {
    for (;;) {
      const [state] = await ask('GetState', 'i', [numberOf(id)]);
      const name = STATES[Number(state)];
      if (name === wanted) return;
      if (name !== meanwhile) throw new Error(`it is ${name ?? 'gone'}`);
      await sleep(2);
    }
  };
  const stop = async (id: string, force: boolean): Promise<void> => {
    const end = ended(numberOf(id));
    await must('Stop', id, ['b', force]);
    await end;
    await rm(bundle(id), { recursive: true, force: true });
  };
  return {
    start: async (id) => {
      await mkdir(bundle(id), { recursive: true });
      const wishes = { network: 'none' as const, ports: [] };
      const log = { logFile: `${bundle(id)}/log`, logMaxBytes: LOG_BYTES };
      const told = dobbyBundle(made, { id, hasInit: false, ...log, wishes, liveMounts: false });
      await writeFile(`${bundle(id)}/config.json`, JSON.stringify(told));
      const [descriptor] = await ask('StartFromBundle', 'ssah', [id, bundle(id), []]);
      if (Number(descriptor) < 0) throw new Error('Dobby did not start it');
      known.set(id, Number(descriptor));
    },
    suspend: (id) => must('Pause', id),
    resume: (id) => must('Resume', id),
    hibernate: async (id) => {
      await must('Hibernate', id, ['s', '']);
      await until(id, 'hibernated', 'hibernating');
    },
    wake: async (id) => {
      await must('Wakeup', id);
      await until(id, 'running', 'awakening');
    },
    terminate: (id) => stop(id, false),
    pid: async (id) => {
      const [text] = await ask('GetInfo', 'i', [numberOf(id)]);
      return (JSON.parse(String(text)) as { pids: readonly number[] }).pids[0] ?? 0;
    },
    told: (id) => ended(numberOf(id)),
    remove: async (id) => {
      const [state] = await ask('GetState', 'i', [numberOf(id)]);
      if (['running', 'paused', 'hibernated'].includes(STATES[Number(state)] ?? '')) await stop(id, true);
      await rm(bundle(id), { recursive: true, force: true });
    },
    outside: () => Promise.resolve([server]),
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]();
      bus.close();
    },
  };
}

export const DOBBY: Kind = {
  name: 'Dobby',
  what: "a device's DobbyDaemon by raw calls over D-Bus; its own process alone is counted as memory; it hibernates in place (memcr)",
  absent: async ({ dobby }) => {
    if (dobby === undefined) return 'no bus address given (--dobby); it runs on RDK devices';
    return connectDobby(dobby).then(
      ({ bus }) => {
        bus.close();
        return undefined;
      },
      (error: unknown) => `nobody answers as ${NAME} there (${error instanceof Error ? error.message : String(error)})`,
    );
  },
  open,
};
