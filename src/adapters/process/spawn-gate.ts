/**
 * One fork a turn of the event loop. A fork blocks the loop for some ms (it copies the page tables of the daemon); twenty apps
 * started at once would otherwise hold up every other caller for all their forks together.
 */
let last: Promise<void> = Promise.resolve();

export function forkTurn(): Promise<void> {
  const turn = last;
  last = turn.then(() => new Promise((resolve) => setImmediate(resolve)));
  return turn;
}
