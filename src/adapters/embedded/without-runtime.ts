/** The engine of a machine whose OCI runtime starts nothing: what runs is found, watched, frozen and ended all the same. */
import type { RuntimeError } from '../../domain/errors.ts';
import type { Engine } from '../../ports/engine.ts';

/** `fault`: why none works; every operation that needs the runtime answers it. */
export function withoutRuntime(engine: Engine, fault: RuntimeError): Engine {
  const refuse = (): Promise<never> => Promise.reject(fault);
  return {
    ...engine,
    ...{ start: refuse, checkpoint: refuse, restore: refuse, exec: refuse },
    report: async (wait) => ({
      ...(await engine.report(wait)),
      answers: false,
      why: fault.message,
      next: fault.next ?? null,
      can: ['suspend, resume, terminate and kill the apps that run'],
    }),
  };
}
