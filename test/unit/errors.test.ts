import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS, isErrno, isErrorCode, RuntimeError, type ErrorCode } from '../../src/domain/errors.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

for (const code of CODES) {
  test(`the row of ${code} says everything`, () => {
    const { thunder, exitCode, doc }: { thunder: number; exitCode: number; doc: string } = ERRORS[code];
    assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
    assert(Number.isInteger(thunder) && thunder !== 0, 'Thunder: 0 is success');
    assert(Number.isInteger(exitCode) && exitCode >= 1 && exitCode < 64, 'shells give 126 and more a meaning');
    assert.match(doc, /^[A-Z].*\.$/s);
    assert(isErrorCode(code));
  });
}

test('codes that share an exit status are of one kind', () => {
  const byExit = Object.entries(Object.groupBy(CODES, (code) => ERRORS[code].exitCode));
  const shared = byExit.filter(([, codes]) => (codes ?? []).length > 1).map(([, codes]) => codes);
  assert.deepEqual(shared, [
    ['INVALID_ARGUMENT', 'UNKNOWN_METHOD'],
    ['SUSPEND_FAILED', 'RESUME_FAILED'],
  ]);
});

test('an error crosses the wire with all it says', () => {
  const root = new Error('no such file');
  const middle = new RuntimeError('TOOL_FAILED', { what: 'runc failed', cause: root });
  const error = new RuntimeError('START_FAILED', {
    what: 'x was not started',
    next: 'look',
    details: { id: 'x' },
    cause: middle,
  });
  assert.equal(error.message, 'x was not started: runc failed: no such file');
  const data = JSON.parse(JSON.stringify(error)) as Parameters<typeof RuntimeError.from>[0];
  assert.deepEqual(data, {
    code: 'START_FAILED',
    what: 'x was not started',
    why: 'runc failed: no such file',
    next: 'look',
    details: { id: 'x' },
  });
  const again = RuntimeError.from(data);
  assert.equal(again.message, error.message);
  assert.deepEqual(again.toJSON(), error.toJSON());
});

test('the reasons of foreign errors are told too, to the last', () => {
  const cause = new Error('one', { cause: new Error('two', { cause: 'three' }) });
  assert.equal(new RuntimeError('INTERNAL', { what: 'zero', cause }).message, 'zero: one: two: three');
});

test('what is not one of ours becomes a fault of ours, and what is stays what it is', () => {
  const own = new RuntimeError('BUSY', { what: 'busy' });
  assert.equal(RuntimeError.of(own), own);
  for (const thrown of [new Error('x'), 'x', undefined, null, 7]) {
    assert.equal(RuntimeError.of(thrown).code, 'INTERNAL');
  }
});

test('no word from outside is taken for a code', () => {
  for (const text of ['toString', '__proto__', 'constructor', '', 'busy', 7, undefined]) assert(!isErrorCode(text));
});

test('an error of the operating system is known by its name', () => {
  const error = Object.assign(new Error('x'), { code: 'ENOENT' });
  assert(isErrno(error, 'EPERM', 'ENOENT'));
  assert(!isErrno(error, 'EPERM'));
  assert(!isErrno(new Error('ENOENT'), 'ENOENT'));
  assert(!isErrno({ code: 'ENOENT' }, 'ENOENT'));
});
