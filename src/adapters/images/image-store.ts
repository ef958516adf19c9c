/**
 * Hibernation images as directories: `<directory>/<containerId>/` holds CRIU's files as the runtime wrote them, config.json and
 * manifest.json. The manifest decides what counts; a rename makes an image of a draft.
 */
import type { ImageInfo } from '../../domain/hibernation.ts';
import type { ContainerId } from '../../domain/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Image, Images, ImageSettings } from '../../ports/images.ts';
import type { Log } from '../../ports/log.ts';
import { listDirectory } from '../files/list-directory.ts';
import type { RunTool } from '../process/run-tool.ts';
import { bounded, putBack } from './bounded.ts';
import { compress } from './compress.ts';
import { look, removeDirectory } from './disk.ts';
import { complete, HELD_IN_ALL_BYTES, layOut, makeRoot, putInPlace, removeImage, settleReplaced } from './draft.ts';
import type { Machine } from './fit.ts';
import { harden, type BackgroundWork } from './harden.ts';
import { Lanes } from './lanes.ts';
import type { Manifest } from './manifest.ts';
import { openImage } from './open.ts';
import { countdown } from './patience.ts';
import { isGone, ownerOf, places, type Places } from './places.ts';
import { Room } from './room.ts';
import { readImage, toImage, type StoredImage } from './stored-image.ts';
import { imageTools, type ImageTools } from './tools.ts';
import { unusable } from './unusable.ts';
import { glance } from './verify.ts';

export type ImageStoreOptions = {
  /** Absolute, on a disk that outlives a reboot. */
  readonly directory: string;
  readonly runTool: RunTool;
  readonly clock: Pick<Clock, 'now'>;
  readonly settings: ImageSettings;
  readonly machine: Machine;
  readonly log?: Pick<Log, 'warn'>;
};

type Parts = ImageStoreOptions & {
  readonly at: Places;
  readonly tools: ImageTools;
  readonly lanes: Lanes;
  readonly room: Room;
};

export function imageStore(options: ImageStoreOptions): Images {
  const at = places(options.directory);
  const { budgetBytes } = options.settings;
  const room = new Room({ places: at, budgetBytes, find: (id) => find(at, id) });
  const parts = { ...options, at, tools: imageTools(options.runTool), lanes: new Lanes(), room };
  return { ...drafts(parts), ...keeping(parts), ...backgroundWork(parts) };
}

async function find(at: Places, id: ContainerId): Promise<Image | undefined> {
  const found = await readImage(id, at.image(id));
  return found && toImage(found);
}

async function mustRead(at: Places, id: ContainerId): Promise<StoredImage> {
  const found = await readImage(id, at.image(id));
  if (found !== undefined) return found;
  throw unusable({ id, directory: at.image(id), why: 'there is none' });
}

function drafts(parts: Parts): Pick<Images, 'begin' | 'bounded' | 'commit' | 'findDraft' | 'discardDraft'> {
  const { at, lanes, room, machine, clock } = parts;
  return {
    begin: (id, expectedBytes) =>
      lanes.foreground(id, async () => {
        await makeRoot(at.root);
        await settleReplaced(at, id);
        await Promise.all([at.draft(id), at.aside(id)].map(removeDirectory));
        await room.reserve(id, expectedBytes + HELD_IN_ALL_BYTES);
        try {
          return await layOut(at.draft(id));
        } catch (error) {
          room.release(id);
          throw error;
        }
      }),
    bounded: (id, dump) =>
      bounded(dump, {
        directory: at.draft(id),
        aside: at.aside(id),
        limitBytes: room.leftFor(id),
        refuse: (sizeBytes, cause) => room.tooLarge(id, sizeBytes, cause),
      }),
    commit: (id, subject) =>
      lanes.foreground(id, async () => {
        await putBack(at.draft(id), at.aside(id));
        const manifest = await complete(at.draft(id), subject, { machine, committedAt: clock.now() });
        await putInPlace(at, id);
        room.release(id);
        const image = toImage({ id, directory: at.image(id), manifest, config: subject.config });
        room.note(image);
        return image;
      }),
    findDraft: async (id) => {
      await putBack(at.draft(id), at.aside(id));
      return (await look(at.draft(id))) === undefined ? undefined : { directory: at.draft(id) };
    },
    discardDraft: (id) =>
      lanes.foreground(id, async () => {
        await Promise.all([at.draft(id), at.aside(id)].map(removeDirectory));
        room.release(id);
        await settleReplaced(at, id);
      }),
  };
}

function keeping(parts: Parts): Pick<Images, 'find' | 'examine' | 'open' | 'remove' | 'use' | 'known'> {
  const { at, tools, lanes, room, machine, log } = parts;
  return {
    find: (id) => find(at, id),
    examine: async (id, wait) => {
      const timeLeft = countdown(wait, `looking at the image of ${id}`);
      await glance(await mustRead(at, id), { bootId: machine.bootId, tools, timeLeft });
    },
    open: (id, wait) =>
      lanes.foreground(id, async () => {
        const image = await mustRead(at, id);
        const refuseFullDisk = (neededBytes: number): Promise<void> => room.refuseFullDisk(id, neededBytes);
        const timeLeft = countdown(wait, `opening the image of ${id}`);
        await openImage(image, { machine, tools, timeLeft, refuseFullDisk });
        return toImage(image);
      }),
    remove: (id) =>
      lanes.foreground(id, async () => {
        await removeImage(at, id);
        room.forget(id);
      }),
    use: () => room.use(),
    known: async () => {
      const names = await listDirectory(at.root);
      await Promise.all(names.filter(isGone).map((name) => removeDirectory(`${at.root}/${name}`)));
      const strange = names.filter((name) => ownerOf(name) === undefined);
      if (strange.length > 0) log?.warn({ directory: at.root, strange }, 'not all that lies among the images is ours');
      const owners = names.filter((name) => !isGone(name)).map(ownerOf);
      return [...new Set(owners.filter((id) => id !== undefined))].sort();
    },
  };
}

function backgroundWork(parts: Parts): Pick<Images, 'harden' | 'compress'> {
  const { at, tools, lanes, room, machine, clock } = parts;
  const level = parts.settings.compressionLevel;
  const inBackground = (
    id: ContainerId,
    signal: AbortSignal,
    work: (image: StoredImage, background: BackgroundWork) => Promise<Manifest>,
  ): Promise<ImageInfo> =>
    lanes.background(id, signal, async (stop) => {
      const image = await mustRead(at, id);
      const background = { tools, bootId: machine.bootId, now: () => clock.now(), signal: stop };
      const now = toImage({ ...image, manifest: await work(image, background) });
      room.note(now);
      return now.info;
    });
  return {
    harden: (id, signal) => inBackground(id, signal, harden),
    compress: (id, signal) =>
      inBackground(id, signal, async (image, background) =>
        level === 0 ? image.manifest : compress(image, { ...background, level }),
      ),
  };
}
