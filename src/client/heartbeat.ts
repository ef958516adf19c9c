/**
 * Notices a peer that has vanished without a word: a machine without power, a cable that was pulled. TCP alone tells that to who
 * sends, after a quarter of an hour, and never to who only listens; a browser's page cannot send WebSocket pings.
 */

export type Heartbeat = {
  /** Something has come. */
  readonly heard: () => void;
  readonly stop: () => void;
};

/** After so many silent beats the peer is asked for a sign of life. */
const ASK_AT = 2;
/** A peer that is busy with many long calls reads the question late. */
const LOST_AT = 4;

export type HeartbeatOptions = { readonly beatMs: number; readonly ask: () => void; readonly lose: () => void };

export function heartbeat({ beatMs, ask, lose }: HeartbeatOptions): Heartbeat {
  let silentBeats = 0;
  const timer = setInterval(() => {
    silentBeats += 1;
    if (silentBeats === ASK_AT) ask();
    else if (silentBeats >= LOST_AT) lose();
  }, beatMs);
  return {
    heard: () => {
      silentBeats = 0;
    },
    stop: () => clearInterval(timer),
  };
}
