import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as z from 'zod';
import { RuntimeError } from '../../src/domain/errors.ts';
import { faultsOf } from '../../src/domain/faults.ts';
import { isDeeperThan } from '../../src/domain/json-depth.ts';
import { answer } from '../../src/server/json-rpc.ts';
import type { Handler } from '../../src/server/json-rpc.ts';

/** The methods of the specification's examples (jsonrpc.org/specification §7). */
function examples(faults: unknown[] = []): Handler {
  return {
    reportFault: (fault) => void faults.push(fault),
    dispatch: async (method, params) => {
      switch (method) {
        case 'subtract': {
          const byName = params as { minuend: number; subtrahend: number };
          const [minuend, subtrahend] = Array.isArray(params)
            ? (params as [number, number])
            : [byName.minuend, byName.subtrahend];
          return minuend - subtrahend;
        }
        case 'sum':
          return (params as number[]).reduce((sum, value) => sum + value, 0);
        case 'get_data':
          return ['hello', 5];
        case 'echo':
          return params;
        case 'nothing':
          return undefined;
        case 'cycle': {
          const cycle: { self?: unknown } = {};
          cycle.self = cycle;
          return cycle;
        }
        case 'busy':
          throw new RuntimeError('BUSY', { what: 'too much', next: 'wait', cause: new Error('a\nb') });
        case 'broken':
          throw new TypeError('x is not a function');
        case 'update':
        case 'notify_hello':
          return null;
        default:
          throw new RuntimeError('UNKNOWN_METHOD', { what: `there is no method ${method}` });
      }
    },
  };
}

async function ask(text: string, handler = examples()): Promise<unknown> {
  const reply = await answer(text, handler);
  return reply === undefined ? undefined : JSON.parse(reply);
}

/** Only code and id of errors: their words are ours. */
function bare(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(bare);
  const { error, ...rest } = reply as { error?: { code: number } };
  return error === undefined ? rest : { ...rest, error: error.code };
}

const SPECIFICATION: readonly (readonly [request: string, answer: unknown])[] = [
  ['{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}', { jsonrpc: '2.0', result: 19, id: 1 }],
  ['{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}', { jsonrpc: '2.0', result: -19, id: 2 }],
  [
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    { jsonrpc: '2.0', result: 19, id: 3 },
  ],
  ['{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', undefined],
  ['{"jsonrpc": "2.0", "method": "foobar"}', undefined],
  ['{"jsonrpc": "2.0", "method": "foobar", "id": "1"}', { jsonrpc: '2.0', error: -32601, id: '1' }],
  ['{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', { jsonrpc: '2.0', error: -32700, id: null }],
  ['{"jsonrpc": "2.0", "method": 1, "params": "bar"}', { jsonrpc: '2.0', error: -32600, id: null }],
  [
    '[{"jsonrpc": "2.0", "method": "sum", "id": "1"},{"jsonrpc": "2.0", "method"]',
    { jsonrpc: '2.0', error: -32700, id: null },
  ],
  ['[]', { jsonrpc: '2.0', error: -32600, id: null }],
  ['[1]', [{ jsonrpc: '2.0', error: -32600, id: null }]],
  ['[1,2,3]', [1, 2, 3].map(() => ({ jsonrpc: '2.0', error: -32600, id: null }))],
  [
    `[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
      {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
      {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
      {"foo": "boo"},
      {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
      {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]`,
    [
      { jsonrpc: '2.0', result: 7, id: '1' },
      { jsonrpc: '2.0', result: 19, id: '2' },
      { jsonrpc: '2.0', error: -32600, id: null },
      { jsonrpc: '2.0', error: -32601, id: '5' },
      { jsonrpc: '2.0', result: ['hello', 5], id: '9' },
    ],
  ],
  ['[{"jsonrpc": "2.0", "method": "notify_hello"},{"jsonrpc": "2.0", "method": "update"}]', undefined],
];

for (const [request, expected] of SPECIFICATION) {
  test(`the specification's example ${request.replaceAll(/\s+/g, ' ').slice(0, 90)}`, async () => {
    const reply = await ask(request);
    assert.deepEqual(reply === undefined ? undefined : bare(reply), expected);
  });
}

test('the envelope may lack jsonrpc or have it as a number, as Thunder’s users write it', async () => {
  assert.deepEqual(await ask('{"jsonrpc":2.0,"id":0,"method":"get_data"}'), {
    jsonrpc: '2.0',
    id: 0,
    result: ['hello', 5],
  });
  assert.deepEqual(await ask('{"id":1,"method":"get_data"}'), { jsonrpc: '2.0', id: 1, result: ['hello', 5] });
  assert.deepEqual(bare(await ask('{"jsonrpc":"1.0","id":1,"method":"get_data"}')), {
    jsonrpc: '2.0',
    id: null,
    error: -32600,
  });
});

test('id null is answered, an object as id is refused', async () => {
  assert.deepEqual(await ask('{"id":null,"method":"get_data"}'), { jsonrpc: '2.0', id: null, result: ['hello', 5] });
  assert.deepEqual(bare(await ask('{"id":{},"method":"get_data"}')), { jsonrpc: '2.0', id: null, error: -32600 });
});

