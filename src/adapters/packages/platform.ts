/** Images for other machines than this one are refused before anything of them is unpacked. */
import { headerFor, nativeMachine } from '../../domain/elf.ts';
import { foreignMachine } from '../files/programs.ts';
import { invalid } from './reference.ts';

type Platform = { readonly architecture: string | undefined; readonly os: string | undefined };

/** An image that says nothing, as scripts make them, is not refused: the command's own file is looked at, too. Throws BUNDLE_INVALID. */
export async function refuseForeign({ architecture = '', os = '' }: Platform, source: string): Promise<void> {
  const own = nativeMachine(process.arch);
  if ((os === '' || os === 'linux') && (architecture === '' || architecture === own)) return;
  const head = headerFor(architecture);
  const isEmulated = head !== undefined && (await foreignMachine(head)) === undefined;
  if ((os === '' || os === 'linux') && isEmulated) return;
  const platform = `${os === '' ? 'linux' : os}/${architecture === '' ? own : architecture}`;
  throw invalid(source, `is an image for ${platform}, and this device is linux/${own}`, nextFor(own));
}

export const nextFor = (own: string = nativeMachine(process.arch)): string =>
  `build or copy it for linux/${own} (skopeo copy --override-arch ${own} --override-os linux)`;
