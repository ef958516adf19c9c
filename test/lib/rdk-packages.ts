/** A package as RDK's PackageManager hands it over, with an app that can be watched. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Counts, and keeps what it was told by its environment. */
const PROGRAM = `#!/usr/bin/perl
open(my $e, ">", "/data/env"); print $e "$_=$ENV{$_}\\n" for qw(FIREBOLT_ENDPOINT TARGET_STATE); close($e);
my $n = 0;
while (1) { open(my $o, ">", "/data/count.new"); print $o ++$n; close($o); rename("/data/count.new", "/data/count"); select(undef, undef, undef, 0.01) }
`;

/** Where its files are. */
export async function counterPackage(directory: string): Promise<string> {
  const appPath = join(directory, 'package');
  await mkdir(appPath, { mode: 0o755 });
  await writeFile(join(appPath, 'counter'), PROGRAM, { mode: 0o755 });
  return appPath;
}

/** Every member is there, as after PackageManagerImplementation.cpp, getRuntimeConfig. */
export const runtimeConfigOf = (appPath: string, ids = { userId: 0, groupId: 0 }) => ({
  ...{ dial: false, wanLanAccess: false, thunder: false, systemMemoryLimit: 128 * 2 ** 20, gpuMemoryLimit: 0 },
  ...{
    envVariables: '[]',
    ...ids,
    dataImageSize: 0,
    resourceManagerClientEnabled: true,
    dialId: '',
    command: 'counter',
  },
  ...{ appType: 'INTERACTIVE', appPath, runtimePath: '', logFilePath: '', logFileMaxSize: 0, logLevels: '[]' },
  ...{ mapi: false, fkpsFiles: '[]', capabilities: '', ralfPkgPath: '', fireboltVersion: '1.0', enableDebugger: false },
  unpackedPath: '',
});
