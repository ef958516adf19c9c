import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ViewerInput } from '../../src/server/viewer-input.ts';

const HELLO = Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.from([1, 0])]);
/** What goes on of it: whoever looks already stays. */
const GREETING = Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.from([1, 1])]);

const message = (type: number, size: number, ...head: readonly number[]): Buffer =>
  Buffer.concat([Buffer.from([type, ...head]), Buffer.alloc(size - 1 - head.length, 7)]);

const LOOKING = [
  message(0, 20),
  message(2, 4 + 8, 0, 0, 2),
  message(3, 10),
  message(150, 10),
  message(248, 9 + 5, 0, 0, 0, 0, 0, 0, 0, 5),
];
const USING = [
  message(4, 8),
  message(5, 6, 0),
  message(5, 7, 0x81),
  message(6, 8 + 3, 0, 0, 0, 0, 0, 0, 3),
  message(6, 8 + 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc),
  message(255, 12, 0),
];

/** In pieces of these lengths. */
function passed(role: 'control' | 'observe', bytes: Buffer, pieces: readonly number[] = []): Buffer {
  const input = new ViewerInput(role);
  const out: Buffer[] = [];
  let at = 0;
  for (const length of [...pieces, bytes.length]) {
    out.push(input.take(bytes.subarray(at, at + length)));
    at += length;
  }
  return Buffer.concat(out);
}

const anyMessages = fc.array(fc.constantFrom(...LOOKING, ...USING), { maxLength: 30 });
const anyPieces = fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 40 });

test('of whoever may control all goes on, of an observer only what is needed to look, however it is cut', () => {
  fc.assert(
    fc.property(anyMessages, anyPieces, (messages, pieces) => {
      const sent = Buffer.concat([HELLO, ...messages]);
      assert.deepEqual(passed('control', sent, pieces), Buffer.concat([GREETING, ...messages]));
      const looking = messages.filter((one) => LOOKING.includes(one));
      assert.deepEqual(passed('observe', sent, pieces), Buffer.concat([GREETING, ...looking]));
    }),
  );
});

test('what is not whole waits', () => {
  assert.deepEqual(passed('control', Buffer.concat([HELLO, message(4, 8).subarray(0, 7)])), GREETING);
});

for (const [what, bytes] of Object.entries({
  'another version': Buffer.from('RFB 003.003\n'),
  'no RFB': Buffer.from('GET / HTTP/1.1\r\n'),
  'another security': Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.from([2])]),
  'an unknown message': Buffer.concat([HELLO, Buffer.from([99])]),
  'an unknown message of QEMU': Buffer.concat([HELLO, Buffer.from([255, 1])]),
  'a text without end': Buffer.concat([HELLO, message(6, 8, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff)]),
})) {
  test(`${what} is refused`, () => {
    assert.throws(() => passed('observe', bytes), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => passed('control', bytes), { code: 'INVALID_ARGUMENT' });
  });
}
