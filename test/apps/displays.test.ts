/** Real apps that draw: each on a display of its own in its container, hibernated and woken three times. */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { test } from 'node:test';
import type { Client } from '../../src/client/node.ts';
import { eventsOf, hostApp, inWords, outputOf, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { GUI_TREE, guiTree, PROGRAMS } from '../lib/packages.ts';
import type { Picture } from '../lib/png.ts';
import { pictureOf } from '../lib/screens.ts';
import { until } from '../lib/until.ts';

type Subject = {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether its picture changes by itself. */
  readonly moves?: true;
};

const QT = '/usr/lib/x86_64-linux-gnu/qt6/examples';
const CHROMIUM = ['--ozone-platform=wayland', '--disable-gpu', '--kiosk', '--no-sandbox', '--user-data-dir=/data/c'];
const QUIET = ['--no-first-run', '--disable-breakpad', '--enable-logging=stderr', 'file:///opt/programs/counter.html'];

const SUBJECTS: Readonly<Record<string, Subject>> = {
  'a client in shared memory': { args: ['/usr/bin/weston-simple-shm'], moves: true },
  'GTK 3': { args: ['/usr/bin/gtk3-widget-factory'] },
  'GTK 4': { args: ['/usr/bin/gtk4-widget-factory'], env: { GSK_RENDERER: 'cairo' } },
  'Qt 6': { args: [`${QT}/widgets/widgets/analogclock/bin/analogclock`], env: { QT_QPA_PLATFORM: 'wayland' } },
  EGL: { args: ['/usr/bin/weston-simple-egl'], env: { LIBGL_ALWAYS_SOFTWARE: '1' }, moves: true },
  foot: { args: ['/usr/bin/foot', '/usr/bin/sleep', '1000'] },
  Chromium: { args: ['/usr/lib/chromium/chromium', ...CHROMIUM, ...QUIET], moves: true },
};

/** There is none in the container, and the toolkits say so at length. */
const NO_BUS = { DBUS_SESSION_BUS_ADDRESS: 'disabled:', NO_AT_BRIDGE: '1', GTK_A11Y: 'none' };

const CYCLES = 3;
const SIZE = { width: 640, height: 400 };
const READY_MS = 60_000;

/** A sample of its pixels. */
const sampleOf = ({ width, height, pixel }: Picture): readonly string[] =>
  Array.from({ length: 400 }, (_, index) =>
    pixel(Math.floor(((index % 20) + 0.5) * (width / 20)), Math.floor((Math.floor(index / 20) + 0.5) * (height / 20))),
  );

const isDrawn = (picture: Picture): boolean => sampleOf(picture).some((colour) => colour !== '000000');

async function untilDrawn(client: Client, id: string): Promise<void> {
  await until(async () => isDrawn(await pictureOf(client, id)), {
    what: `${id} draws`,
    timeoutMs: READY_MS,
    pollMs: 100,
  });
}

async function untilMoves(client: Client, id: string): Promise<void> {
  const before = JSON.stringify(sampleOf(await pictureOf(client, id)));
  await until(async () => JSON.stringify(sampleOf(await pictureOf(client, id))) !== before, {
    what: `the picture of ${id} goes on`,
    timeoutMs: READY_MS,
    pollMs: 100,
  });
}

/** What a page with a counter has said last; 0 for anything else. */
const countOf = async (client: Client, id: string): Promise<number> =>
  Math.max(0, ...(await outputOf(client, id)).map((line) => Number(/count=(\d+)/.exec(line)?.[1] ?? 0)));

for (const [name, { args, env = {}, moves }] of Object.entries(SUBJECTS)) {
  test(`${name} draws in its container, sleeps and wakes three times`, async () => {
    await guiTree();
    await using daemon = await startDaemon();
    await chmod(daemon.directory, 0o711);
    const { client } = daemon;
    const mounts = [{ source: PROGRAMS, destination: '/opt/programs', readOnly: true }];
    const id = uniqueId('gui');
    await client.run(
      hostApp(id, args, { rootfs: { dir: GUI_TREE }, display: SIZE, env: { ...NO_BUS, ...env }, mounts }),
    );
    // whoever ends at once says why
    await untilDrawn(client, id).catch(async (cause: unknown) => {
      throw new Error((await outputOf(client, id)).slice(-20).join('\n'), { cause });
    });
    assert(inWords(await eventsOf(client, id)).includes('displayReady'));
    for (let round = 0; round < CYCLES; round++) {
      const count = await countOf(client, id);
      await client.hibernate({ appInstanceId: id });
      const last = await client.getScreenshot({ appInstanceId: id });
      assert.equal(last.live, false);
      await client.wake({ appInstanceId: id });
      await untilDrawn(client, id);
      if (moves === true) await untilMoves(client, id);
      assert((await countOf(client, id)) >= count);
      assert(!inWords(await eventsOf(client, id)).includes('terminated'));
    }
  });
}
