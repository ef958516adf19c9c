/** Which OCI runtime: the first that really starts a container here. Versions and feature lists have lied before. */
import { RuntimeError } from '../../domain/errors.ts';

export type Candidate<Choice> = { readonly name: string; readonly make: () => Choice };

type Options<Choice> = {
  /** The one that can do most first. */
  readonly candidates: readonly Candidate<Choice>[];
  /** Starts and ends a container. Throws with the runtime's reason. */
  readonly tryOut: (choice: Choice) => Promise<void>;
};

export type Chosen<Choice> = { readonly name: string; readonly choice: Choice };

/** Throws ENGINE_UNAVAILABLE with each one's reason. */
export async function chooseRuntime<Choice>({ candidates, tryOut }: Options<Choice>): Promise<Chosen<Choice>> {
  const reasons: string[] = [];
  for (const { name, make } of candidates) {
    const choice = make();
    try {
      await tryOut(choice);
      return { name, choice };
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new RuntimeError('ENGINE_UNAVAILABLE', {
    what: 'no OCI runtime here can start a container',
    next: 'install runc or crun with conmon (in a clone: npm run setup), or name their directory as `tools` in the configuration',
    cause: reasons.join('; ') || 'none was found',
  });
}
