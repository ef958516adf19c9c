/** docs/configuration.md, from the schemas of config.yaml and of RDK's configuration of a device. */
import { configSchema } from '../../src/config.ts';
import { BUILT_IN_FILE } from '../../src/spec/platform/platform.ts';
import { platformSchema } from '../../src/spec/platform/schema.ts';
import { code, table } from './markdown.mjs';
import { explainedRows, rowsOf, schemaTable } from './schema-table.mjs';
import { commentsOf } from './source.mjs';

const NOTES = {
  runtime:
    '`auto` takes runc, or crun where runc is missing or cannot start a container. Only runc, from 1.2 on, can hibernate.',
  terminateGraceMs: "Time between SIGTERM and SIGKILL when an app is terminated; an app's own `terminateGraceMs` wins.",
  startTimeoutMs: 'Creating and starting a container together.',
  freezeTimeoutMs: 'Until every process of the app stands still (suspend) or may run again (resume).',
  execStandstillMs:
    'How long a program of `exec` may stand still, stopped by its app (SIGSTOP, ptrace), before it is killed.',
  killTimeoutMs: 'Until the last process is gone after SIGKILL, and for removing what a container leaves.',
  userIds: 'User ids for apps; each app has one of its own.',
  'userIds.first': 'First id of the range.',
  'userIds.last': 'Last id of the range.',
  platform:
    "RDK's configuration of the device, absolute: [platform](#platform). Absent: what it says of a device without a file.",
  logLevel: "The daemon's own log on stderr.",
};

const comments = new Map(['config.ts', 'start/app-settings.ts'].flatMap((file) => [...commentsOf(file)]));
const words = () => ({ root: 'configSchema', comments, notes: NOTES });

export const settings = () => schemaTable(configSchema, words());

/** The same, for the manual page and the file that the Debian package brings. */
export const settingRows = () => explainedRows(configSchema, words());

const LIMIT = 'Bytes; 0: none, so the app must bring its own.';
const WITHOUT_EFFECT = 'Read, and without effect, as upstream.';

const PLATFORM_NOTES = {
  'apps.limits.memory.defaultLimitBytes': LIMIT,
  'apps.limits.gpumem.defaultLimitBytes': LIMIT,
  'apps.limits.ion.heapsLimitBytes': 'Heap → bytes.',
  'apps.usbMassStorage.enable': WITHOUT_EFFECT,
  'apps.essosResourceManager.enableClient': 'Gives every app the variables of its client.',
  'apps.gstreamer.registryEnabled': 'Shows it to apps, where it is there.',
  'apps.gstreamer.registryFile': "Where it lies. Ours; the default is upstream's place.",
  'gpu.devNodes': 'Device nodes of the GPU, and directories of them. Those that are not there are left out.',
  'gpu.groupIds': 'Names of the groups that open them.',
  'vpu.devNodes': 'Device nodes of the video decoder, and directories of them. Those that are not there are left out.',
  'vpu.groupIds': 'Names of the groups that open them.',
  'apps.mapi.ports': "In the app's /etc/services, when it asks for mapi.",
  'dial.server.port': 'Of the DIAL server, on this device.',
  'dial.server.prefix': 'Of its paths.',
};

/** Every key, with what holds where the file lacks it and where there is no file. */
export function platformTable() {
  const comments = commentsOf('spec/platform/schema.ts');
  const rows = schemaTable(platformSchema, { root: 'platformSchema', comments, notes: PLATFORM_NOTES }).split('\n');
  const paths = rowsOf(platformSchema).map(({ path }) => path);
  const cells = rows.slice(2).map((row, index) => {
    const [, path = '', type = '', value = '', meaning = ''] = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const builtIn = builtInAt((paths[index] ?? '').split('.'));
    return [
      path,
      type,
      value,
      builtIn === undefined ? value : code(JSON.stringify(builtIn)),
      meaning.replaceAll('\\|', '|'),
    ];
  });
  return table(['key', 'type', 'where the file lacks it', 'without a file', 'meaning'], cells);
}

/** @param {readonly string[]} path @returns {unknown} */
function builtInAt(path) {
  /** @type {unknown} */
  let at = BUILT_IN_FILE;
  for (const name of path) at = /** @type {Record<string, unknown> | undefined} */ (at)?.[name];
  return typeof at === 'object' && !Array.isArray(at) ? undefined : at;
}
