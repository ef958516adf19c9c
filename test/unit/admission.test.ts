import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Admission } from '../../src/server/admission.ts';
import { connectionBudget } from '../../src/start/connection-budget.ts';
import { until } from '../lib/until.ts';

let lastPort = 0;

/** What of a net.Socket the admission uses. */
function connection(remoteAddress: string): Socket {
  const emitter = new EventEmitter();
  const socket = Object.assign(emitter, {
    ...{ remoteAddress, remotePort: ++lastPort, destroyed: false },
    destroy: () => {
      socket.destroyed = true;
      emitter.emit('close');
    },
  });
  return socket as unknown as Socket;
}

function admission(maxConnections: number) {
  const clock = { ms: 0 };
  const said: string[] = [];
  const refused = (_who: string, _what: string, why: string) => void said.push(why);
  return { admission: new Admission({ maxConnections, refused, now: () => clock.ms }), clock, said };
}

const arrive = (to: Admission, count: number, address: string) =>
  Array.from({ length: count }, () => {
    const socket = connection(address);
    to.arrive(socket);
    return socket;
  });

test('connections that say nothing never take the place of a caller, and the oldest of them are closed', async () => {
  const { admission: door, clock } = admission(64);
  const silent = arrive(door, 40, '192.0.2.1');
  const [caller] = arrive(door, 1, '192.0.2.2') as [Socket];
  assert.ok(door.admit(caller, 'observe'));
  clock.ms += 300;
  await until(() => silent.filter(({ destroyed }) => !destroyed).length === 4, { what: 'few of an address are left' });
  assert.equal(caller.destroyed, false);
  assert.deepEqual(
    silent.map(({ destroyed }) => destroyed),
    silent.map((_, index) => index < 36),
  );
  door[Symbol.dispose]();
});

test('one address cannot have all places of those that have not said anything', () => {
  const { admission: door } = admission(64);
  const flood = arrive(door, 200, '192.0.2.1');
  assert.equal(flood.filter(({ destroyed }) => !destroyed).length, 48);
  const [other] = arrive(door, 1, '192.0.2.2') as [Socket];
  assert.equal(other.destroyed, false);
  assert.ok(door.admit(other, 'control'));
  door[Symbol.dispose]();
});

test('when all places are taken the longest silent caller makes room, never one that waits or listens', () => {
  const { admission: door, clock } = admission(3);
  const callers = arrive(door, 3, '192.0.2.1').slice(0, 3);
  const guests = callers.map((socket) => door.admit(socket, 'control'));
  const late = (role: 'control' | 'observe') => {
    const [socket] = arrive(door, 1, '192.0.2.3') as [Socket];
    return door.admit(socket, role);
  };
  assert.equal(late('control'), undefined, 'all were heard just now');
  clock.ms += 6000;
  const [first, second, third] = guests;
  assert.ok(first && second && third);
  first.busy = 1;
  second.listens = () => true;
  assert.ok(late('control'));
  assert.deepEqual(
    callers.map(({ destroyed }) => destroyed),
    [false, false, true],
  );
  second.role = 'observe';
  assert.equal(late('observe'), undefined);
  assert.ok(late('control'), 'an observer makes room for one who may control');
  assert.equal(callers[1]?.destroyed, true);
  door[Symbol.dispose]();
});

test('connections leave descriptors for the work', () => {
  const limits = (count: number) =>
    `Limit  Soft Limit\nMax open files            ${count}                ${count}   files\n`;
  assert.deepEqual(connectionBudget(limits(1024), 256), { unix: 256, tcp: 128 });
  assert.deepEqual(connectionBudget(limits(65_536), 256), { unix: 1024, tcp: 256 });
  assert.deepEqual(connectionBudget('Max open files            unlimited  unlimited  files', 300), {
    unix: 1024,
    tcp: 300,
  });
});