test('a result is always there: nothing becomes null', async () => {
  assert.deepEqual(await ask('{"id":1,"method":"nothing"}'), { jsonrpc: '2.0', id: 1, result: null });
});

test('an error has a number, one line, and the whole error as data', async () => {
  assert.deepEqual(await ask('{"id":1,"method":"busy"}'), {
    jsonrpc: '2.0',
    id: 1,
    error: { code: 12, message: 'too much: a b', data: { code: 'BUSY', what: 'too much', why: 'a\nb', next: 'wait' } },
  });
});

test('a fault of ours is reported to the log and answered', async () => {
  const faults: unknown[] = [];
  const reply = (await ask('{"id":1,"method":"broken"}', examples(faults))) as { error: { data: { code: string } } };
  assert.equal(reply.error.data.code, 'INTERNAL');
  assert.match(String(faults[0]), /x is not a function/);
});

test('a result that cannot be written is a fault of ours, not the end', async () => {
  const faults: unknown[] = [];
  assert.deepEqual(bare(await ask('{"id":1,"method":"cycle"}', examples(faults))), { jsonrpc: '2.0', id: 1, error: 1 });
  assert.equal(faults.length, 1);
});

test('JSON nested without end is refused before it is parsed', async () => {
  for (const text of [
    '['.repeat(2_000_000),
    '{"a":'.repeat(700_000),
    `{"id":1,"method":"echo","params":${'['.repeat(200)}`,
  ]) {
    assert.deepEqual(bare(await ask(text)), { jsonrpc: '2.0', id: null, error: -32600 });
  }
});

test('brackets inside strings do not count as depth', async () => {
  const params = { text: `${'['.repeat(500)}\\"{{` };
  assert.deepEqual(await ask(JSON.stringify({ id: 1, method: 'echo', params })), {
    jsonrpc: '2.0',
    id: 1,
    result: params,
  });
});

test('a message or a batch that is too long is refused', async () => {
  assert.deepEqual(bare(await ask(`"${'x'.repeat(5 * 2 ** 20)}"`)), { jsonrpc: '2.0', id: null, error: -32600 });
  const batch = JSON.stringify(Array.from({ length: 101 }, () => ({ method: 'get_data', id: 1 })));
  assert.deepEqual(bare(await ask(batch)), { jsonrpc: '2.0', id: null, error: -32600 });
});

test('a member called __proto__ is an ordinary member', async () => {
  const reply = await answer('{"id":1,"method":"echo","params":{"__proto__":{"polluted":true}}}', examples());
  assert.equal(reply, '{"jsonrpc":"2.0","id":1,"result":{"__proto__":{"polluted":true}}}');
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  assert.deepEqual(bare(await ask('{"__proto__":{"method":"get_data"},"id":1}')), {
    jsonrpc: '2.0',
    id: null,
    error: -32600,
  });
});

const requestLike = fc.record(
  {
    jsonrpc: fc.oneof(fc.constant('2.0'), fc.constant(2), fc.anything()),
    method: fc.oneof(fc.constantFrom('sum', 'echo', 'get_data', 'broken', 'constructor', '__proto__'), fc.anything()),
    params: fc.jsonValue(),
    id: fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.anything()),
  },
  { requiredKeys: [] },
);

test('whatever comes in, what goes out is valid JSON-RPC or nothing', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    requestLike.map((value) => JSON.stringify(value) ?? ''),
    fc.array(requestLike).map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(text, async (input) => {
      const reply = await ask(input);
      for (const one of reply === undefined ? [] : [reply].flat()) {
        const { jsonrpc, id, result, error } = one as Record<string, unknown>;
        assert.equal(jsonrpc, '2.0');
        assert.ok(id === null || typeof id === 'string' || typeof id === 'number');
        assert.notEqual(result === undefined, error === undefined);
      }
    }),
    { numRuns: 2000 },
  );
});

test('depth before parsing equals depth after parsing', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(7), (value, limit) => {
      assert.equal(isDeeperThan(JSON.stringify(value), limit), depthOf(value) > limit);
    }),
  );
});

test('a message of too many values is refused before it is parsed, and of the faults of one the first twenty are told', async () => {
  const handler = examples();
  const members = Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`m${index}`, 1]));
  const begin = performance.now();
  const said = await answer(JSON.stringify({ id: 1, method: 'subtract', params: members }), handler);
  assert.match(said ?? '', /more than 4000 members and elements/);
  assert.ok(performance.now() - begin < 2000);
  const { error } = z.strictObject({}).safeParse(Object.fromEntries(Object.entries(members).slice(0, 20_000)));
  assert.equal(faultsOf(error ?? { issues: [] }).length, 20);
});

test('the calls of a batch let others have their turn', async () => {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const busy: Handler = {
    reportFault: () => undefined,
    dispatch: async () => {
      for (const begin = performance.now(); performance.now() - begin < 15;);
    },
  };
  await answer(JSON.stringify(Array.from({ length: 10 }, (_, id) => ({ id, method: 'busy' }))), busy);
  isOver = true;
  assert.ok(turns >= 9, `${turns} turns`);
});
