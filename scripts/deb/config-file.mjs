/** /etc/runtime-manager/config.yaml as the package brings it: every setting with its meaning, commented out. */
import { stringify } from 'yaml';
import { settingRows } from '../docs/configuration.mjs';

const HEAD = `# Settings of runtimemanagerd(8): runtime-manager-config(5). Read once, at its start: systemctl restart runtimemanagerd
# (apps run on). A line like "#key: value" shows a default; take its # away, and those of the lines it stands below, to
# change it. "##key:" has no default, or is in what has none.
`;
/** Of the file. */
const WIDTH = 120;

/** @typedef {ReturnType<typeof settingRows>[number]} Row */

/** Markdown in which nothing is marked. @param {string} text */
const words = (text) => text.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll('`', '');

/** Prose always begins in the first column, so that it cannot be taken for a setting. @param {string} text */
function comment(text) {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length + 3 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `# ${line}`);
}

/** @param {unknown} value */
const yamlOf = (value) => stringify(value, { collectionStyle: 'flow' }).trim();

/** One without a default is a comment still when the file's are taken away, and so is all that is in it. @param {Row} row @param {readonly Row[]} rows */
function setting({ path, type, default: value, schema, meaning }, rows) {
  const parts = path.split('.');
  const indent = '  '.repeat(parts.length - 1);
  const key = parts.at(-1) ?? '';
  const about = type === 'object' ? meaning : `${meaning} (${type}${value === 'required' ? '; required' : ''})`;
  const lines = [...(parts.length === 1 ? [''] : []), ...comment(words(about))];
  const inside = rows.filter((row) => row.path.startsWith(`${path}.`));
  const around = rows.filter((row) => path.startsWith(`${row.path}.`));
  if ([schema, ...around.map((row) => row.schema)].some((one) => one.default === undefined)) {
    return [...lines, `#${indent}#${key}:${schema.default === undefined ? '' : ` ${yamlOf(schema.default)}`}`];
  }
  if (inside.some((row) => row.schema.default !== undefined)) return [...lines, `#${indent}${key}:`];
  return [...lines, `#${indent}${key}: ${yamlOf(schema.default)}`];
}

export function configFile() {
  const rows = settingRows();
  return `${HEAD}${rows.flatMap((row) => setting(row, rows)).join('\n')}\n`;
}

/** What stands there when every commented setting is taken in; those without a default stay comments. @param {string} text */
export const uncommented = (text) => text.replaceAll(/^#(?=\S| {2})/gm, '');
