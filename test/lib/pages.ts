/** Commands and programs of the documentation, as they stand there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The blocks of code of this language below a heading of a page. */
export function blocksOf(page: string, heading: string, language: string): readonly string[] {
  const text = readFileSync(join(PROJECT, page), 'utf8');
  const from = text.split(`\n${heading}\n`)[1] ?? assert.fail(`${page} has no ${heading}`);
  const section = from.split(/\n##+ /)[0] ?? '';
  return [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, name, code = '']) =>
    name === language ? [code] : [],
  );
}

/** The only block of this language there. */
export function blockOf(page: string, heading: string, language: string): string {
  const [block, ...others] = blocksOf(page, heading, language);
  return block !== undefined && others.length === 0
    ? block
    : assert.fail(`${heading} has not one block of ${language}`);
}

/** What a block promises to print, in its comments; `…` stands for the rest of a line. */
export function assertPrinted(stdout: string, block: string, comment: '#' | '//'): void {
  const promised = block.split('\n').flatMap((line) => {
    return line.startsWith(`${comment} `) ? [line.slice(comment.length + 1)] : [];
  });
  const printed = stdout.trimEnd().split('\n');
  const cut = printed.map((line, at) => {
    const wanted = promised[at] ?? '';
    const isCut = wanted.endsWith('…') && line.startsWith(wanted.slice(0, -1));
    return isCut ? wanted : line;
  });
  assert.deepEqual(cut, promised);
}
