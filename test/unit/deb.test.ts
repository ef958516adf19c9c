/** What the Debian package is told by the tables: manual pages, the file of settings. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { configFile, uncommented } from '../../scripts/deb/config-file.mjs';
import { manPages } from '../../scripts/deb/man-pages.mjs';
import { prose } from '../../scripts/deb/roff.mjs';
import { settingRows } from '../../scripts/docs/configuration.mjs';
import { COMMANDS, GLOBAL_OPTIONS } from '../../src/cli/commands.ts';
import { configSchema } from '../../src/config.ts';
import { TOOLS } from '../../src/doctor/tools.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { PROJECT } from '../lib/pages.ts';

const pages = new Map(manPages('1.2.3').map(({ file, text }) => [file, text]));
const page = (file: string): string => pages.get(file) ?? assert.fail(`there is no ${file}`);

/** As roff has it. */
const typed = (text: string): string => text.replaceAll('-', '\\-');

test('runtimectl(1) has every command, option and exit status', () => {
  const text = page('runtimectl.1');
  for (const { name, options } of COMMANDS) {
    assert.ok(text.includes(`\n.SS "${typed(name)}"\n`), name);
    for (const { flags } of [...options, ...GLOBAL_OPTIONS]) {
      for (const flag of flags.match(/--?[a-z][\w-]*(?![^<]*>)/g) ?? []) {
        assert.ok(text.includes(`\\fB${typed(flag)}\\fR`), `${name} ${flag}`);
      }
    }
  }
  for (const [name, { exitCode }] of Object.entries(ERRORS)) {
    assert.ok(text.includes(`\\fB${name}\\fR`), name);
    assert.ok(text.includes(`.TP\n\\fB${exitCode}\\fR\n`), name);
  }
});

test('runtimemanagerd(8) has the options of --help, runtime-manager-config(5) every setting', () => {
  for (const flag of ['--root', '--config', '--listen', '--stop-apps', '--version', '--help']) {
    assert.ok(page('runtimemanagerd.8').includes(`.TP\n\\fB${typed(flag)}\\fR`), flag);
  }
  for (const { path } of settingRows()) {
    assert.ok(page('runtime-manager-config.5').includes(`.TP\n\\fB${path}\\fR\n`), path);
  }
});

test('no text of the tables is taken for a command of roff', () => {
  assert.equal(prose('.TH and `\\fB` in [a link](x.md)'), '\\&.TH and \\fB\\efB\\fR in a link');
  for (const [file, text] of pages) {
    for (const line of text.split('\n')) {
      assert.match(line, /^(\.(TH|SH|SS|TP|PP|RS|RE|nf|fi|br|nh|\\")( |$)|[^.'])|^$/, `${file}: ${line}`);
      assert.doesNotMatch(line, /[^\0-~]/, `${file}: ${line}`);
    }
  }
});

test('the file of settings changes nothing as it is, and says the defaults where its comments are taken away', () => {
  const text = configFile();
  assert.equal(parse(text), null);
  assert.deepEqual(configSchema.parse(parse(uncommented(text))), configSchema.parse({}));
  for (const { path } of settingRows()) {
    const parts = path.split('.');
    assert.match(text, new RegExp(`^#${'  '.repeat(parts.length - 1)}#?${parts.at(-1)}:`, 'm'), path);
  }
  for (const line of text.split('\n')) assert.ok(line.length <= 120, line);
});

/** Debian's essential packages are always there, and policy wants no dependency on one. */
const ESSENTIAL = ['util-linux', 'perl-base'];

test('the package depends on each tool without which nothing works', () => {
  const control = readFileSync(join(PROJECT, 'packaging/debian/control'), 'utf8');
  const depends =
    /^Depends: (.*)$/m
      .exec(control)?.[1]
      ?.split(/[,|]/)
      .map((one) => one.trim().split(' ')[0]) ?? [];
  for (const { name, from, needed } of TOOLS) {
    if (needed === true) assert.ok([...depends, ...ESSENTIAL].includes(from), `${name} of ${from}`);
  }
});
