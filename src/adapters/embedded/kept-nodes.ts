/** A runtime that takes device nodes of the machine breaks it for everybody: what it took is given back, and its container refused. */
import { RuntimeError } from '../../domain/errors.ts';
import type { Monitor } from '../../ports/monitor.ts';
import { giveBackNodes, lookAtNodes } from '../files/device-nodes.ts';

/** `create` throws ENGINE_UNAVAILABLE then; the caller ends the container like any other that was not started. */
export const keepingNodes = (monitor: Monitor, runtimeName: string): Monitor => ({
  ...monitor,
  create: async (order, wait) => {
    const before = lookAtNodes();
    let taken: readonly string[];
    try {
      const live = await monitor.create(order, wait);
      taken = giveBackNodes(before);
      if (taken.length === 0) return live;
    } catch (error) {
      taken = giveBackNodes(before);
      if (taken.length === 0) throw error;
    }
    throw new RuntimeError('ENGINE_UNAVAILABLE', {
      what: `${runtimeName} took device nodes of this machine for a container: ${taken.join(', ')}`,
      next: 'they are as before; use another OCI runtime (`runtime` in the configuration), or a newer version of this one',
      cause: 'with them no program of this machine could work any more',
    });
  },
});
