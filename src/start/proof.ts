/** Whether apps can be hibernated here, from a real dump and restore with the tools at hand: known once for these tools and this boot. */
import * as z from 'zod';
import { RuntimeError } from '../domain/errors.ts';
import type { Proof } from '../domain/hibernation.ts';

export type ProofOptions = {
  /** Changes with a tool, the kernel and the boot. */
  readonly key: string;
  /** What an earlier daemon has found out. */
  readonly remembered: string | undefined;
  readonly remember: (text: string) => Promise<unknown>;
  /** Throws with the reason. */
  readonly tryOut: (signal: AbortSignal) => Promise<void>;
};

export type Prover = {
  /** Tries it at the first call. */
  readonly hibernates: () => Promise<Proof>;
  /** Stops what is being tried, and waits until its container is gone. */
  readonly close: () => Promise<void>;
};

/** The same, where no trial may be needed. */
export type ChangingProver = Omit<Prover, 'hibernates'> & { readonly hibernates: () => Promise<Proof | undefined> };

const noted = z.object({
  key: z.string(),
  proof: z.discriminatedUnion('possible', [
    z.object({ possible: z.literal(true) }),
    z.object({ possible: z.literal(false), why: z.string(), next: z.string() }),
  ]),
});

/** Say nothing of the tools: another question is another trial. */
const PASSING: ReadonlySet<string> = new Set([
  ...['TIMED_OUT', 'ABORTED', 'NO_SPACE', 'OUT_OF_RESOURCES', 'ENGINE_UNAVAILABLE'],
]);
const NEXT = 'runtimectl doctor looks for the cause';
const AGAIN = 'ask again: it is tried once more; runtimectl doctor looks for the cause';

export function proving({ key, remembered, remember, tryOut }: ProofOptions): Prover {
  const stop = new AbortController();
  let known: Promise<Proof> | undefined;
  const old = readNoted(remembered);
  if (old?.key === key) known = Promise.resolve(old.proof);
  const prove = async (): Promise<Proof> => {
    const proof = await attempt(() => tryOut(stop.signal));
    if (proof.possible === null) known = undefined;
    // what cannot be written down is tried once more by the next daemon
    else await remember(JSON.stringify({ key, proof })).catch(() => undefined);
    return proof;
  };
  return {
    hibernates: () => (known ??= prove()),
    close: async () => {
      stop.abort(new RuntimeError('ABORTED', { what: 'the daemon ends' }));
      await known;
    },
  };
}

export type ChangingOptions = Omit<ProofOptions, 'key'> & {
  /** Of this moment; undefined where it is known without a trial that nothing can be hibernated. Throws when that cannot be known. */
  readonly keyNow: () => Promise<string | undefined>;
};

/** For tools that may be replaced while the daemon runs: a trial for each set of them. */
export function provingAnew({ keyNow, ...options }: ChangingOptions): ChangingProver {
  let current: { readonly key: string; readonly prover: Prover } | undefined;
  let isClosed = false;
  return {
    hibernates: async () => {
      try {
        const key = await keyNow();
        if (key === undefined || isClosed) return undefined;
        if (current?.key !== key) {
          const last = current;
          current = { key, prover: proving({ key, ...options }) };
          await last?.prover.close();
        }
        return await current.prover.hibernates();
      } catch (thrown) {
        return { possible: null, why: RuntimeError.of(thrown).message, next: AGAIN };
      }
    },
    close: async () => {
      isClosed = true;
      await current?.prover.close();
    },
  };
}

async function attempt(tryOut: () => Promise<void>): Promise<Proof> {
  try {
    await tryOut();
    return { possible: true };
  } catch (thrown) {
    const error = RuntimeError.of(thrown);
    if (PASSING.has(error.code)) return { possible: null, why: error.message, next: AGAIN };
    return { possible: false, why: error.message, next: error.next ?? NEXT };
  }
}

function readNoted(text: string | undefined): z.infer<typeof noted> | undefined {
  try {
    return noted.safeParse(JSON.parse(text ?? 'null')).data;
  } catch {
    // damaged: it is tried again
    return undefined;
  }
}
