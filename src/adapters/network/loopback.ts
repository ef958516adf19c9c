/** The loopback interface of a network namespace (network_namespaces(7)). */
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import type { RunTool } from '../process/run-tool.ts';

/** Brings it up in the namespace of this process; its addresses come by themselves. */
export const raiseLoopback =
  (runTool: RunTool) =>
  async ({ pid }: ProcessId, wait: Wait): Promise<void> => {
    await runTool(['nsenter', '--target', String(pid), '--net', 'ip', 'link', 'set', 'lo', 'up'], wait);
  };
