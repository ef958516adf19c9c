/** npm run bench: our figures beside those of the bare tools, in one run on this machine. Ratios travel, milliseconds do not. */
import { parseArgs } from 'node:util';
import { calls } from './calls.ts';
import { commands } from './commands.ts';
import { compare, DOCS, PEER_NAMES } from './compare.ts';
import { displays } from './displays.ts';
import { audience, longLog } from './events.ts';
import { execs } from './execs.ts';
import { hibernation } from './hibernation.ts';
import { isolation } from './isolation.ts';
import { startDaemon, type Daemon } from './lib/daemon.ts';
import { removeGroups } from './lib/groups.ts';
import { sweep } from './lib/leftovers.ts';
import { printTable, type Figure } from './lib/table.ts';
import { crowd, exitToEvent, lifecycle } from './lifecycle.ts';
import { network } from './network.ts';
import { packages } from './packages.ts';
import { specifications } from './specifications.ts';

type Bench = { readonly name: string; readonly what: string } & (
  | { readonly alone: () => Promise<readonly Figure[]> }
  | { readonly within: (daemon: Daemon) => Promise<readonly Figure[]> }
);

const BENCHES: readonly Bench[] = [
  { name: 'commands', what: 'start-up of the command line', alone: async () => [await commands()] },
  { name: 'specifications', what: 'making a specification', alone: () => Promise.resolve(specifications()) },
  { name: 'network', what: 'start and traffic of an app with a network', alone: network },
  { name: 'lifecycle', what: 'run, suspend, resume', within: lifecycle },
  { name: 'isolation', what: 'what setting an app apart costs', within: isolation },
  { name: 'exits', what: 'from an end to its event', within: async (daemon) => [await exitToEvent(daemon)] },
  {
    name: 'crowd',
    what: 'memory and silence with 20 apps',
    within: async (daemon) => {
      const figures = await crowd(daemon);
      for (const { appInstanceId } of await daemon.client.list({})) await daemon.client.kill({ appInstanceId });
      return figures;
    },
  },
  { name: 'packages', what: 'many instances of one image', within: packages },
  { name: 'displays', what: 'displays, and what a person waits for', within: displays },
  { name: 'hibernation', what: 'hibernate and wake, up to 1 GB', within: hibernation },
  { name: 'execs', what: 'output of programs in apps', within: execs },
  { name: 'calls', what: 'calls each second', within: calls },
  { name: 'events', what: 'many subscribers', within: audience },
  { name: 'log', what: 'a log of a million events', within: (daemon) => longLog(daemon.readyMs) },
];

const HELP = `npm run bench -- [NAME…]         our figures beside those of the bare tools; all of them without a name
npm run bench -- compare         us beside runc, conmon, Podman, Docker and Dobby; writes docs/benchmarks.md and .svg

of compare:
  --apps LIST      numbers of apps that live meanwhile (1,10,100,300); with 100 it takes some minutes, with 300 a quarter of
                   an hour; a crowd needs 1 MB and 3 processes an app, and twice that of Podman
  --rounds N       lives of an app that are measured with up to 10 apps (10); half as many with 100, a third above
  --peers LIST     who is measured beside us (${PEER_NAMES.join(',')})
  --dobby ADDRESS  bus of a Dobby daemon (or RUNTIME_MANAGER_BENCH_DOBBY)
  --out DIRECTORY  where the page and the picture go (docs)

names:
${BENCHES.map(({ name, what }) => `  ${name.padEnd(16)} ${what}`).join('\n')}`;

async function figuresOf(chosen: readonly Bench[]): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const bench of chosen) {
    if ('alone' in bench) figures.push(...(await bench.alone()));
  }
  const within = chosen.filter((bench) => 'within' in bench);
  if (within.length === 0) return figures;
  await using daemon = await startDaemon();
  figures.push({ what: 'daemon ready', ours: daemon.readyMs, unit: 'ms', bound: 250 });
  for (const bench of within) figures.push(...(await bench.within(daemon)));
  return figures;
}

/** Whole and at least 1. */
function numberFrom(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new Error(`"${text}" is no number from 1 to 9999`);
}

function peersFrom(text: string): readonly string[] {
  const names = text.split(',');
  const wrong = names.find((name) => !PEER_NAMES.includes(name));
  if (wrong === undefined) return names;
  throw new Error(`there is no peer "${wrong}"; there are ${PEER_NAMES.join(', ')}`);
}

/** A first Ctrl-C gives everything back, a second one ends at once. */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.error('stopping: giving everything back');
      process.exitCode = 130;
      stop.abort(new Error(`stopped by ${signal}`));
    });
  }
  return stop.signal;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      apps: { type: 'string', default: '1,10,100,300' },
      peers: { type: 'string', default: PEER_NAMES.join(',') },
      rounds: { type: 'string', default: '10' },
      dobby: { type: 'string' },
      out: { type: 'string', default: DOCS },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const wrong = positionals.find((name) => name !== 'compare' && BENCHES.every((bench) => bench.name !== name));
  if (wrong !== undefined) throw new Error(`there is no benchmark "${wrong}"\n\n${HELP}`);
  for (const directory of await sweep()) console.error(`taken away: what was left in ${directory}`);
  const compared = positionals.includes('compare');
  const chosen = BENCHES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (chosen.length > 0) printTable(await figuresOf(chosen));
  if (!compared) return;
  await compare({
    counts: values.apps.split(',').map(numberFrom),
    rounds: numberFrom(values.rounds),
    peers: peersFrom(values.peers),
    dobby: values.dobby ?? process.env['RUNTIME_MANAGER_BENCH_DOBBY'],
    out: values.out,
    signal: stopOnSignals(),
  });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode ||= 1;
} finally {
  removeGroups();
}
// a connection to a bus stays open whatever it is told
process.exit();
