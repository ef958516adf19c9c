/** A store in a process of its own, to be killed: goes through the life of an image over and over. Arguments: directory, id. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { imageStore } from '../../src/adapters/images/image-store.ts';
import { systemClock } from '../../src/adapters/process/clock.ts';
import { containerId, HERE, heap, MIB, never, noise, runTool, smallDump, subject, wait } from './images-box.ts';

const [directory = '', name = ''] = process.argv.slice(2);
const id = containerId(name);
const settings = { budgetBytes: 2 ** 40, compressionLevel: 1, compressAfterMs: 0 };
const images = imageStore({ directory, runTool, clock: systemClock, settings, machine: HERE });
const dump = { ...smallDump(4 * MIB), 'pages-3.img': noise(MIB), 'pages-4.img': heap(2 * MIB) };

process.stdout.write('ready\n');
for (;;) {
  const draft = await images.begin(id, 8 * MIB);
  for (const [file, data] of Object.entries(dump)) await writeFile(join(draft.directory, file), data);
  await images.commit(id, subject(id));
  await images.harden(id, never());
  await images.compress(id, never());
  await images.open(id, wait());
  await images.compress(id, never());
  if (Math.random() < 0.5) await images.remove(id);
  await sleep(0);
}
