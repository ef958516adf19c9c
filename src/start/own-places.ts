/** Which directories and files are the daemon's own, and what is lost with each. */
import { closeSync, constants, mkdirSync, openSync, writeSync } from 'node:fs';
import { ownPlaces, type OwnPlace } from '../adapters/files/own-places.ts';
import { systemClock } from '../adapters/process/clock.ts';
import type { Layout } from '../domain/layout.ts';
import type { ContainerId } from '../domain/ids.ts';
import type { OwnPlaces } from '../ports/own-places.ts';
import type { OpenPlace } from './open-place.ts';

const NOTHING = 'nothing has to be done';
const RUN_AGAIN = 'runtimectl ps names the apps that run: terminate them and run them again, when it suits';

/** By path below a directory; what one holds is lost when it was removed. */
type Losses = Readonly<Record<string, Pick<OwnPlace, 'lost'> & Partial<OwnPlace>>>;

const RUN: Losses = {
  '': { lost: 'files of running apps were in it: what is lost of each is told by itself' },
  '/bundles': {
    lost: 'the configurations of the running apps: those apps can be suspended, resumed and ended, but not hibernated, mounted into or given other limits',
    next: RUN_AGAIN,
  },
  '/exits': {
    lost: 'exit codes that the daemon had not read yet: the exit of an app that ended just then has no code',
  },
  '/persist': { lost: 'whether an app that ended just then had run out of memory' },
  '/runtime': {
    lost: "the OCI runtime's state of the running apps: those apps can be suspended, resumed and ended, but not hibernated, and no program can be run in them",
    next: RUN_AGAIN,
  },
};

const OPEN: Losses = {
  '': { lost: 'what the apps reach was in it: what is lost is told by itself' },
  '/rootfs': { lost: 'root directories that the next start or wake of an app makes again' },
  '/packages': { lost: 'mount points of packages that the next start of an app makes again' },
  '/doors': { lost: 'ways to directories for apps that were waking: such a wake fails, and can be tried again' },
  '/displays': {
    lost: 'the sockets of displays: apps that run draw on, but no screenshot, view or new window of theirs works',
    next: RUN_AGAIN,
  },
};

const STATE: Losses = {
  '': { lost: 'all that the daemon keeps was in it: what is lost is told by itself' },
  '/logs': { lost: 'the logs of apps until then; those of running apps go on in new files' },
  '/volumes': {
    lost: 'the volumes of apps with limited storage: running apps go on with theirs until they end, then the data is lost',
    next: 'copy what is needed out of the running apps now (runtimectl exec APP -- tar -c /data)',
  },
  '/images': {
    lost: 'the images of hibernated apps, which cannot be woken any more',
    next: 'runtimectl ps names what is HIBERNATED: kill it and run it again',
  },
  '/packages': {
    lost: 'unpacked images: running apps go on as long as their files are open; the next run unpacks again',
    next: RUN_AGAIN,
  },
  '/inside': {
    lost: 'the first program of hibernated and running apps: those that run go on, and the next start makes it again',
  },
  '/pictures': { lost: 'the last pictures of apps' },
};

const STORAGE: Losses = {
  '': {
    lost: 'the storage of apps: running ones have lost what they wrote to /data, and what they write there from now on',
    next: RUN_AGAIN,
  },
};

/** The daemon reads and writes on in the file that was removed; nobody finds it after its end. */
const journal = (path: string): OwnPlace => ({
  ...{ path, kind: 'file' },
  lost: 'the journal of all apps: this daemon works on, but the next one knows of no app, and ends what runs then',
  next: 'end the apps when it suits (runtimectl terminate APP), then restart the daemon; it begins with an empty journal',
});

const listed = (directory: string, losses: Losses): readonly OwnPlace[] =>
  Object.entries(losses).map(([name, loss]) => ({
    path: `${directory}${name}`,
    kind: 'directory',
    next: NOTHING,
    ...loss,
  }));

export function placesOf({ run, state, logs, apps, database }: Layout, open: OpenPlace, storage = apps): OwnPlaces {
  const deeds: Readonly<Record<string, (living: readonly ContainerId[]) => void>> = {
    [logs]: (living) => {
      for (const id of living) openLogAgain(`${run}/bundles/${id}/ctl`);
    },
    // conmon writes the exit code here first, and ends without writing it elsewhere when it cannot
    [`${run}/persist`]: (living) => {
      for (const id of living) mkdirSync(`${run}/persist/${id}`, { recursive: true, mode: 0o700 });
    },
  };
  const directories = [...listed(run, RUN), ...listed(open.directory, OPEN), ...listed(state, STATE)];
  const all = [...directories, ...listed(storage, STORAGE), journal(database)];
  // the open place mostly is the run directory
  const byPath = new Map(all.toReversed().map((place) => [place.path, place]));
  const places = ownPlaces(
    [...byPath.values()].toReversed().map((place) => {
      const onMade = deeds[place.path];
      return onMade === undefined ? place : { ...place, onMade };
    }),
    systemClock.now,
  );
  places.look([]);
  return places;
}

/** Tells a conmon to open its log by its name again. Source: conmon src/ctrl.c, process_terminal_ctrl_line, REOPEN_LOGS_EVENT. */
function openLogAgain(fifo: string): void {
  try {
    const descriptor = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(descriptor, '2 0 0\n');
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // the monitor has gone, or the bundle: the app has no log any more
  }
}
