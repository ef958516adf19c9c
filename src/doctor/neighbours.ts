/** Other services of the device that the configuration counts on. */
import { STORAGE_MANAGER } from '../adapters/rdk/app-storage.ts';
import { Thunder } from '../adapters/rdk/thunder.ts';
import { WINDOW_MANAGER } from '../adapters/rdk/window-manager.ts';
import type { Finding } from '../domain/health.ts';
import { thunderUrl } from '../start/thunder-url.ts';
import { failed, ok, type Check } from './place.ts';

const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {
  return undefined;
}

/** Whether Thunder answers, and has the plugins. */
export const examineNeighbours: Check = async ({ config, env }) => {
  const { displays, storage, thunder: settings } = config;
  const wanted = [
    ...(displays.provider === 'rdk' ? [WINDOW_MANAGER] : []),
    ...(storage.provider === 'rdk' ? [STORAGE_MANAGER] : []),
  ];
  if (wanted.length === 0) return [];
  const url = thunderUrl(settings, env);
  const { tokenFile, callTimeoutMs } = settings;
  const thunder = new Thunder({ url, tokenFile, callTimeoutMs, log: SILENT });
  try {
    return await Promise.all(wanted.map((callsign) => examine(thunder, { callsign, url, timeoutMs: callTimeoutMs })));
  } finally {
    thunder.close();
  }
};

type Asked = { readonly callsign: string; readonly url: string; readonly timeoutMs: number };

async function examine(thunder: Thunder, { callsign, url, timeoutMs }: Asked): Promise<Finding> {
  try {
    const wait = { signal: AbortSignal.timeout(timeoutMs), timeoutMs };
    await thunder.neighbour('Controller').call(`status@${callsign}`, {}, wait);
    return ok('neighbour', `${callsign} is there, at ${url}`);
  } catch (error) {
    return failed('neighbour', error, `see that Thunder runs at ${url} and that ${callsign} is activated`);
  }
}
