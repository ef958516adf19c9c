/** Builds the engine that drives a running Dobby over D-Bus. A bundle chunk of its own: the embedded engine pays nothing for it. */
import { readFileSync } from 'node:fs';
import { connectBus } from '../adapters/dobby/bus.ts';
import { dobbyCalls } from '../adapters/dobby/calls.ts';
import { Link } from '../adapters/dobby/link.ts';
import { wordIn } from '../adapters/dobby/signals.ts';
import { BUS_TRAITS } from '../adapters/dobby/ways.ts';
import { systemClock } from '../adapters/process/clock.ts';
import { linuxProcesses } from '../adapters/process/processes.ts';
import { joinDobby, type DobbyOptions, type DobbyParts } from './dobby-engine.ts';

const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket';
const CONNECT_MS = 5000;
const READY_MS = 5000;

export function buildDobby(options: DobbyOptions): Promise<DobbyParts> {
  const { config, bus, env, log } = options;
  const { service, object, callTimeoutMs, settleMs } = config.dobby;
  const address = bus ?? config.dobby.bus ?? (env['DBUS_SYSTEM_BUS_ADDRESS'] || SYSTEM_BUS);
  const connect = () => connectBus(address, CONNECT_MS);
  return joinDobby(options, (containers) => {
    const link = new Link(
      {
        ...{ connect, address, service, object, callTimeoutMs, settleMs, log, ageOf },
        readyMs: READY_MS,
        clock: systemClock,
      },
      {
        heard: (signal) => {
          const word = wordIn(signal);
          if (word !== undefined) containers.hear(word);
        },
        lost: (life) => {
          log.warn({ life }, 'Dobby has ended, and all of its containers with it');
          containers.lose(life);
        },
        serves: (life) => {
          log.info({ life }, 'Dobby serves');
          containers.tellAll();
        },
      },
    );
    return { traits: BUS_TRAITS, way: link, calls: dobbyCalls(link), close: () => link.close() };
  });
}

/** Clock ticks a second, of the times in /proc (proc(5)): 100 on every architecture that Linux shows to programs. */
const TICKS = 100;

/** The kernel's clock since boot and a process's start are on the same scale. */
function ageOf(pid: number): number | undefined {
  const found = linuxProcesses.identify(pid);
  if (found === undefined) return undefined;
  const upSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return Math.max(0, (upSeconds - Number(found.startTime) / TICKS) * 1000);
}
