/** What is done with the network namespace that the runtime has made for a container: before the app is in it, if that can be. */
import type { Wiring } from '../../ports/networks.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import type { RunTool } from '../process/run-tool.ts';
import { attach, attachHook } from './attach.ts';
import { hostPortsHook, openHostPorts } from './host-ports.ts';
import { loopbackHook, raiseLoopback, type Hook } from './loopback.ts';

type Options = {
  readonly searchPath: string;
  /** Whether the runtime runs hooks at a restore, too. */
  readonly hooksAtRestore: boolean;
};

export function wiring(runTool: RunTool, { searchPath, hooksAtRestore }: Options) {
  const joining = (join: Wiring['join'], occasion: 'start' | 'restore'): readonly Hook[] => {
    if (join === 'host') return [];
    if (join !== 'loopback') return [attachHook(join, searchPath)];
    // at a start the runtime raises it by itself
    return occasion === 'restore' ? [loopbackHook(searchPath)] : [];
  };
  return {
    hooks: ({ join, hostPorts }: Wiring, occasion: 'start' | 'restore'): object | undefined => {
      if (occasion === 'restore' && !hooksAtRestore) return undefined;
      const reach = reaches({ join, hostPorts }) ? [hostPortsHook(hostPorts, searchPath)] : [];
      const hooks = [...joining(join, occasion), ...reach];
      return hooks.length === 0 ? undefined : { createRuntime: hooks };
    },
    wire: async (init: ProcessId, { join, hostPorts }: Wiring, wait: Wait): Promise<void> => {
      if (join === 'loopback') await raiseLoopback(runTool)(init, wait);
      else if (join !== 'host') await attach(runTool)(join, init, wait);
      if (reaches({ join, hostPorts })) await openHostPorts(runTool)(hostPorts, init, wait);
    },
  };
}

/** In the machine's own network they are there. */
const reaches = ({ join, hostPorts }: Wiring): boolean => join !== 'host' && hostPorts.length > 0;
