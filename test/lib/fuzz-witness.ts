/** A client in a process of its own, which what the attackers do in theirs cannot hold up: `node fuzz-witness.ts SOCKET INSTANCE`. */
import assert from 'node:assert/strict';
import { connect } from '../../src/client/node.ts';

const [, , socket = '', appInstanceId = ''] = process.argv;
let isOver = false;
process.once('SIGTERM', () => {
  isOver = true;
});

const tally = { calls: 0, worstMs: 0 };
{
  using client = await connect({ socket });
  while (!isOver) {
    const begin = performance.now();
    assert.equal((await client.getInfo({ appInstanceId })).state, 'RUNNING');
    tally.worstMs = Math.max(tally.worstMs, performance.now() - begin);
    tally.calls += 1;
  }
}
process.stdout.write(JSON.stringify(tally));
