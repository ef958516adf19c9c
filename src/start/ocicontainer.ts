/** Builds the engine that drives Dobby through Thunder's plugin org.rdk.OCIContainer. A bundle chunk of its own. */
import { readdir, readFile } from 'node:fs/promises';
import { pluginCalls } from '../adapters/dobby/plugin-calls.ts';
import { CALLSIGN, PluginLink } from '../adapters/dobby/plugin-link.ts';
import { PLUGIN_TRAITS } from '../adapters/dobby/ways.ts';
import { Thunder } from '../adapters/rdk/thunder.ts';
import { joinDobby, type DobbyOptions, type DobbyParts } from './dobby-engine.ts';
import { thunderUrl } from './thunder-url.ts';

/** Apps wait for this neighbour: it is looked for more often than others. */
const PAUSE_MS = { first: 200, most: 3000 };
const DOBBY = 'DobbyDaemon';

export function buildOciContainer(options: DobbyOptions): Promise<DobbyParts> {
  const { config, env, log } = options;
  const { tokenFile, callTimeoutMs: greetTimeoutMs } = config.thunder;
  const { callTimeoutMs } = config.dobby;
  const url = thunderUrl(config.thunder, env);
  // a connection of its own: what Dobby does takes longer than what others may
  const thunder = new Thunder({ url, tokenFile, callTimeoutMs, greetTimeoutMs, pauseMs: PAUSE_MS, log });
  return joinDobby(options, (containers) => {
    const link = new PluginLink(
      {
        ...{ url, callTimeoutMs, log },
        follow: (follower) => thunder.neighbour(CALLSIGN, follower),
        findDobby: () => processNamed(DOBBY, '/proc'),
      },
      {
        heard: (word) => {
          containers.hear(word);
        },
        serves: () => {
          containers.tellAll();
        },
      },
    );
    const close = (): Promise<void> => {
      link.close();
      thunder.close();
      return Promise.resolve();
    };
    return { traits: PLUGIN_TRAITS, way: link, calls: pluginCalls(link), close };
  });
}

/** Undefined when there is none, or more than one. `directory`: /proc. */
export async function processNamed(name: string, directory: string): Promise<number | undefined> {
  const pids = (await readdir(directory)).filter((entry) => /^\d+$/.test(entry));
  const comms = await Promise.all(pids.map((pid) => readFile(`${directory}/${pid}/comm`, 'utf8').catch(() => '')));
  const [found, another] = pids.filter((_, index) => comms[index] === `${name}\n`);
  return found === undefined || another !== undefined ? undefined : Number(found);
}
