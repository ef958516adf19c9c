/** An OCI bundle: what of its config.json we take over, and where its root is (runtime-spec bundle.md, config.md). */
import { realpath } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { RuntimeError } from '../../domain/errors.ts';
import { notesOf } from '../../domain/bundle-notes.ts';
import { faultsOf, type Fault } from '../../domain/faults.ts';
import type { BundleConfig, BundleMount } from '../../domain/rootfs.ts';
import { allowedSources, type BundlePolicy } from './allowed-sources.ts';
import { DOBBY_INIT, judgeMount, withinWritable, type Place } from './bundle-mounts.ts';
import { bundleSchema, type BundleFile } from './bundle-schema.ts';
import { readText } from './device-files.ts';
import { badLineOf } from './json-line.ts';

const MAX_CONFIG_BYTES = 4 * 2 ** 20;

export type Bundle = { readonly root: string; readonly config: BundleConfig };
type Wrong = Pick<Fault, 'path' | 'expected'>;

/** `bundle`: absolute, without symbolic links. Throws BUNDLE_INVALID that names each fault. */
export async function readBundle(bundle: string, policy: BundlePolicy): Promise<Bundle> {
  const file = join(bundle, 'config.json');
  const content = parse(file, await textOf(file));
  const result = bundleSchema.safeParse(content);
  if (!result.success) throw wrong(file, faultsOf(result.error));
  const config = result.data;
  const place: Place = { bundle, isAllowed: await allowedSources(bundle, policy) };
  const { mounts, notes, faults } = await mountsOf(config, place);
  const root = posix.resolve(bundle, config.root.path);
  const all = [...(await faultsOfRoot(root, { place, mounts })), ...faults];
  if (all.length > 0) throw wrong(file, all);
  return { root, config: { ...configOf(config), mounts, notes: [...notesOf(content), ...notes] } };
}

function configOf({ process: asked, hostname, annotations, linux }: BundleFile): Omit<BundleConfig, 'mounts'> {
  const args = asked?.args ?? [];
  // the app's process 1 is Runtime Manager's own
  const own = posix.basename(args[0] ?? '') === DOBBY_INIT ? args.slice(1) : args;
  return {
    args: own.length > 0 ? own : undefined,
    env: asked?.env ?? [],
    cwd: asked?.cwd,
    hostname,
    annotations,
    limits: { memoryBytes: linux?.resources?.memory?.limit, pids: linux?.resources?.pids?.limit },
  };
}

async function textOf(file: string): Promise<string> {
  const text = await readText(file, MAX_CONFIG_BYTES);
  if (text !== undefined) return text;
  throw new RuntimeError('BUNDLE_INVALID', {
    what: `${file} does not exist`,
    next: 'give the directory of an OCI bundle: one that holds config.json (umoci unpack makes one)',
    details: { file },
  });
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RuntimeError('BUNDLE_INVALID', {
      what: `${file} is not JSON: line ${badLineOf(text) ?? '?'}`,
      next: 'correct the file',
      details: { file },
      cause: error,
    });
  }
}

type Mounts = {
  readonly mounts: readonly BundleMount[];
  readonly notes: readonly string[];
  readonly faults: readonly Wrong[];
};

async function mountsOf({ mounts: raw }: BundleFile, place: Place): Promise<Mounts> {
  const judged = await Promise.all(raw.map((one) => judgeMount(one, place)));
  const pathOf = (at: number): string => `mounts[${at}] (${raw[at]?.destination ?? ''})`;
  const mounts = judged.flatMap((one) => (one.kind === 'kept' ? [one.mount] : []));
  const faults = judged.flatMap((one, at): Wrong[] => {
    if (one.kind === 'refused') return one.faults.map((expected) => ({ path: pathOf(at), expected }));
    const above = one.kind === 'kept' ? withinWritable(one.mount.source, mounts) : undefined;
    return above === undefined ? [] : [{ path: pathOf(at), expected: leadsAnywhere(above) }];
  });
  const notes = judged.flatMap((one, at) => (one.kind === 'left' ? [`${pathOf(at)}: ${one.why}`] : []));
  return { mounts, notes, faults };
}

type Around = { readonly place: Place; readonly mounts: readonly BundleMount[] };

/** What is no directory is told where the root is opened. */
async function faultsOfRoot(root: string, { place, mounts }: Around): Promise<readonly Wrong[]> {
  const real = await realpath(root).catch(() => root);
  const above = withinWritable(real, mounts);
  if (above !== undefined) return [{ path: 'root.path', expected: leadsAnywhere(above) }];
  if (real === '/' || place.isAllowed(real, 'read')) return [];
  return [{ path: 'root.path', expected: `${real} is not in the bundle, nor in bundles.mounts of the configuration` }];
}

const leadsAnywhere = (above: string): string =>
  `lies in ${above}, which the app may write: it could make a symbolic link there that leads anywhere`;

const MOST_FAULTS = 20;

function wrong(file: string, faults: readonly Wrong[]): RuntimeError {
  const shown = faults.slice(0, MOST_FAULTS);
  const more = faults.length > shown.length ? `; and ${faults.length - shown.length} more` : '';
  const lines = shown.map(({ path, expected }) => `${path === '' ? 'the whole' : path} ${expected}`);
  const isDenied = faults.some(({ expected }) => expected.includes('bundles.'));
  return new RuntimeError('BUNDLE_INVALID', {
    what: `${file} cannot be used: ${lines.join('; ')}${more}`,
    next: isDenied
      ? 'correct the file, or list what its app may see in bundles.mounts of config.yaml (docs/configuration.md)'
      : 'correct the file',
    details: { file, members: shown.map(({ path, expected }) => ({ path, expected })) },
  });
}
