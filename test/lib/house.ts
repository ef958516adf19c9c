/** What may be on the machine because of a daemon and its apps, and nothing else: after any fault the house is in order. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { AppInfo } from '../../src/client/node.ts';
import type { TestDaemon } from './daemon.ts';
import { commandLine, groupFile, groupsBelow, mountsUnder, processesWith } from './machine.ts';
import { until } from './until.ts';

const UFFD = '/proc/sys/vm/unprivileged_userfaultfd';

/** Whether a wake has left the setting open. Who holds it open for a moment, in any daemon, is a guard that names it. */
const leftOpen = (): boolean =>
  existsSync(UFFD) && readFileSync(UFFD, 'utf8').trim() === '1' && processesWith(`${UFFD} 1 0`).length === 0;

export const isFrozen = (daemon: TestDaemon, containerId: string): boolean => {
  const v1 = groupFile(daemon.group(containerId), 'freezer.state');
  return v1 === undefined ? groupFile(daemon.group(containerId), 'cgroup.freeze') === '1' : v1 === 'FROZEN';
};

/** An interface that is up has its addresses in the routing table. */
export const loopbackIsUp = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/net/fib_trie`, 'utf8').includes('127.0.0.1');

const namesIn = (directory: string): readonly string[] => (existsSync(directory) ? readdirSync(directory).sort() : []);

/** What is there, as lists that can be compared. */
function contents(daemon: TestDaemon) {
  const { run, state, images } = daemon.places;
  const open = `/run/runtime-manager-${daemon.tag}`;
  const tools = processesWith(daemon.root)
    .filter((pid) => pid !== daemon.pid)
    .map((pid) => toolOf(commandLine(pid)))
    .filter((tool) => tool !== undefined);
  return {
    tools: tools.sort(),
    mounts: [daemon.directory, open].flatMap((place) => [...mountsUnder(place)]),
    groups: [...new Set(groupsBelow(daemon.group()).map((path) => basename(path).replace(/^app-/, '')))].sort(),
    bundles: namesIn(`${run}/bundles`),
    runtime: namesIn(`${run}/runtime`).filter((name) => !name.startsWith('.')),
    persist: namesIn(`${run}/persist`),
    doors: [...namesIn(`${run}/doors`), ...namesIn(`${open}/doors`)],
    images: namesIn(images),
    inside: namesIn(`${state}/inside`).filter((name) => !name.startsWith('.')),
  };
}

/** `conmon of a-1`; undefined for what works on images in the background. */
function toolOf(args: readonly string[]): string | undefined {
  const name = basename(args[0] ?? '');
  if (['setpriv', 'nice', 'ionice', 'sync', 'sha256sum', 'zstd'].includes(name)) return undefined;
  if (name === 'conmon') return `conmon of ${args[args.indexOf('--cid') + 1] ?? '?'}`;
  return args.join(' ');
}

function expected(infos: readonly AppInfo[]): ReturnType<typeof contents> {
  const idsOf = (those: readonly AppInfo[]): string[] => those.map(({ containerId }) => containerId).sort();
  const alive = infos.filter(({ state }) => state !== 'TERMINATED');
  const awake = idsOf(alive.filter(({ pid }) => pid !== null));
  return {
    tools: awake.map((id) => `conmon of ${id}`).sort(),
    mounts: [],
    groups: awake,
    bundles: awake,
    runtime: awake,
    persist: awake,
    doors: [],
    images: idsOf(alive.filter(({ state }) => state === 'HIBERNATED')),
    inside: idsOf(alive),
  };
}

const LIMIT_MS = 20_000;

/** Waits until all that was under way in the background has ended, and then there is what belongs to the apps, and nothing else. */
export async function checkHouse(daemon: TestDaemon): Promise<void> {
  const { client } = daemon;
  const look = async () => {
    const known = await client.list({ all: true });
    const infos = await Promise.all(known.map(({ appInstanceId }) => client.getInfo({ appInstanceId })));
    return { now: contents(daemon), wanted: expected(infos) };
  };
  let last = await look();
  await until(
    async () => {
      last = await look();
      return JSON.stringify(last.now) === JSON.stringify(last.wanted) && !leftOpen();
    },
    { what: 'the house is in order', timeoutMs: LIMIT_MS, pollMs: 30 },
  ).catch(() => {
    assert.deepEqual(last.now, last.wanted);
    assert(!leftOpen(), 'vm.unprivileged_userfaultfd is as before');
  });
}
