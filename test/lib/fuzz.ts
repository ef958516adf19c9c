/** A siege of a real daemon, with a witness that must not notice any of it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { randomNumbers } from './random-numbers.ts';
import type { TestDaemon } from './daemon.ts';
import { ATTACKS, drops, type Siege } from './fuzz-attacks.ts';
import { until } from './until.ts';

export type Fuzz = {
  readonly daemon: TestDaemon;
  /** TCP port of the daemon on 127.0.0.1. */
  readonly port: number;
  /** Of an app that runs and must go on running. */
  readonly appInstanceId: string;
  readonly seed: number;
  readonly ms: number;
  readonly tell: (line: string) => void;
};

const WITNESS = fileURLToPath(new URL('fuzz-witness.ts', import.meta.url));
const AT_ONCE = 4;
/** Of each half, after which memory is looked at. */
const SLICES = 5;
const MIB = 2 ** 20;
/** In which a slow one is closed: its time, and that of the walk that looks for them. */
const SLOW_MS = 20_000;
const CLOSED_MS = 60_000;
/** What the allocator and V8 may keep for later. */
const MEMORY_SLACK_BYTES = 48 * MIB;

export const residentBytes = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

type Tally = { readonly calls: number; readonly worstMs: number };

/** Calls without a pause until it is told to stop: how often, and the longest wait for an answer. Rejects when a call failed. */
function startWitness(daemon: TestDaemon, appInstanceId: string): { readonly end: () => Promise<Tally> } {
  const child = spawn(process.execPath, [WITNESS, daemon.places.socket, appInstanceId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = text(child.stdout);
  return {
    end: async () => {
      child.kill('SIGTERM');
      return JSON.parse(await said) as Tally;
    },
  };
}

/** Throws what an attack or the witness found out. */
export async function runFuzz({ daemon, port, appInstanceId, seed, ms, tell }: Fuzz): Promise<void> {
  const random = randomNumbers(seed);
  const roads = [{ path: daemon.places.socket }, { host: '127.0.0.1', port }];
  const slowUntil = performance.now() + ms - SLOW_MS;
  const siege: Siege = { random, slow: new Set(), slowUntil, road: () => roads[random(roads.length)] ?? { port } };
  const pid = daemon.pid;
  const witness = startWitness(daemon, appInstanceId);
  const counts = new Map<string, number>();
  const names = Object.keys(ATTACKS);
  const attackUntil = async (deadline: number): Promise<void> => {
    while (performance.now() < deadline) {
      const name = names[random(names.length)] ?? 'frames';
      await ATTACKS[name]?.(siege);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  };
  const sizes: string[] = [];
  const siegeFor = async (time: number): Promise<void> => {
    for (let slice = 0; slice < SLICES; slice += 1) {
      const deadline = performance.now() + time / SLICES;
      await Promise.all(Array.from({ length: AT_ONCE }, () => attackUntil(deadline)));
      sizes.push((residentBytes(pid) / MIB).toFixed(0));
    }
  };
  try {
    // every kind once, and the daemon has the size that it has at work
    for (const attack of Object.values(ATTACKS)) await attack(siege);
    await siegeFor(ms / 2);
    const before = residentBytes(pid);
    for (let wave = 0; wave < 50; wave += 1) await drops(siege, 200);
    await siegeFor(ms / 2);
    const { calls, worstMs } = await witness.end();
    await until(() => siege.slow.size === 0, { what: 'the slow ones are closed', timeoutMs: CLOSED_MS });
    await until(() => residentBytes(pid) < before + MEMORY_SLACK_BYTES, {
      what: `the memory of the daemon is flat (${(before / MIB).toFixed(0)} MB before, ${(residentBytes(pid) / MIB).toFixed(0)} MB after)`,
    });
    for (const [name, count] of [...counts].sort()) tell(`${String(count).padStart(6)} ${name}`);
    tell(`the witness called ${calls} times and waited ${worstMs.toFixed(0)} ms at most`);
    tell(`memory over time, in MB: ${sizes.join(' ')}; in the end ${(residentBytes(pid) / MIB).toFixed(0)}`);
  } finally {
    await witness.end().catch(() => undefined);
    for (const peer of siege.slow) peer[Symbol.dispose]();
  }
  assert.equal(daemon.pid, pid);
  const faults = daemon
    .log()
    .split('\n')
    .filter((line) => /"level":(50|60)/.test(line));
  assert.deepEqual(faults, [], 'the daemon found a fault of its own');
}
