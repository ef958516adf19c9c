/** npm run bench: our figures beside those of the bare tools, in one run on this machine. Ratios travel, milliseconds do not. */
import { rmdirSync } from 'node:fs';
import { readdirSync } from 'node:fs';
import { calls } from './calls.ts';
import { commands } from './commands.ts';
import { audience, longLog } from './events.ts';
import { hibernation } from './hibernation.ts';
import { startDaemon } from './lib/daemon.ts';
import { isolation } from './isolation.ts';
import { printTable, type Figure } from './lib/table.ts';
import { network } from './network.ts';
import { packages } from './packages.ts';
import { crowd, exitToEvent, lifecycle } from './lifecycle.ts';
import { specifications } from './specifications.ts';

async function main(): Promise<void> {
  const figures: Figure[] = [await commands(), ...specifications()];
  {
    await using daemon = await startDaemon();
    figures.push({ what: 'daemon ready', ours: daemon.readyMs, unit: 'ms', bound: 250 });
    figures.push(...(await lifecycle(daemon)));
    figures.push(...(await isolation(daemon)));
    figures.push(await exitToEvent(daemon));
    figures.push(...(await crowd(daemon)));
    for (const { appInstanceId } of await daemon.client.list({})) await daemon.client.kill({ appInstanceId });
    figures.push(...(await packages(daemon)));
    figures.push(...(await hibernation(daemon)));
    figures.push(...(await calls(daemon)));
    figures.push(...(await audience(daemon)));
    figures.push(...(await longLog(daemon.readyMs)));
  }
  figures.push(...(await network()));
  for (const hierarchy of readdirSync('/sys/fs/cgroup')) {
    try {
      rmdirSync(`/sys/fs/cgroup/${hierarchy}/runtime-manager-bench-${process.pid}`);
    } catch {
      // not in this hierarchy
    }
  }
  printTable(figures);
}

await main();
