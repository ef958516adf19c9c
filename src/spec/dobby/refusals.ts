/** What our description can say and a Dobby spec cannot: refused by name, not quietly left out. */
import type { App } from '../../domain/app.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { noSession, notSupported } from '../unsupported.ts';
import type { DobbyOrder } from './order.ts';

const UINT32 = 2 ** 32 - 1;
/** Dobby's limits of ids. */
const MOST_ID = 65_534;

type Refusal = { readonly member: string; readonly asked: (app: App) => boolean; readonly next: string };

const REFUSALS: readonly Refusal[] = [
  {
    member: 'a root file system other than the device’s own',
    asked: ({ rootfs }) => !('host' in rootfs),
    next: 'use {"host": true}: Dobby makes the root of a spec itself',
  },
  {
    member: 'limits.memoryBytes of 4 GiB or more',
    asked: ({ limits }) => (limits.memoryBytes ?? 0) > UINT32,
    next: `give at most ${UINT32} bytes`,
  },
  {
    member: 'limits.cpus',
    asked: ({ limits }) => limits.cpus !== undefined,
    next: 'leave it out: Dobby knows shares and cores only',
  },
  {
    member: 'limits.cpuShares',
    asked: ({ limits }) => limits.cpuShares !== undefined,
    next: "leave it out: Dobby's shares are percent of another whole",
  },
  {
    member: 'limits.cores',
    asked: ({ limits }) => limits.cores !== undefined,
    next: 'leave it out: apps of Dobby have the cores of the platform configuration (apps.limits.cpuset)',
  },
  {
    member: 'limits.swapBytes',
    asked: ({ limits }) => limits.swapBytes !== undefined,
    next: "leave it out: Dobby's own rule for swap holds",
  },
  {
    member: 'limits.ioWeight',
    asked: ({ limits }) => limits.ioWeight !== undefined,
    next: 'leave it out: Dobby does not know it',
  },
  {
    member: 'limits.pids',
    asked: ({ limits }) => limits.pids !== undefined,
    next: "leave it out: Dobby's own setting (pids.limit) holds for all apps",
  },
  {
    member: 'limits.openFiles',
    asked: ({ limits }) => limits.openFiles !== undefined,
    next: 'leave it out: Dobby allows every app the same number',
  },
  {
    member: 'tmpfs',
    asked: ({ tmpfs = [] }) => tmpfs.length > 0,
    next: 'leave it out: /tmp is the only one that Dobby makes',
  },
  {
    member: 'devices',
    asked: ({ devices = [] }) => devices.length > 0,
    next: 'leave it out: Dobby gives the GPU and the decoder that its own settings name (gpu.enable, vpu.enable)',
  },
  {
    member: 'groups',
    asked: ({ groups = [] }) => groups.length > 0,
    next: 'leave it out: Dobby knows the groups of the device by its own settings',
  },
  {
    member: 'noExec',
    asked: ({ noExec }) => noExec === true,
    next: 'leave it out: Dobby mounts its directories as it likes',
  },
  {
    member: 'ports at one address',
    asked: ({ ports }) => ports.some(({ address }) => address !== undefined),
    next: 'leave address out: Dobby forwards at every address',
  },
  {
    member: 'ports with another number in the app',
    asked: ({ ports }) => ports.some(({ host, app }) => host !== app),
    next: 'give the same number on both sides: Dobby forwards a port to the same port',
  },
];

/** Throws NOT_SUPPORTED naming the member, INVALID_ARGUMENT for ids and a missing command. */
export function refuseForDobby({ described, identity, wantsRialto, rialtoSocket }: DobbyOrder): void {
  const { app, rdk } = described;
  if (rdk !== null && rdk.runtimeConfig.ralfPkgPath !== '') {
    const next = 'leave it empty, and give the directory of the package as appPath: a spec has no layers';
    throw notSupported('runtimeConfigObject.ralfPkgPath in a Dobby spec', next);
  }
  for (const { member, asked, next } of REFUSALS) {
    if (asked(app)) throw notSupported(`${member} in a Dobby spec`, next);
  }
  if (wantsRialto && rialtoSocket === null) throw noSession();
  if (app.args?.[0] === undefined || app.args[0] === '') {
    throw new RuntimeError('INVALID_ARGUMENT', { what: 'there is no command to run', next: 'give it in args' });
  }
  for (const [name, id] of Object.entries(identity)) {
    if (id >= 1 && id <= MOST_ID) continue;
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: `Dobby takes no ${name} ${id}`,
      next: `give ids from 1 to ${MOST_ID} (userIds in config.yaml)`,
      details: { [name]: id },
    });
  }
}
