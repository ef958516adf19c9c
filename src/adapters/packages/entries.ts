/** The names in a layer: one that climbs out of the image is refused. */
import { invalid } from './reference.ts';
import type { PackageTools } from './tools.ts';

/** Names with a step upwards, as tar(1) matches them. */
const CLIMBING = ['..', '../*', '*/..', '*/../*'];

type Listing = { readonly file: string; readonly where: string; readonly source: string };

/**
 * An absolute name, `/` itself and `./` mean the image's own root, as many builders write them (kaniko, bazel, nix, `umoci insert`).
 * Whatever the name, umoci resolves it inside; but nobody makes `../x` by accident, so the image is not to be trusted. Throws BUNDLE_INVALID.
 */
export async function refuseHostile(tools: PackageTools, { file, where, source }: Listing): Promise<void> {
  // 2: none of these names is in it; a broken one is told by umoci
  const { stdout } = await tools(
    ['tar', '--list', '--absolute-names', '--wildcards', '--quoting-style=escape', '--file', file, ...CLIMBING],
    { accept: [0, 2] },
  );
  const hostile = stdout.split('\n').find((name) => leavesRoot(name));
  if (hostile === undefined) return;
  throw invalid(
    source,
    `has the entry ${JSON.stringify(hostile)} in ${where}: it leads out of the image`,
    'do not use this image',
  );
}

function leavesRoot(name: string): boolean {
  let depth = 0;
  for (const part of name.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
