/**
 * The loopback interface of a woken app. The runtime makes its network namespace anew, with loopback down, and an app that
 * connects to itself then fails (ENETUNREACH); a connection to itself that is to go on cannot even be restored.
 */
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import type { RunTool } from '../process/run-tool.ts';

/** OCI runtime specification, config.md "POSIX-platform Hooks". */
export type Hook = {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** In seconds. */
  readonly timeout: number;
};

const TIMEOUT_S = 20;

/** What a hook reads from stdin is JSON with the pid on the host of the first process. The text is fixed: nothing is put into it. */
const RAISE = `read -r state
pid=\${state#*'"pid":'}
exec nsenter --target "\${pid%%[!0-9]*}" --net ip link set lo up`;

/** For `createRuntime`: runc runs that at a restore too, when the namespaces are there and the app is not. */
export const loopbackHook = (searchPath: string): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', RAISE],
  env: [`PATH=${searchPath}`],
  timeout: TIMEOUT_S,
});

/** Brings it up in the namespace of this process, for a runtime that runs no hooks at a restore; its addresses come by themselves. */
export const raiseLoopback =
  (runTool: RunTool) =>
  async ({ pid }: ProcessId, wait: Wait): Promise<void> => {
    await runTool(['nsenter', '--target', String(pid), '--net', 'ip', 'link', 'set', 'lo', 'up'], wait);
  };
