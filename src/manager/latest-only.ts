/**
 * News that an app can make as often as it likes. The first ones are told at once; of those that come too often only the last one is,
 * when its time has come, and only if it is another one than was told before.
 */
import { tokenBucket } from '../domain/token-bucket.ts';

/** An app that opens and closes its window by hand is never held up; a mad one writes 8640 events a day, in 9 MiB. */
const RATE = { perSecond: 0.1, burst: 20 };

type News<Kind> = { readonly kind: Kind; readonly tell: () => void };

export class LatestOnly<Kind> {
  readonly #bucket = tokenBucket({ ...RATE, now: () => performance.now() });
  #told: Kind | undefined;
  #waiting: News<Kind> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `tell` is called once, now or later, or never. True when it is not called now. */
  take(news: News<Kind>): boolean {
    this.#waiting = news;
    if (this.#timer !== undefined) return true;
    const debtMs = this.#bucket.debtMs();
    if (debtMs === 0) {
      this.#tell();
      return false;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
    }, debtMs).unref();
    return true;
  }

  /** What waits is not told any more, and the next one is news again: another run has begun, or it has ended. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = undefined;
    this.#told = undefined;
  }

  #tell(): void {
    const news = this.#waiting;
    this.#waiting = undefined;
    if (news === undefined || news.kind === this.#told) return;
    this.#told = news.kind;
    this.#bucket.take();
    news.tell();
  }
}
