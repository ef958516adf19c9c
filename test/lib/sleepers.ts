/** What tests of hibernation do with an app: let it sleep, wake it, and catch the tools at it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AppInfo, AppInput, Client } from '../../src/client/node.ts';
import { runApp } from './apps.ts';
import { countOf, counterArgs, goesOn, type Count, type CounterKind } from './counters.ts';
import type { TestDaemon } from './daemon.ts';
import { isFrozen } from './house.ts';
import { commandLine } from './machine.ts';
import { until } from './until.ts';

export const infoOf = (client: Client, appInstanceId: string): Promise<AppInfo> => client.getInfo({ appInstanceId });

export type CountingApp = { readonly id: string; readonly count: Count };
type Wanted = { readonly kind?: CounterKind; readonly bytes?: number; readonly extra?: Partial<AppInput> };

/** An app that counts already. */
export async function runCounter(
  client: Client,
  { kind = 'small', bytes = 0, extra }: Wanted = {},
): Promise<CountingApp> {
  const id = await runApp(client, kind, counterArgs(kind, bytes), extra);
  return { id, count: await countOf(client, id) };
}

/** Awake, as it was before, and where it was: running ones go on, suspended ones stand still and go on when they are resumed. */
export async function checkAwake(
  daemon: TestDaemon,
  { id, count }: CountingApp,
  state: 'RUNNING' | 'SUSPENDED',
): Promise<Count> {
  const info = await infoOf(daemon.client, id);
  assert.equal(info.state, state);
  assert.equal(isFrozen(daemon, info.containerId), state === 'SUSPENDED', `${id} is frozen`);
  if (state === 'SUSPENDED') await daemon.client.resume({ appInstanceId: id });
  return goesOn(daemon.client, id, count);
}

/** Asleep, with its image; after a wake it goes on from where it was, whatever a life that was thrown back to its image said. */
export async function checkSleepsAndWakes(daemon: TestDaemon, { id, count }: CountingApp): Promise<Count> {
  const info = await infoOf(daemon.client, id);
  assert.equal(info.state, 'HIBERNATED');
  assert(info.hibernation.image !== null, 'it has an image');
  assert(existsSync(join(daemon.places.images, info.containerId, 'manifest.json')), 'its image is on disk');
  const said = join(info.storage, 'count');
  // of the same size: CRIU refuses a file that has another one
  writeFileSync(said, ' '.repeat(statSync(said).size));
  await daemon.client.wake({ appInstanceId: id });
  return goesOn(daemon.client, id, count);
}

const pids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function holds(pid: number, directory: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(directory);
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

export type Helper = 'criu' | 'runc checkpoint' | 'runc restore' | 'conmon' | 'page server';

/** The pids of a helper that works for this container of this daemon, and for no other. */
export function helpersOf(daemon: TestDaemon, id: string, helper: Helper): readonly number[] {
  const { run } = daemon.places;
  const bundle = `${run}/bundles/${id}`;
  const has = (pid: number, ...words: readonly string[]): boolean => {
    const args = commandLine(pid);
    return words.every((word) => args.includes(word));
  };
  const isOne: Readonly<Record<Helper, (pid: number) => boolean>> = {
    criu: (pid) => nameOf(pid) === 'criu' && !has(pid, 'lazy-pages') && holds(pid, bundle),
    'runc checkpoint': (pid) => has(pid, `${run}/runtime`, 'checkpoint', id),
    'runc restore': (pid) => has(pid, `${run}/runtime`, 'restore', id),
    conmon: (pid) => has(pid, '--cid', id, bundle),
    'page server': (pid) => has(pid, 'lazy-pages', bundle),
  };
  return pids().filter((pid) => pid !== daemon.pid && isOne[helper](pid));
}

export function killNow(found: readonly number[], signal: NodeJS.Signals = 'SIGKILL'): void {
  for (const pid of found) {
    try {
      process.kill(pid, signal);
    } catch {
      // it has ended just now
    }
  }
}

/** Kills it as soon as it is there. Gives up when `over` says so; true when one was killed. */
export async function killWhenThere(find: () => readonly number[], over: () => boolean, delayMs = 0): Promise<boolean> {
  await until(() => over() || find().length > 0, { what: 'the helper is at work', pollMs: 1 });
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  const found = find();
  killNow(found);
  return found.length > 0;
}
