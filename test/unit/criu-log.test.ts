/**
 * What is made of CRIU's words, against test/golden/criu: fragments of logs, each followed by what an operator is told. The
 * files called `real-*` come from real failures of CRIU 4.2.1 and runc 1.3.6, the others have lines as CRIU's sources write
 * them. After a change of words: UPDATE_GOLDEN=1, then read the difference.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { findingsOf, readLog } from '../../src/adapters/criu/log.ts';
import { MESSAGES } from '../../src/adapters/criu/messages.ts';
import type { Finding } from '../../src/domain/hibernation.ts';

const GOLDEN = join(import.meta.dirname, '..', 'golden', 'criu');
const WHERE = '/log';

type Fragment = {
  readonly file: string;
  readonly title: string;
  readonly log: readonly string[];
  readonly told: string;
};

function render({ code, blocks, what, why, next, process, descriptor }: Finding): string {
  const about = [
    process && `process ${process.pid} (${process.innerPid ?? '-'}) ${process.name}`,
    descriptor && `descriptor ${descriptor.fd} ${descriptor.target}`.trimEnd(),
  ].filter(Boolean);
  const head = [`=> ${code}`, ...(blocks ? [] : ['remark']), ...about].join(', ');
  return [head, `   ${what}:`, `   ${why}.`, `   -> ${next}`].join('\n');
}

const explain = (log: readonly string[]): string => findingsOf(log.join('\n'), WHERE).map(render).join('\n');

const files = readdirSync(GOLDEN).filter((name) => name.endsWith('.txt'));

const fragments: readonly Fragment[] = files.flatMap((file) =>
  readFileSync(join(GOLDEN, file), 'utf8')
    .split(/\n\n+/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const [title = '', ...lines] = block.trimEnd().split('\n');
      const start = lines.findIndex((line) => line.startsWith('=> '));
      const log = start === -1 ? lines : lines.slice(0, start);
      return { file, title, log, told: start === -1 ? '' : lines.slice(start).join('\n') };
    }),
);

if (process.env['UPDATE_GOLDEN'] === '1') {
  for (const [file, group] of Map.groupBy(fragments, (one) => one.file)) {
    const text = group.map(({ title, log }) => [title, ...log, explain(log)].join('\n')).join('\n\n');
    writeFileSync(join(GOLDEN, file), `${text}\n`);
  }
}

for (const { file, title, log, told } of fragments) {
  test(`${file.replace('.txt', '')}: ${title.slice(2)}`, () => {
    assert.equal(explain(log), told);
  });
}

test('there are at least 45 fragments, and every message of the table is told by one of them', () => {
  assert.ok(fragments.length >= 45, `${fragments.length}`);
  const lines = fragments.flatMap(({ log }) => log);
  const mute = MESSAGES.filter(
    (message) => !lines.some((line) => MESSAGES.find(({ match }) => match.test(textOf(line))) === message),
  );
  assert.deepEqual(
    mute.map(({ code, match }) => `${code} ${match.source}`),
    [],
  );
});

const textOf = (line: string): string => line.replace(/^.*?(?:Error|Warn) +\([^)]*\):\s*/, '').replaceAll('\\"', '"');

test('no text of a finding has an error number, a gap or an unfilled place in it', () => {
  for (const { title, log } of fragments) {
    for (const { code, what, why, next } of findingsOf(log.join('\n'), WHERE)) {
      for (const text of code === 'UNKNOWN' ? [why, next] : [what, why, next]) {
        assert.doesNotMatch(text, /errno|\bE[A-Z]{3,}\b|[{}]|undefined|unknown|NaN|\(-\d+\)/, title);
        assert.match(text, /^\S.*\S$/, title);
      }
    }
  }
});

test('any text gives at least one finding, and never an exception', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '(00.001) Error (criu/x.c:1): ',
      'Warn  (a.c:2): ',
      '\n',
      'fdinfo 3: ',
      'Dumping task (pid: 1 comm: x)',
    ),
    fc.constantFrom('time="" level=error msg="', 'Runaway socket: ino 1 peer_ino 2 name x', 'Unable to open fd=1 id=2'),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      assert.ok(findingsOf(words.join(''), WHERE).length >= 1);
    }),
    { numRuns: 500 },
  );
});

test('an error that nobody knows is handed on with its line, its number in words and the place of the log', () => {
  const line = '(00.5) Error (criu/new.c:7): nobody foresaw this, failed with -28';
  const [finding] = findingsOf(line, '/var/log/dump.log');
  assert.equal(finding?.code, 'UNKNOWN');
  assert.equal(finding.evidence, line);
  assert.match(finding.why, /no space left on device/);
  assert.match(finding.next, /\/var\/log\/dump\.log/);
});

test('of a log of many megabytes the cause at the end is found, and the name from the beginning', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'rmt-criu-'));
  try {
    const file = join(directory, 'dump.log');
    const noise = '(00.040703) cg: nothing to see here, and this line is long enough to fill the disk\n'.repeat(
      150_000,
    );
    const end = '(00.07) Error (criu/sk-inet.c:185): inet: In-flight connection (l) for 97\n';
    writeFileSync(
      file,
      `(00.01) SEIZE 12 (comm redis): success\n${noise}(00.06) Dumping task (pid: 12 comm: redis)\n(00.07) 12 fdinfo 6: pos: 0\n${end}`,
    );
    const [finding] = await readLog(file);
    assert.equal(finding?.code, 'CONNECTION_NOT_ACCEPTED');
    assert.deepEqual(finding.process, { pid: 12, innerPid: null, name: 'redis' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a log that is not there, or not a file, is a finding as well', async () => {
  assert.equal((await readLog('/nonexistent/dump.log'))[0]?.code, 'NO_LOG');
  const [finding] = await readLog('/');
  assert.equal(finding?.code, 'NO_LOG');
  assert.doesNotMatch(finding.why, /EISDIR|errno/);
});
