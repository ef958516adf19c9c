/** What an app may ask for that this version cannot give yet: refused by name, not quietly left out. */
import { RuntimeError } from '../domain/errors.ts';
import type { RuntimeConfig } from '../domain/runtime-config.ts';
import type { CapabilityName } from './capabilities.ts';
import type { RdkWords } from './described.ts';
import type { Platform } from './platform/platform.ts';
import { wantsRialto } from './rdk-environment.ts';

export const notSupported = (member: string, next: string): RuntimeError =>
  new RuntimeError('NOT_SUPPORTED', {
    what: `${member} is not supported by this version`,
    next,
    details: { member },
  });

/** A row goes when its feature comes. The value asks for something when it is neither false, 0 (or less) nor empty. */
const RDK_REFUSED: Partial<Record<keyof RuntimeConfig, string>> = {
  thunder:
    'set it to false: the app needs a token of Thunder’s security agent, which only the plugin thunder of a Dobby asks for',
  gpuMemoryLimit:
    'set it to 0: no controller of the kernel limits the memory of a GPU, only the plugin gpu of a Dobby in a spec',
  mapi: 'set it to false: there are no mapi ports',
};
/** Where a directory is meant; the kernel reads no image that a package brings along, unless it is the app's root file system. */
const FILES_REFUSED = {
  appPath: 'give the directory of the package; an image can be run as the root file system (app.rootfs.image)',
  runtimePath: 'give the directory of the runtime; an image can be run as the root file system (app.rootfs.image)',
  unpackedPath:
    'give a directory, or leave it empty: the app has a private directory of its own, with a limit if it wants one',
} as const;

const CAPABILITIES_REFUSED: Partial<Record<CapabilityName, string>> = {
  mapi: 'take it out of the package: there are no mapi ports',
  thunder:
    'take it out of the package: the app needs a token of Thunder’s security agent, which only the plugin thunder of a Dobby asks for',
};

/** Members that belong to parts of Dobby: our own engine runs the app without them. */
const DOBBY_ONLY: readonly (keyof RuntimeConfig)[] = ['logFilePath', 'logFileMaxSize', 'logLevels'];

/** Rialto's sessions are made by a C++ library in the process of whoever starts the apps (RialtoServerManager); it has no other door. */
export const noSession = (): RuntimeError =>
  notSupported(
    'the capability rialto',
    'set rialto.override to forceOff in the platform configuration: nobody here makes a media session, as Rialto has no interface but its C++ library',
  );

export const asksForSomething = (value: string | number | boolean): boolean =>
  typeof value === 'string' ? value !== '' && value !== '[]' : Number(value) > 0;

/** For our own engine. Throws NOT_SUPPORTED naming the member or capability; what it ignores otherwise. */
export function refuseUnsupportedWords(words: RdkWords, { rialto }: Pick<Platform, 'rialto'>): readonly string[] {
  const { runtimeConfig, capabilities, files, hasDataDirectory } = words;
  for (const [member, next] of Object.entries(RDK_REFUSED)) {
    if (asksForSomething(runtimeConfig[member as keyof RuntimeConfig])) {
      throw notSupported(`runtimeConfigObject.${member}`, next);
    }
  }
  for (const member of runtimeConfig.ralfPkgPath === '' ? files : []) {
    throw notSupported(`runtimeConfigObject.${member} that is no directory`, FILES_REFUSED[member]);
  }
  if (runtimeConfig.unpackedPath !== '' && !hasDataDirectory) {
    throw notSupported('runtimeConfigObject.unpackedPath that is no directory', FILES_REFUSED.unpackedPath);
  }
  for (const [name, next] of Object.entries(CAPABILITIES_REFUSED)) {
    if (capabilities.has(name as CapabilityName)) throw notSupported(`the capability ${name}`, next);
  }
  if (wantsRialto(rialto, capabilities)) throw noSession();
  return [
    ...DOBBY_ONLY.filter((member) => asksForSomething(runtimeConfig[member])),
    ...[1, 2, 3, 4, 5].flatMap((level) => {
      const name = `local-services-${level}` as CapabilityName;
      return capabilities.has(name) ? [`capability ${name}`] : [];
    }),
  ];
}
