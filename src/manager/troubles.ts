/**
 * Operations that came to nothing, until they succeed. Most refusals change nothing and leave no event, so the one who did not
 * call learns of them here only; they are forgotten with the daemon.
 */
import { RuntimeError, type ErrorCode, type ErrorData } from '../domain/errors.ts';

export type Trouble = {
  readonly operation: string;
  readonly appId: string | undefined;
  readonly appInstanceId: string;
  readonly error: ErrorData;
  /** ISO 8601, UTC. */
  readonly at: string;
};

type Asked = { readonly appId?: string | undefined; readonly appInstanceId?: string | undefined };

/** The caller's own mistakes, and what was so or came later by intent: nothing that the device's keeper has to mend. */
const NO_TROUBLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['INVALID_ARGUMENT', 'UNKNOWN_METHOD', 'NOT_FOUND', 'ILLEGAL_STATE', 'ALREADY_EXISTS'] as const),
  ...(['PERMISSION_DENIED', 'CONFLICT', 'ABORTED', 'BUSY', 'NOT_SUPPORTED'] as const),
]);

const KEPT = 100;

export class Troubles {
  readonly #now: () => string;
  readonly #byDeed = new Map<string, Trouble>();

  constructor(now: () => string) {
    this.#now = now;
  }

  get all(): readonly Trouble[] {
    return [...this.#byDeed.values()];
  }

  /** The same function, watched. */
  watched<Params extends Asked, Call, Result>(
    operation: string,
    work: (params: Params, call: Call) => Promise<Result>,
  ): (params: Params, call: Call) => Promise<Result> {
    return async (params, call) => {
      try {
        const result = await work(params, call);
        this.#byDeed.delete(keyOf({ operation, ...params }));
        return result;
      } catch (error) {
        this.note({ operation, ...params }, error);
        throw error;
      }
    };
  }

  note(deed: Asked & { readonly operation: string }, thrown: unknown): void {
    const key = keyOf(deed);
    const { operation, appId, appInstanceId } = deed;
    const error = RuntimeError.of(thrown).toJSON();
    if (NO_TROUBLE.has(error.code)) return;
    // anew at the end: the oldest go first
    this.#byDeed.delete(key);
    this.#byDeed.set(key, { operation, appId, appInstanceId: appInstanceId ?? '', error, at: this.#now() });
    const [oldest] = this.#byDeed.keys();
    if (this.#byDeed.size > KEPT && oldest !== undefined) this.#byDeed.delete(oldest);
  }
}

const keyOf = ({ operation, appId, appInstanceId }: Asked & { readonly operation: string }): string =>
  `${operation} ${appInstanceId ?? appId ?? ''}`;
