import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { PAGES, renderPage } from '../../scripts/docs/pages.mjs';
import { COMMANDS } from '../../src/cli/commands.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE_PATHS = [...globSync('*.md', { cwd: PROJECT }), ...globSync('docs/**/*.md', { cwd: PROJECT })];
const DECISIONS = PAGE_PATHS.filter((path) => path.startsWith('docs/decisions/')).sort();

const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');

for (const page of PAGES) {
  test(`${page.path} says what the tables of the code say (else: npm run docs)`, () => {
    const present = read(page.path);
    assert.equal(present, renderPage(page, present));
  });
}

test('a page without a place for a generated part is refused by name', () => {
  assert.throws(() => renderPage({ path: 'x.md', parts: { a: () => '' } }, 'text'), /x\.md has no place for a/);
});

/** As GitHub makes them. */
const anchorsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );

test('every link inside the project leads somewhere', () => {
  const broken = PAGE_PATHS.flatMap((path) => {
    const prose = read(path).replaceAll(/```[^]*?```/g, '');
    return [...prose.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].flatMap(([link, file = '', anchor]) => {
      const target = file === '' ? path : relative(PROJECT, join(PROJECT, dirname(path), file));
      if (!existsSync(join(PROJECT, target))) return [`${path}: ${link}`];
      return anchor === undefined || anchorsOf(read(target)).includes(anchor) ? [] : [`${path}: ${link}`];
    });
  });
  assert.deepEqual(broken, []);
});

test('every command of runtimectl in the pages exists', () => {
  const names = COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  for (const path of PAGE_PATHS) {
    const shown = read(path).matchAll(/(?:^|[`$(]|&& )\s*runtimectl ((?:--root \S+ )?)([a-z]+)/gm);
    for (const [text, , name = ''] of shown) assert.ok(names.includes(name), `${path}: ${text}`);
  }
});

test('decisions have numbers of their own, are short, and say context, decision, consequences', () => {
  const numbers = DECISIONS.map((path) => /\/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1]);
  assert.equal(new Set(numbers).size, DECISIONS.length);
  DECISIONS.forEach((path, index) => {
    const text = read(path);
    const number = numbers[index] ?? assert.fail(path);
    assert.match(text, new RegExp(`^# ${number} `));
    for (const part of ['Context', 'Decision', 'Consequences']) assert.ok(text.includes(`**${part}.**`), path);
    assert.ok(text.trimEnd().split('\n').length <= 25, `${path} is longer than 25 lines`);
  });
});

/** A promise without a test is a wish: `test/FILE` "part of the test's name", several with a semicolon between them. */
for (const [page, least] of [
  ['docs/security.md', 20],
  ['docs/rdk.md', 35],
] as const) {
  test(`each promise of ${page} names tests that exist`, () => {
    const rows = read(page)
      .split('\n')
      .filter((line) => /^\| .*\.test\.ts/.test(line));
    assert.ok(rows.length > least, `the tables are found: ${rows.length}`);
    for (const row of rows) {
      const named = [...row.matchAll(/`(test\/[\w/.-]+\.test\.ts)` "([^"]+)"/g)];
      assert.equal(named.length, row.match(/\.test\.ts/g)?.length, row);
      for (const [, file = '', name = ''] of named) {
        const titles = [...read(file).matchAll(/\b(?:test|timed)\(\s*(['"`])(.*?)\1,/gs)].map(
          ([, , title = '']) => title,
        );
        assert.ok(
          titles.some((title) => title.includes(name)),
          `${file} has no test "${name}"`,
        );
      }
    }
  });
}

test('the map of ARCHITECTURE.md has every folder of src', () => {
  const folders = globSync('src/*/', { cwd: PROJECT });
  const map = read('ARCHITECTURE.md');
  const missing = folders.filter((folder) => !map.includes(`\`${folder}`) && !map.includes(`\`${folder.slice(4)}/`));
  assert.deepEqual(missing, []);
});
