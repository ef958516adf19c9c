import { stat } from 'node:fs/promises';
import { boundSources } from './bundle.ts';

/** For {@link BundleWishes.files}. What is not there crun will say. */
export async function boundFiles(config: object): Promise<ReadonlySet<string>> {
  const sources = boundSources(config);
  const isFile = (path: string): Promise<boolean> =>
    stat(path).then(
      (found) => !found.isDirectory(),
      () => false,
    );
  const are = await Promise.all(sources.map(isFile));
  return new Set(sources.filter((_, index) => are[index]));
}
