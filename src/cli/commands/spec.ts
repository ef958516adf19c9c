import { resolve } from 'node:path';
import type { Address } from '../../client/address.ts';
import { callOnce } from '../../client/unix.ts';
import type { MethodInput } from '../../domain/api.ts';
import type { AppInput } from '../../domain/app.ts';
import { differences, type Difference } from '../../domain/spec-fields.ts';
import type { ExplainedField, GeneratedSpec, SpecFormat } from '../../domain/spec.ts';
import { appOptionsOf, askedFor, upstreamFrom } from '../app-request.ts';
import type { Command, Invocation } from '../command.ts';
import type { ConfigFile } from '../config-file.ts';
import { isSet, textOf } from '../options.ts';
import type { Output } from '../output.ts';
import { table } from '../table.ts';

type Ask = (words: Omit<MethodInput<'generateSpec'>, 'format' | 'explain'>) => Promise<GeneratedSpec>;

export const spec: Command = async (invocation) => {
  const { options, daemon, output } = invocation;
  const format: SpecFormat = isSet(options, 'dobby') ? 'dobby' : 'oci';
  const explain = isSet(options, 'explain');
  const ask: Ask = (words) => callOnce(daemon, ['generateSpec', { ...words, format, explain }]);
  const other = await otherOf(invocation);
  const { made, appId, appInstanceId } = await make(invocation, ask, other);
  for (const one of made.ignored) output.note(`changes nothing: ${one}`);
  if (other === undefined) show(made, { explain, output });
  else showDifferences(differences(await specOf(other, ask, { daemon, appId, appInstanceId }), made.spec), output);
  return 0;
};

/** What --diff names. */
type Other = { readonly instance: string } | { readonly file: ConfigFile };

const SPEC_FILE = {
  what: 'is no specification and no description of an app',
  next: 'name an instance, or a JSON or YAML file',
};

async function otherOf({ options, cwd }: Invocation): Promise<Other | undefined> {
  const name = textOf(options, 'diff');
  if (name === undefined) return undefined;
  const { isFile, readConfigFile } = await import('../config-file.ts');
  const path = resolve(cwd, name);
  return name.includes('/') || (await isFile(path))
    ? { file: await readConfigFile(path, SPEC_FILE) }
    : { instance: name };
}

type Subject = { readonly appId: string; readonly appInstanceId: string };

/** A bare id is an instance's: an app needs words that say what it is. */
async function make(
  invocation: Invocation,
  ask: Ask,
  other: Other | undefined,
): Promise<Subject & { readonly made: GeneratedSpec }> {
  const { operands, options } = invocation;
  const [first = ''] = operands;
  const isInstance =
    operands.length === 1 && textOf(options, 'config') === undefined && appOptionsOf(options).length === 0;
  if (isInstance) return { appId: '', appInstanceId: first, made: await ask({ appInstanceId: first }) };
  // the same names on both sides, so that only what matters differs
  const twin = other !== undefined && 'instance' in other ? other.instance : crypto.randomUUID();
  const { request, explainError } = await askedFor(invocation, textOf(options, 'instance') ?? twin);
  try {
    return { ...request, made: await ask(request) };
  } catch (error) {
    throw await explainError(error);
  }
}

/** A file holds a specification already, or an app as --config describes it. */
async function specOf(
  other: Other,
  ask: Ask,
  { daemon, appId, appInstanceId }: Subject & { daemon: Address },
): Promise<object> {
  if ('instance' in other) return (await ask({ appInstanceId: other.instance })).spec;
  const { value } = other.file;
  if ('ociVersion' in value || 'memLimit' in value) return value;
  const words =
    'runtimeConfigObject' in value
      ? upstreamFrom(other.file, { options: {}, operands: [] })
      : { app: value as AppInput };
  const owner = appId === '' ? (await callOnce(daemon, ['getInfo', { appInstanceId }])).appId : appId;
  try {
    return (await ask({ appId: owner, appInstanceId, ...words })).spec;
  } catch (error) {
    const { withLines } = await import('../config-file.ts');
    throw await withLines(error, other.file, 'runtimeConfigObject' in value ? '' : 'app.');
  }
}

function show(made: GeneratedSpec, { explain, output }: { explain: boolean; output: Output }): void {
  if (output.json) output.data(made);
  else if (explain) output.line(table(['FIELD', 'VALUE', 'LAYER', 'BY'], (made.fields ?? []).map(rowOf)));
  else output.line(JSON.stringify(made.spec, null, 2));
}

const rowOf = ({ path, value, layer, by }: ExplainedField): readonly string[] => [path, short(value), layer, by ?? '-'];

const MOST = 60;

function short(value: unknown): string {
  const text = JSON.stringify(value);
  if (Array.isArray(value) && text.length > MOST) return `${value.length} items`;
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}

function showDifferences(found: readonly Difference[], output: Output): void {
  if (output.json) {
    // a side without the field has no value there
    output.data(found);
    return;
  }
  for (const { path, before, after } of found) {
    if (before !== undefined) output.line(output.style('red', `- ${path}: ${JSON.stringify(before)}`));
    if (after !== undefined) output.line(output.style('green', `+ ${path}: ${JSON.stringify(after)}`));
  }
  if (found.length === 0) output.note('no difference');
}
