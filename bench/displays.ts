/** Displays: what one costs beside the bare compositor, what a person waits for, what it holds. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, closeSync, readdirSync, readFileSync, writeFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCompositor } from '../src/adapters/sway/compositor.ts';
import { swayConfig } from '../src/adapters/sway/sway-config.ts';
import { BUNDLE, SEARCH_PATH, swayBox, wait, type SwayBox } from '../test/lib/sway-box.ts';
import { PACKAGE, proportionalBytes, type Daemon } from './lib/daemon.ts';
import { alternate, median, timed } from './lib/statistics.ts';
import type { Figure } from './lib/table.ts';

const ROUNDS = 9;
const MIB = 2 ** 20;
const SIZE = { width: 1280, height: 720 };

const app = {
  rootfs: { host: true as const },
  args: ['/usr/bin/perl', '/opt/drawing.pl'],
  mounts: [{ source: `${PACKAGE}examples/drawing.pl`, destination: '/opt/drawing.pl', readOnly: true }],
};

export async function displays(daemon: Daemon): Promise<readonly Figure[]> {
  const { client } = daemon;
  const created = await besideBareSway();
  const plain: number[] = [];
  const drawn: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const ids = { with: `drawn${i}`, without: `plain${i}` };
    plain.push(await timed(() => client.run({ appId: 'bench', appInstanceId: ids.without, app })));
    await client.run({ appId: 'bench', appInstanceId: ids.with, app: { ...app, display: SIZE } });
    drawn.push(await firstPicture(daemon, ids.with));
    await client.kill({ appInstanceId: ids.without });
    if (i < ROUNDS - 1) await client.kill({ appInstanceId: ids.with });
  }
  const last = { appInstanceId: `drawn${ROUNDS - 1}` };
  // pictures make it keep one more buffer, of 3.5 MB, for a while
  const held = proportionalBytes(compositorOf(last.appInstanceId));
  const pictures: number[] = [];
  for (let i = 0; i < ROUNDS; i++) pictures.push(await timed(() => client.getScreenshot(last)));
  await client.kill(last);
  return [
    { what: 'createDisplay / bare sway until its socket answers', ...created, unit: 'ms', bound: 1.5 },
    {
      what: 'first picture, more than running without display',
      ours: median(drawn) - median(plain),
      unit: 'ms',
      bound: 150,
    },
    { what: 'screenshot, 720p', ours: median(pictures), unit: 'ms', bound: 120 },
    { what: 'memory of a compositor, 720p (PSS)', ours: held / MIB, unit: 'MB', bound: 20 },
  ];
}

/** From the call of `run`, in ms. */
async function firstPicture({ client }: Daemon, appInstanceId: string): Promise<number> {
  for (;;) {
    const { events } = await client.getEvents({ since: 0, appInstanceId });
    const ready = events.find(({ type }) => type === 'displayReady');
    if (ready?.type === 'displayReady') return ready.ms ?? Number.NaN;
    await sleep(5);
  }
}

/** In the app's container. */
function compositorOf(appInstanceId: string): number {
  const isIt = (pid: string): boolean => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return words.includes('bin/sway\0') && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(appInstanceId);
    } catch {
      return false; // it has ended
    }
  };
  return Number(readdirSync('/proc').find((name) => /^\d+$/.test(name) && isIt(name)));
}

async function besideBareSway(): Promise<{ ours: number; theirs: number }> {
  await using box = await swayBox();
  const ours = box.displays();
  const begin = async (i: number): Promise<number> => {
    const order = { ...box.order(`ours${i}`), size: SIZE };
    const ms = await timed(() => ours.createDisplay(order, wait()));
    await ours.destroyDisplay(order.appInstanceId, wait());
    return ms;
  };
  const figures = await alternate(ROUNDS, begin, (i) => bareSway(box, i));
  await ours.close();
  return figures;
}

async function bareSway(box: SwayBox, i: number): Promise<number> {
  const compositor = findCompositor({ bundle: BUNDLE, searchPath: SEARCH_PATH });
  const [file = '', ...args] = compositor?.sway ?? [];
  const directory = `${box.directory}/bare${i}`;
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(`${directory}/config`, swayConfig(SIZE, 'headless'));
  const descriptors = (compositor?.directories ?? []).map((path) => openSync(path, 'r'));
  const started = performance.now();
  const child = spawn(file, [...args, '--config', `${directory}/config`], {
    env: {
      ...{ PATH: SEARCH_PATH, HOME: directory, XDG_RUNTIME_DIR: directory, ...compositor?.env },
      ...{ WLR_RENDERER: 'pixman', WLR_BACKENDS: 'headless', WLR_HEADLESS_OUTPUTS: '1', WLR_LIBINPUT_NO_DEVICES: '1' },
    },
    stdio: ['ignore', 'ignore', 'ignore', ...descriptors],
  });
  while (!(await answers(`${directory}/wayland-1`))) await sleep(2);
  const ms = performance.now() - started;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  for (const descriptor of descriptors) closeSync(descriptor);
  rmSync(directory, { recursive: true });
  return ms;
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    const tell = (value: boolean) => () => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', tell(true)).once('error', tell(false));
  });
