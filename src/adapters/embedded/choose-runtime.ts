/** Which OCI runtime: the faster one of those that really start a container here. Versions and feature lists have lied before. */
import { isErrno, RuntimeError } from '../../domain/errors.ts';

export type Candidate<Choice> = { readonly name: string; readonly make: () => Choice };

type Options<Choice> = {
  readonly candidates: readonly Candidate<Choice>[];
  /** Starts and ends a container. Throws with the runtime's reason. */
  readonly tryOut: (choice: Choice) => Promise<void>;
};

export type Chosen<Choice> = { readonly name: string; readonly choice: Choice };
type Trial<Choice> = Chosen<Choice> & { readonly ms: number; readonly failure?: unknown };

/** Throws ENGINE_UNAVAILABLE with each one's reason, or NO_SPACE. */
export async function chooseRuntime<Choice>({ candidates, tryOut }: Options<Choice>): Promise<Chosen<Choice>> {
  const trials: Trial<Choice>[] = [];
  // one after the other: together they would measure each other
  for (const { name, make } of candidates) trials.push(await tryOne({ name, choice: make() }, tryOut));
  const [best] = trials.filter((trial) => trial.failure === undefined).sort((one, other) => one.ms - other.ms);
  if (best !== undefined) return best;
  const noRoom = trials.map(({ failure }) => failure).find((failure) => isErrno(failure, 'ENOSPC', 'EDQUOT'));
  if (noRoom !== undefined) {
    throw new RuntimeError('NO_SPACE', {
      what: 'no container can be tried: a disk of the daemon is full',
      next: 'make room on it, for blocks (df -h) and for files (df -i)',
      cause: noRoom,
    });
  }
  const reasons = trials.map(
    ({ name, failure }) => `${name}: ${(failure instanceof Error ? failure.message : String(failure)).trim()}`,
  );
  throw new RuntimeError('ENGINE_UNAVAILABLE', {
    what: 'no OCI runtime here can start a container',
    next: 'runtimectl doctor looks for the cause; where they are missing or broken: install runc or crun with conmon (in a clone: npm run setup), or name their directory as `tools` in the configuration',
    cause: reasons.join('; ') || 'none was found',
  });
}

async function tryOne<Choice>(one: Chosen<Choice>, tryOut: (choice: Choice) => Promise<void>): Promise<Trial<Choice>> {
  const begin = performance.now();
  const failure = await tryOut(one.choice).then(
    () => undefined,
    (error: unknown) => error ?? 'unknown',
  );
  return { ...one, ms: performance.now() - begin, ...(failure !== undefined && { failure }) };
}
