/** Which OCI runtime: the first that really starts a container here. Versions and feature lists have lied before. */
import { RuntimeError } from '../../domain/errors.ts';
import { SET_UP } from '../../domain/set-up.ts';

export type Candidate<Choice> = { readonly name: string; readonly make: () => Choice };

type Options<Choice> = {
  /** The one that can do most first. */
  readonly candidates: readonly Candidate<Choice>[];
  /** Starts and ends a container. Throws with the runtime's reason. */
  readonly tryOut: (choice: Choice) => Promise<void>;
};

export type Chosen<Choice> = { readonly name: string; readonly choice: Choice };

/** Throws ENGINE_UNAVAILABLE with each one's reason, or NO_SPACE. */
export async function chooseRuntime<Choice>({ candidates, tryOut }: Options<Choice>): Promise<Chosen<Choice>> {
  const reasons: string[] = [];
  for (const { name, make } of candidates) {
    const choice = make();
    try {
      await tryOut(choice);
      return { name, choice };
    } catch (error) {
      if (RuntimeError.of(error).code === 'NO_SPACE') throw noRoom(error);
      reasons.push(`${name}: ${(error instanceof Error ? error.message : String(error)).trim()}`);
    }
  }
  throw new RuntimeError('ENGINE_UNAVAILABLE', {
    what: 'no OCI runtime here can start a container',
    next: `runtimectl doctor looks for the cause; where they are missing or broken: install runc or crun with conmon (${SET_UP}), or name their directory as \`tools\` in the configuration`,
    cause: reasons.join('; ') || 'none was found',
  });
}

const noRoom = (cause: unknown): RuntimeError =>
  new RuntimeError('NO_SPACE', {
    what: 'no container can be tried: a disk of the daemon is full',
    next: 'make room on it, for blocks (df -h) and for files (df -i)',
    cause,
  });
