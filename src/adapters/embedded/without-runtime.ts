/** The engine of a machine whose OCI runtime starts nothing: what runs is found, watched, frozen and ended all the same. */
import type { RuntimeError } from '../../domain/errors.ts';
import type { Engine } from '../../ports/engine.ts';

const DOCTOR = 'runtimectl doctor looks for the cause';

/** `fault`: why none works; every operation that needs the runtime answers it. */
export function withoutRuntime(engine: Engine, fault: RuntimeError): Engine {
  const refuse = (): Promise<never> => Promise.reject(fault);
  return {
    ...engine,
    ...{ start: refuse, checkpoint: refuse, restore: refuse, exec: refuse },
    hibernates: () => Promise.resolve({ possible: false, why: fault.message, next: fault.next ?? DOCTOR }),
    report: () =>
      Promise.resolve({
        ...{ engine: engine.name, runtime: engine.runtimeName, at: null, answers: false },
        ...{ why: fault.message, next: fault.next ?? null, lacks: [], cannot: [] },
        can: ['suspend, resume, terminate and kill the apps that run'],
      }),
  };
}
