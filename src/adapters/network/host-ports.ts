/**
 * Ports of this machine's own loopback that an app reaches at its own 127.0.0.1 (decision 0190). A small process of each app's
 * outlives the daemon, ends with the app's first process, and is made again at a wake, with the app's new network namespace.
 */
import { RuntimeError } from '../../domain/errors.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import { confined } from '../process/confine.ts';
import type { RunTool } from '../process/run-tool.ts';
import { FORWARD, OPEN } from './host-ports-scripts.ts';
import type { Hook } from './loopback.ts';

const TIMEOUT_S = 20;
/** Connections of one app at the same time, new ones in a second, and bytes that wait in each direction. */
const MOST_CONNECTIONS = 64;
const MOST_NEW_A_SECOND = 100;
const BUFFER_BYTES = 65_536;

/** setns. Source: asm/unistd_64.h, asm-generic/unistd.h */
const SETNS: Readonly<Record<string, number>> = { x64: 308, arm64: 268 };

/** The kernel's nobody: it opens no file, and nothing on the machine is its own. */
const NOBODY = 65_534;

function argumentsFor(ports: readonly number[], pid = ''): readonly string[] {
  const setns = SETNS[process.arch];
  if (setns === undefined) {
    throw new RuntimeError('NOT_SUPPORTED', {
      what: `hostPorts: no port of the machine can be led to an app on ${process.arch}`,
      next: 'leave hostPorts (RDK: ports) out, or use a machine with x86-64 or ARM64',
      details: { member: 'hostPorts' },
    });
  }
  const bounds = [MOST_CONNECTIONS, MOST_NEW_A_SECOND, BUFFER_BYTES].map(String);
  const forwarder = confined(['perl', '-e', FORWARD, ...bounds], {
    ...{ user: { uid: NOBODY, gid: NOBODY }, network: true, reads: [], writes: [] },
    // of the app's, not of the daemon's
    endsWithDaemon: false,
  });
  return ['-e', OPEN, String(setns), pid, ports.join(','), '--', ...forwarder];
}

/** For `createRuntime`: the ports are open before the app begins, or goes on. Throws NOT_SUPPORTED. */
export const hostPortsHook = (ports: readonly number[], searchPath: string): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', 'exec perl "$@"', 'host-ports', ...argumentsFor(ports)],
  env: [`PATH=${searchPath}`],
  timeout: TIMEOUT_S,
});

/** The same for a container that runs; repeatable. */
export const openHostPorts =
  (runTool: RunTool) =>
  async (ports: readonly number[], { pid }: ProcessId, wait: Wait): Promise<void> => {
    await runTool(['perl', ...argumentsFor(ports, String(pid))], wait);
  };
