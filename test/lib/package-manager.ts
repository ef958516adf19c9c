/**
 * The `runtimeConfigObject` of RDK's own callers, member for member: PackageManagerImplementation.cpp, getRuntimeConfig (from the
 * package's ConfigMetaData; userId and groupId are 30000 in PackageManagerImplementation.h), AppManagerImplementation.cpp, which adds
 * unpackedPath, and RuntimeManagerHandler.cpp, RuntimeManagerHandler::run, which adds dialId and two variables.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MethodInput } from '../../src/client/node.ts';

/** What PackageManager gives every app that asks for no id of its own. */
export const PACKAGE_MANAGER_ID = 30_000;
/** LifecycleManager: mFireboltAccessPort. */
const FIREBOLT_PORT = 3473;

type Package = {
  readonly appId: string;
  readonly appInstanceId: string;
  /** Directory with the program. */
  readonly appPath: string;
  readonly command: string;
  /** Other values than those of a package whose metadata says nothing. */
  readonly config?: NonNullable<MethodInput<'run'>['runtimeConfigObject']>;
};

/** As LifecycleManager sends it: ids of its own are 0, lists are empty but for the port of Firebolt. */
export function lifecycleManagerRun({
  appId,
  appInstanceId,
  appPath,
  command,
  config = {},
}: Package): MethodInput<'run'> {
  const environment = [`FIREBOLT_ENDPOINT=ws://127.0.0.1:${FIREBOLT_PORT}/?session=${appInstanceId}`, 'TARGET_STATE=3'];
  return {
    ...{ appId, appInstanceId, userId: 0, groupId: 0, ports: [FIREBOLT_PORT], paths: [], debugSettings: [] },
    runtimeConfigObject: {
      ...{ dial: false, wanLanAccess: false, thunder: false, systemMemoryLimit: 128 * 2 ** 20, gpuMemoryLimit: 0 },
      envVariables: JSON.stringify(environment),
      ...{
        userId: PACKAGE_MANAGER_ID,
        groupId: PACKAGE_MANAGER_ID,
        dataImageSize: 0,
        fkpsFiles: '[]',
        capabilities: '',
      },
      ...{ appType: 'INTERACTIVE', appPath, command, runtimePath: '', logLevels: '', logFilePath: '' },
      ...{
        enableDebugger: false,
        logFileMaxSize: 0,
        mapi: false,
        resourceManagerClientEnabled: false,
        ralfPkgPath: '',
      },
      ...{ dialId: appId, fireboltVersion: '', unpackedPath: '' },
      ...config,
    },
  };
}

/** A package with one program; its directory. */
export async function installPackage(directory: string, command: string, program: string): Promise<string> {
  await mkdir(directory, { mode: 0o755 });
  await writeFile(join(directory, command), program, { mode: 0o755 });
  return directory;
}

/** Counts, and keeps what it was told by its environment. */
export const COUNTER = `#!/usr/bin/perl
open(my $e, ">", "/data/env"); print $e "$_=$ENV{$_}\\n" for qw(FIREBOLT_ENDPOINT TARGET_STATE); close($e);
my $n = 0;
while (1) { open(my $o, ">", "/data/count.new"); print $o ++$n; close($o); rename("/data/count.new", "/data/count"); select(undef, undef, undef, 0.01) }
`;
