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

const errno = (code: string, words = 'no'): Error => Object.assign(new Error(words), { code });

const BY_ERRNO: Readonly<Record<string, ErrorCode>> = {
  ...{ ENOSPC: 'NO_SPACE', EDQUOT: 'NO_SPACE' },
  ...{ EMFILE: 'OUT_OF_RESOURCES', ENFILE: 'OUT_OF_RESOURCES', ENOMEM: 'OUT_OF_RESOURCES', EAGAIN: 'OUT_OF_RESOURCES' },
  ...{ EROFS: 'DISK_UNUSABLE', EACCES: 'DISK_UNUSABLE', EPERM: 'DISK_UNUSABLE', EIO: 'DISK_UNUSABLE' },
  ...{ ELOOP: 'CORRUPT_FILE', ENOTDIR: 'CORRUPT_FILE', EISDIR: 'CORRUPT_FILE' },
};

for (const [name, code] of Object.entries(BY_ERRNO)) {
  test(`${name} of a file of ours is ${code}, with what to do`, () => {
    const error = RuntimeError.of(errno(name));
    assert.equal(error.code, code);
    assert((error.next ?? '').length > 0);
    assert.equal(error.toJSON().why, 'no');
  });
}

test('a code that only says what did not work gives way to what is used up, however deep; one that says more does not', () => {
  const deep = new RuntimeError('TOOL_FAILED', { what: 'x', cause: new Error('y', { cause: errno('ENOSPC') }) });
  for (const code of [
    'INTERNAL',
    'START_FAILED',
    'CHECKPOINT_FAILED',
    'RESTORE_FAILED',
    'COMMAND_NOT_FOUND',
  ] as const) {
    const error = new RuntimeError(code, { what: 'z', next: 'guess', cause: deep });
    assert.equal(error.code, 'NO_SPACE');
    assert.match(error.next ?? '', /make room/);
    assert.deepEqual(RuntimeError.from(error.toJSON()).toJSON(), error.toJSON());
  }
  assert.equal(new RuntimeError('TIMED_OUT', { what: 'z', cause: errno('ENOSPC') }).code, 'TIMED_OUT');
  // a file of the app's may be what a runtime was refused
  assert.equal(new RuntimeError('START_FAILED', { what: 'z', cause: errno('EROFS') }).code, 'START_FAILED');
});

/** As the tools say it. */
const SAID: Readonly<Record<string, ErrorCode>> = {
  'zstd: error 70 : Write error : cannot write block : No space left on device': 'NO_SPACE',
  'mkfs.ext4: Disk quota exceeded while writing out and closing file system': 'NO_SPACE',
  'unable to copy: writing blob: write /x: no space left on device': 'NO_SPACE',
  'conmon: Failed to write conmon pidfile: Failed to create file “/x”: No space left on device': 'NO_SPACE',
  'runc create failed: unable to start container process: error during container init: open /x: too many open files':
    'OUT_OF_RESOURCES',
  'socket: too many open files in system': 'OUT_OF_RESOURCES',
  'fork/exec /proc/self/exe: no space left on device': 'OUT_OF_RESOURCES',
  'write /sys/fs/cgroup/cpuset/app/cgroup.procs: no space left on device': 'OUT_OF_RESOURCES',
  'runc create failed: mkdir /rootfs/x: read-only file system': 'START_FAILED',
};

test('an errno that only appears in the words of a tool counts as well', () => {
  for (const [words, code] of Object.entries(SAID)) {
    assert.equal(new RuntimeError('START_FAILED', { what: 'z', cause: words }).code, code, words);
  }
});
