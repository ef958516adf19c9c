/** Takes a real app through its life: starts it, and through cycles of hibernation that it must not notice. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AppInfo } from '../../src/client/node.ts';
import type { Live, Subject } from '../apps/subjects/subject.ts';
import { hostApp, pidOf, uniqueId } from './apps.ts';
import type { TestDaemon } from './daemon.ts';
import { processesBesides, processesOfUser } from './machine.ts';
import { appTree } from './packages.ts';
import { until } from './until.ts';

const MIB = 2 ** 20;
/** A loaded machine, and a gigabyte to fill. */
const READY_MS = 90_000;
const CALL_MS = 120_000;

/** Runs it, and waits until it is filled. */
export async function startSubject(daemon: TestDaemon, subject: Subject): Promise<Live> {
  await appTree();
  const { client } = daemon;
  // containers' own root is nobody out here and must be able to enter
  await chmod(daemon.directory, 0o711);
  const directory = join(daemon.directory, subject.name);
  await mkdir(directory, { mode: 0o755 });
  const app = await subject.app({ directory, firstUid: daemon.firstUid });
  const id = uniqueId(subject.name);
  await client.run({ ...hostApp(id, app.args ?? [], app) });
  const { storage } = await client.getInfo({ appInstanceId: id });
  const live = { client, id, storage, pid: () => pidOf(client, id) };
  await until(() => subject.fill(live).then(() => true), { what: `${id} is ready`, timeoutMs: READY_MS, pollMs: 50 });
  return live;
}

/** Its processes, as they know themselves: number and name inside, in order. Helpers of a moment (`sleep`, `stty`) are left out. */
export function innerProcesses(pid: number): readonly string[] {
  return processesBesides(pid)
    .flatMap((one) => {
      try {
        const status = readFileSync(`/proc/${one}/status`, 'utf8');
        const inner = /^NSpid:.*\t(\d+)$/m.exec(status)?.[1] ?? '?';
        const threads = /^Threads:\t(\d+)$/m.exec(status)?.[1] ?? '?';
        const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? '?';
        return [{ inner: Number(inner), text: `${inner} ${name} ${threads}` }];
      } catch {
        return []; // it ended while we looked
      }
    })
    .toSorted((one, other) => one.inner - other.inner)
    .map(({ text }) => text);
}

/** What was measured in one hibernation and the wake from it. */
export type Cycle = { readonly asleep: AppInfo; readonly awake: AppInfo };

/** Hibernates and wakes it once; whatever it can see of itself must be the same. */
export async function cycle(live: Live, subject: Subject, round: number): Promise<Cycle> {
  const { client, id } = live;
  const before = await subject.state(live);
  const { uid } = await client.getInfo({ appInstanceId: id });
  await client.hibernate({ appInstanceId: id }, { timeoutMs: CALL_MS });
  const asleep = await client.getInfo({ appInstanceId: id });
  assert.equal(asleep.state, 'HIBERNATED');
  assert.deepEqual(processesOfUser(uid), [], 'no process is left');
  checkImage(asleep, subject);
  await client.wake({ appInstanceId: id }, { timeoutMs: CALL_MS });
  const after = await subject.state(live);
  assert.deepEqual(after, before);
  await subject.work(live, round);
  const awake = await client.getInfo({ appInstanceId: id });
  assert.equal(awake.state, 'RUNNING');
  assert.equal(awake.uid, uid);
  return { asleep, awake };
}

/** Its own memory is in the image, and not much more than the container held. */
function checkImage({ hibernation: { image, dump } }: AppInfo, { ownMiB }: Subject): void {
  assert(image !== null && dump !== null);
  const mib = image.rawBytes / MIB;
  assert(mib >= ownMiB, `an image of ${mib} MiB for an app with ${ownMiB}`);
  const most = (dump.freedBytes / MIB) * 1.25 + 16;
  assert(mib <= most, `an image of ${mib} MiB of a container that held ${dump.freedBytes / MIB}`);
}

/** For messages of failures. */
export async function criuLog(live: Live): Promise<string> {
  const { hibernation } = await live.client.getInfo({ appInstanceId: live.id });
  return hibernation.failureLog === null ? '' : readFile(hibernation.failureLog, 'utf8');
}
