/** The daemon as the last client of a display, of a real compositor and of hostile ones. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/adapters/process/clock.ts';
import { leaveDisplay } from '../../src/adapters/rdk/leave-display.ts';
import { windowManager } from '../../src/adapters/rdk/window-manager.ts';
import { appInstanceId } from '../../src/domain/ids.ts';
import { uniqueId } from '../lib/apps.ts';
import { helpfulRefusal } from '../lib/refusal.ts';
import { swayBox } from '../lib/sway-box.ts';
import { thunderBox, wait } from '../lib/thunder-box.ts';
import { windowManagerPlugin } from '../lib/thunder-plugins.ts';

const UID = 41_002;
const newOrder = (name: string) => ({
  ...{ appInstanceId: appInstanceId(uniqueId(name)), uid: UID, gid: UID, placement: 'host' as const },
  ...{ size: null, capabilities: [] },
});

test('the last client that a display of the window manager gets is one for a real compositor, too', async () => {
  await using box = await swayBox();
  const { socket } = await box.displays().createDisplay(newOrder('real'), wait());
  for (const _again of [1, 2]) assert.equal(await leaveDisplay(socket, wait()), 'left');
  assert.equal(await leaveDisplay(`${socket}-2`, wait()), 'nobody');
});

test("RDK's window manager: a display that does not go is an error in time, and can be given back later", async () => {
  await using box = await thunderBox();
  const directory = join(box.directory, 'x');
  await mkdir(directory, { mode: 0o711 });
  box.held.use(windowManagerPlugin(box.server, directory));
  const displays = windowManager({ thunder: box.thunder, directory, clock: systemClock });
  const order = newOrder('stuck');
  const { socket } = displays.placeOf(order.appInstanceId, 'host');
  const says: Readonly<Record<string, (client: Socket) => void>> = {
    'does not answer': () => undefined,
    'closes at once': (client) => client.destroy(),
    'answers nonsense': (client) => client.write(Buffer.alloc(64)),
    'never stops': (client) => {
      const flood = (): void => {
        if (client.writable) client.write(Buffer.alloc(65_536, 8), flood);
      };
      flood();
    },
  };
  for (const [how, answer] of Object.entries(says)) {
    const clients: Socket[] = [];
    const hostile = createServer((client) => {
      clients.push(client);
      client.on('error', () => undefined);
      answer(client);
    }).listen(socket);
    await once(hostile, 'listening');
    try {
      await helpfulRefusal(displays.destroyDisplay(order.appInstanceId, wait(300)), 'DISPLAY_FAILED', /stays/);
      assert(existsSync(socket), how);
    } finally {
      for (const client of clients) client.destroy();
      hostile.close();
      await once(hostile, 'close');
    }
  }
  await displays.createDisplay(order, wait());
  await displays.destroyDisplay(order.appInstanceId, wait());
  // what a window manager that was killed leaves: its socket, by another name than it would remove
  const dead = createServer().listen(join(directory, 'dead'));
  await once(dead, 'listening');
  await rename(join(directory, 'dead'), socket);
  dead.close();
  await once(dead, 'close');
  assert(existsSync(socket));
  await displays.destroyDisplay(order.appInstanceId, wait());
  assert.deepEqual(readdirSync(directory), []);
});
