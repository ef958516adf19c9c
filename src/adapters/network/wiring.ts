/** What is done with the network namespace that the runtime has made for a container: before the app is in it, if that can be. */
import type { Wiring } from '../../ports/networks.ts';
import type { ProcessId } from '../../ports/processes.ts';
import type { Wait } from '../../ports/wait.ts';
import type { RunTool } from '../process/run-tool.ts';
import { attach, attachHook } from './attach.ts';
import { loopbackHook, raiseLoopback, type Hook } from './loopback.ts';

type Options = {
  readonly searchPath: string;
  /** Whether the runtime runs hooks at a restore, too. */
  readonly hooksAtRestore: boolean;
};

export function wiring(runTool: RunTool, { searchPath, hooksAtRestore }: Options) {
  const hookFor = (wanted: Wiring, occasion: 'start' | 'restore'): Hook | undefined => {
    if (wanted === 'host') return undefined;
    if (wanted !== 'loopback') return attachHook(wanted, searchPath);
    // at a start the runtime raises it by itself
    return occasion === 'restore' ? loopbackHook(searchPath) : undefined;
  };
  return {
    hooks: (wanted: Wiring, occasion: 'start' | 'restore'): object | undefined => {
      const hook = occasion === 'restore' && !hooksAtRestore ? undefined : hookFor(wanted, occasion);
      return hook === undefined ? undefined : { createRuntime: [hook] };
    },
    wire: async (init: ProcessId, wanted: Wiring, wait: Wait): Promise<void> => {
      if (wanted === 'loopback') await raiseLoopback(runTool)(init, wait);
      else if (wanted !== 'host') await attach(runTool)(wanted, init, wait);
    },
  };
}
