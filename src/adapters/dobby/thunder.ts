/**
 * What Dobby's plugin thunder needs. Without it Dobby starts nothing and does not say why, so it is looked for before anything is begun.
 * Source: rdkPlugins/Thunder/source/ThunderPlugin.cpp, postInstallation and preCreation; seen with Dobby 3.19.1.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { RuntimeError } from '../../domain/errors.ts';
import type { ProgramReader } from './program.ts';

/** DobbyManager.cpp, PLUGIN_PATH; a Dobby that was built with another one is not looked into. */
const PLUGINS = '/usr/lib/plugins/dobby';
const PLUGIN = /^libThunderPlugin\.so/;
/** Stands in one that was built without the library. */
const WITHOUT_AGENT = 'Dobby built without SecurityAgent support';
/** Bound into every app that has the plugin. */
const COMMUNICATOR = '/tmp/communicator';
/** Of Thunder's security agent, who makes the token. */
const AGENT = '/tmp/SecurityAgent/token';

type Asked = {
  readonly rdkPlugins?: { readonly thunder?: { readonly data?: { readonly bearerUrl?: string } } };
};

const wantsThunder = (spec: object): boolean => (spec as Asked).rdkPlugins?.thunder !== undefined;

export const thunderCheck =
  (program: ProgramReader) =>
  async (spec: object): Promise<readonly string[]> =>
    wantsThunder(spec) ? checkThunder(spec, `/proc/${(await program()).pid}/root`) : [];

/** Notes for the caller. `root`: where Dobby sees its files from (`/proc/PID/root`). Throws NOT_SUPPORTED, NEIGHBOUR_FAILED. */
export async function checkThunder(spec: object, root: string): Promise<readonly string[]> {
  if (!wantsThunder(spec)) return [];
  const plugin = await pluginBelow(`${root}${PLUGINS}`);
  if (plugin === 'absent') {
    throw new RuntimeError('NOT_SUPPORTED', {
      what: 'thunder: this Dobby was built without its plugin thunder',
      next: 'leave thunder out, or build Dobby with PLUGIN_THUNDER=ON',
    });
  }
  const hasThunder = await isThere(`${root}${COMMUNICATOR}`);
  if (!hasThunder) throw missing(COMMUNICATOR, 'start Thunder before the app');
  if ((spec as Asked).rdkPlugins?.thunder?.data?.bearerUrl === undefined || plugin === 'unknown') return [];
  if (plugin === 'without-agent') {
    return ['thunder: the app gets no token of Thunder: this Dobby was built without SecurityAgent'];
  }
  const hasAgent = await isThere(`${root}${AGENT}`);
  if (!hasAgent) throw missing(AGENT, "activate Thunder's plugin SecurityAgent before the app");
  return [];
}

type Plugin = 'absent' | 'unknown' | 'without-agent' | 'with-agent';

async function pluginBelow(directory: string): Promise<Plugin> {
  const names = await readdir(directory).catch(() => undefined);
  if (names === undefined) return 'unknown';
  const name = names.find((one) => PLUGIN.test(one));
  if (name === undefined) return 'absent';
  const bytes = await readFile(`${directory}/${name}`).catch(() => undefined);
  if (bytes === undefined) return 'unknown';
  return bytes.includes(WITHOUT_AGENT) ? 'without-agent' : 'with-agent';
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const missing = (path: string, next: string): RuntimeError =>
  new RuntimeError('NEIGHBOUR_FAILED', {
    what: `thunder: ${path} is not there, and Dobby's plugin thunder starts no app without it`,
    next: `${next}, or leave thunder out`,
    details: { path },
  });
