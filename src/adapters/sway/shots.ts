/**
 * Pictures of displays, a few at a time. Whoever asks for one while another is taken shares the next one, and of one display some are
 * taken in a second: each is a process that does what the display says.
 */
import { RuntimeError } from '../../domain/errors.ts';
import { tokenBucket, type TokenBucket } from '../../domain/token-bucket.ts';
import type { AppInstanceId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';

const RATE = { perSecond: 5, burst: 10 };
/** Of all displays at once. */
const LANES = 4;

type Take = () => Promise<Buffer>;
type Line = {
  readonly allowance: TokenBucket;
  running: Promise<unknown> | undefined;
  next: Promise<Buffer> | undefined;
};

export class Shots {
  readonly #clock: Clock;
  readonly #lines = new Map<AppInstanceId, Line>();
  #free = LANES;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A picture that is begun after this call. `take` of the first one that asks is used. Throws what it throws, and ABORTED. */
  async shoot(id: AppInstanceId, take: Take, signal: AbortSignal): Promise<Buffer> {
    const { promise, reject } = Promise.withResolvers<Buffer>();
    const onAbort = (): void => {
      reject(new RuntimeError('ABORTED', { what: 'the picture was not waited for', cause: signal.reason }));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await Promise.race([this.#next(this.#lineOf(id), take), promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #next(line: Line, take: Take): Promise<Buffer> {
    if (line.running === undefined) return this.#begin(line, take);
    line.next ??= line.running.then(() => {
      line.next = undefined;
      return this.#begin(line, take);
    });
    return line.next;
  }

  forget(id: AppInstanceId): void {
    this.#lines.delete(id);
  }

  #lineOf(id: AppInstanceId): Line {
    const known = this.#lines.get(id);
    if (known !== undefined) return known;
    const line = {
      allowance: tokenBucket({ ...RATE, now: () => performance.now() }),
      running: undefined,
      next: undefined,
    };
    this.#lines.set(id, line);
    return line;
  }

  #begin(line: Line, take: Take): Promise<Buffer> {
    const shot = this.#inTurn(line, take);
    // its caller gets the error; the line goes on
    line.running = shot
      .catch(() => undefined)
      .then(() => {
        line.running = undefined;
      });
    return shot;
  }

  async #inTurn({ allowance }: Line, take: Take): Promise<Buffer> {
    for (let debtMs = allowance.debtMs(); debtMs > 0; debtMs = allowance.debtMs()) await this.#clock.sleep(debtMs);
    allowance.take();
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await take();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
