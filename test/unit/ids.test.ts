import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { appId, appInstanceId, containerIdFor, newAppInstanceId, plainName } from '../../src/domain/ids.ts';
import { RuntimeError } from '../../src/domain/errors.ts';

const characters = 'ABCXYZabcxyz0189._:-'.split('');
const validId = fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 256 });

/** Source: runc libcontainer/factory_linux.go, idRegex `^[\w+-\.]+$` (`+-.` is a range: + , - .). */
const RUNC_ID = /^[\w+\-,.]+$/;

const why = (text: unknown): string => {
  try {
    appInstanceId(text);
  } catch (error) {
    assert(error instanceof RuntimeError && error.code === 'INVALID_ARGUMENT');
    assert.match(error.next ?? '', /1 to 256 characters/);
    return error.message;
  }
  return 'accepted';
};

test('ids of RDK and of people are taken as they are', () => {
  for (const id of ['com.example.app', 'a', 'A:b_c-d.e', '0', '-', '.', '..', 'x'.repeat(256), newAppInstanceId()]) {
    assert.equal(appId(id), id);
    assert.equal(appInstanceId(id), id);
  }
});

test('an id that cannot be is refused with the reason', () => {
  assert.match(why(''), /is empty/);
  assert.match(why('x'.repeat(257)), /has 257 characters/);
  assert.match(why('../../etc'), /has the character "\/"/);
  assert.match(why('a b'), /has the character " "/);
  assert.match(why('a\0'), /has the character "\\u0000"/);
  assert.match(why('ä'), /has the character "ä"/);
  assert.match(why('😀'), /has the character "😀"/);
  assert.match(why('a\n'), /has the character "\\n"/);
  for (const other of [undefined, null, 7, {}, ['a']]) assert.match(why(other), /must be text/);
  const huge = why('x'.repeat(2 ** 20));
  assert.match(huge, /has 1048576 characters/);
  assert(huge.length < 200, 'and does not repeat it');
});

test('text is either a valid id or refused', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      (text) => (why(text) === 'accepted') === /^[A-Za-z0-9._:-]{1,256}$/.test(text),
    ),
  );
});

test('every id has a container name that runc, conmon and file systems take', () => {
  fc.assert(
    fc.property(validId, (id) => {
      const name = containerIdFor(appInstanceId(id));
      assert.match(name, RUNC_ID);
      assert(name.length <= 255 && name.length > 0);
      assert(!/^[.-]/.test(name), 'no hidden file, no . or .., no option');
    }),
    { numRuns: 2000 },
  );
});

test('a short plain id is its own name, and the same id always has the same one', () => {
  assert.equal(containerIdFor(appInstanceId('com.example.app')), 'com.example.app');
  const id = appInstanceId('A:b'.repeat(50));
  assert.equal(containerIdFor(id), containerIdFor(id));
});

test('different ids have different containers, also those that are long, alike, or look like a made name', () => {
  const twins = fc
    .tuple(validId, fc.constantFrom(...characters))
    .map(([id, last]) => [id, `${id.slice(0, 255)}${last}`]);
  fc.assert(
    fc.property(fc.oneof(twins, fc.tuple(validId, validId)), ([one = '', other = '']) => {
      fc.pre(one !== other);
      assert.notEqual(plainName(appInstanceId(one)), plainName(appInstanceId(other)));
    }),
    { numRuns: 2000 },
  );
  const made = containerIdFor(appInstanceId('a:b'));
  assert.throws(() => appInstanceId(made), 'a made name is no id');
});
