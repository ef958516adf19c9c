/** Images of every kind → a plain tar a layer, each named by its own digest, in a directory of ours. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RuntimeError } from '../../domain/errors.ts';
import { boundedTools, refuseBeyond, type Bounds } from './bounds.ts';
import { nextFor as nextForPlatform } from './platform.ts';
import { invalid, type Located } from './reference.ts';
import { reasonOf, type PackageTools } from './tools.ts';
import { verdictOf } from '../process/run-tool.ts';

export type Copying = {
  readonly tools: PackageTools;
  readonly bounds: Bounds;
  /** Ours alone, removed by the caller. */
  readonly draft: string;
};

export const nameOf = ({ kind, path, tag }: Pick<Located, 'kind' | 'path' | 'tag'>): string =>
  `${kind}:${path}${tag === undefined ? '' : `:${tag}`}`;

/**
 * For this machine's architecture, where there is a choice; the digest of every blob is checked. `--dest-decompress` looks at the bytes
 * of a layer, not at what its manifest calls them: skopeo's reader of docker archives calls all layers gzip (containers/image,
 * docker/internal/tarfile/src.go), and `docker save` writes plain ones. Answers with the directory of the blobs. Throws BUNDLE_INVALID, NO_SPACE.
 */
export async function copyImage(located: Located, copying: Copying): Promise<string> {
  const { path, kind } = located;
  if (path.includes(':')) {
    throw invalid(path, 'has a ":" in its path, which image tools take for a tag', 'move it to another path');
  }
  if (kind !== 'archive') return copyAs(located, copying);
  // `docker save` since 25 writes both layouts into one file, and its own has the names by which people know its images
  return copyAs({ ...located, kind: 'docker-archive' }, copying).catch((error: unknown) => {
    if (!lacks(error, 'manifest.json')) throw error;
    return copyAs({ ...located, kind: 'oci-archive' }, copying).catch((fault: unknown) => {
      if (!lacks(fault, 'index.json')) throw fault;
      const next =
        'give an archive of docker save, podman save or skopeo; files of a root file system are unpacked and run with rootfs.dir (--rootfs)';
      throw invalid(path, 'is an archive, but no image: it has neither manifest.json nor index.json', next, fault);
    });
  });
}

const lacks = (error: unknown, name: string): boolean =>
  error instanceof RuntimeError &&
  typeof error.cause === 'string' &&
  error.cause.includes(name) &&
  /no such file|does not exist|not found/i.test(error.cause);

async function copyAs(located: Located, { tools, bounds, draft }: Copying): Promise<string> {
  const { path, kind, tag } = located;
  const temporary = join(draft, 'tmp');
  const layout = join(draft, 'layout');
  const blobs = join(layout, 'blobs', 'sha256');
  for (const place of [temporary, blobs]) await mkdir(place, { recursive: true, mode: 0o700 });
  const places = [layout, temporary];
  const argv = [
    'skopeo',
    '--tmpdir',
    temporary,
    '--insecure-policy',
    'copy',
    '--quiet',
    '--format',
    'oci',
    '--dest-decompress',
  ];
  await boundedTools(
    tools,
    bounds,
    places,
  )([...argv, nameOf(located), `dir:${blobs}`]).catch(async (error: unknown) => {
    if (verdictOf(error) === undefined) throw error;
    const why = `cannot be read as ${kind}${tag === undefined ? '' : ` with the tag ${tag}`}`;
    throw invalid(path, why, await nextFor(error, located, tools), reasonOf(error));
  });
  await refuseBeyond(tools, bounds, places);
  return blobs;
}

/** Of skopeo: no such tag, or several to choose from. */
const CHOICE =
  /no descriptor found|not found in archive|tag .* not found|choose an image|more than one image|expected 1 item/i;
const FOREIGN = /no image found in (?:image index|manifest list) for architecture/i;

async function nextFor(error: unknown, { kind, path }: Located, tools: PackageTools): Promise<string> {
  const words = error instanceof RuntimeError ? String(error.cause) : '';
  if (FOREIGN.test(words)) return nextForPlatform();
  if (!CHOICE.test(words)) return 'build or copy the image again';
  const names = kind === 'docker-archive' ? await namesIn(path, tools) : [];
  if (names.length > 0) return `name the image: ${names.map((name) => `docker-archive:${path}:${name}`).join(' or ')}`;
  return 'give one of its tags after the path (skopeo list-tags shows those of an archive, index.json those of a layout)';
}

const MAX_NAMES = 5;

async function namesIn(path: string, tools: PackageTools): Promise<readonly string[]> {
  // the names only complete an error that is told anyway
  const { stdout } = await tools(['skopeo', 'list-tags', `docker-archive:${path}`]).catch(() => ({ stdout: '' }));
  const names = /"Tags": \[([^\]]*)\]/.exec(stdout)?.[1]?.match(/[^"\s,]+/g) ?? [];
  return names.slice(0, MAX_NAMES);
}
