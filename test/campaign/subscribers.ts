/** Clients that follow all events over every restart; each must have seen each event once, in order. */
import assert from 'node:assert/strict';
import { connect, type AppEvent, type Client } from '../../src/client/node.ts';
import { until } from '../lib/until.ts';

export type Follower = {
  /** Waits for the last of them. */
  readonly check: (events: readonly AppEvent[]) => Promise<void>;
};

class EventFollower implements Follower {
  readonly #client: Client;
  readonly #seen: number[] = [];
  readonly #end = new AbortController();
  readonly #done: Promise<void>;

  constructor(client: Client) {
    this.#client = client;
    this.#done = this.#follow();
    this.#done.catch(() => undefined);
  }

  async #follow(): Promise<void> {
    for await (const event of this.#client.events({ since: 0, signal: this.#end.signal })) {
      assert.notEqual(event.type, 'gap', 'no event was dropped');
      if (event.type !== 'gap') this.#seen.push(event.seq);
    }
  }

  async check(events: readonly AppEvent[]): Promise<void> {
    const last = events.at(-1)?.seq ?? 0;
    await Promise.race([
      this.#done,
      until(() => (this.#seen.at(-1) ?? 0) >= last, { what: `a subscriber has event ${last}`, timeoutMs: 30_000 }),
    ]);
    assert(
      this.#seen.every((seq, index) => seq === index + 1),
      'a subscriber saw each event once and in order',
    );
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#done.catch(() => undefined);
    this.#client.close();
  }
}

export async function followEverything(
  socket: string,
  count: number,
): Promise<AsyncDisposable & { readonly all: readonly Follower[] }> {
  const clients = await Promise.all(Array.from({ length: count }, () => connect({ socket })));
  const all = clients.map((client) => new EventFollower(client));
  return {
    all,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((one) => one.end()));
    },
  };
}
