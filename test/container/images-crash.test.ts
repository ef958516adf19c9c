/** kill -9 at any moment, at home in the middle of everything: an image is whole, or it is not there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesWith } from '../lib/machine.ts';
import { until } from '../lib/until.ts';
import {
  asText,
  containerId,
  HERE,
  heap,
  imagesBox,
  MIB,
  never,
  noise,
  smallDump,
  subject,
  wait,
  type ImagesBox,
} from './images-box.ts';

const ROUNDS = Number(process.env['RUNTIME_MANAGER_IMAGE_KILLS'] ?? '30');
/** About what one round of the child takes. */
const LONGEST_MS = 700;
const CHILD = fileURLToPath(import.meta.resolve('./images-child.ts'));
const ID = containerId('app+1');
const WHOLE = asText({ ...smallDump(4 * MIB), 'pages-3.img': noise(MIB), 'pages-4.img': heap(2 * MIB) });

async function liveAndDie(box: ImagesBox, afterMs: number): Promise<void> {
  const child = spawn(process.execPath, [CHILD, box.root, ID], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await sleep(afterMs);
  assert.equal(child.exitCode, null, 'nothing failed before the kill');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until(() => processesWith(box.root).length === 0, { what: 'the tools have ended with the daemon' });
}

type Outcome = 'nothing' | 'draft' | 'fresh' | 'durable' | 'compressed';

/** As a daemon that starts anew: what is there is whole, or can be rolled back. A durable image is opened in another boot, too. */
async function settle(box: ImagesBox, round: number): Promise<Outcome> {
  const images = box.store();
  const known = await images.known();
  const found = await images.find(ID);
  const draft = await images.findDraft(ID);
  assert.deepEqual(known, found === undefined && draft === undefined ? [] : [ID]);
  if (found === undefined && draft !== undefined) await images.discardDraft(ID);
  if (found === undefined) return draft === undefined ? 'nothing' : 'draft';
  const { durable, compressed } = found.info;
  const reopened = durable && round % 2 === 0 ? box.store({ machine: { ...HERE, bootId: `boot ${round}` } }) : images;
  await reopened.open(ID, wait());
  assert.deepEqual(box.contents(ID), WHOLE);
  return compressed ? 'compressed' : durable ? 'durable' : 'fresh';
}

test('an image is whole or not there, whenever the daemon is killed', async () => {
  await using box = await imagesBox();
  const outcomes = new Map<Outcome, number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    await liveAndDie(box, Math.random() * LONGEST_MS);
    const outcome = await settle(box, round);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  console.log(`${ROUNDS} kills:`, Object.fromEntries(outcomes));
  assert(outcomes.size > 1);

  const images = box.store();
  await box.draft({ 'pages-1.img': heap(2 * MIB) }, ID, images);
  await images.commit(ID, subject(ID));
  await images.compress(ID, never());
  assert.deepEqual(box.names(ID), ['config.json', 'manifest.json', 'pages-1.img.zst'], 'no leftover is kept');
  await images.remove(ID);
  assert.deepEqual(readdirSync(box.root), []);
});
