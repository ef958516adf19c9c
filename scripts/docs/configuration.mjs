/** docs/configuration.md, from the schema of config.yaml. */
import { configSchema } from '../../src/config.ts';
import { schemaTable } from './schema-table.mjs';
import { commentsOf } from './source.mjs';

const NOTES = {
  runtime: '`auto` starts a container with each runtime that is there and takes the faster one that works.',
  terminateGraceMs: "Time between SIGTERM and SIGKILL when an app is terminated; an app's own `terminateGraceMs` wins.",
  startTimeoutMs: 'Creating and starting a container together.',
  freezeTimeoutMs: 'Until every process of the app stands still (suspend) or may run again (resume).',
  killTimeoutMs: 'Until the last process is gone after SIGKILL, and for removing what a container leaves.',
  userIds: 'User ids for apps; each app has one of its own.',
  'userIds.first': 'First id of the range.',
  'userIds.last': 'Last id of the range.',
  logLevel: "The daemon's own log on stderr.",
};

export const settings = () =>
  schemaTable(configSchema, { root: 'configSchema', comments: commentsOf('config.ts'), notes: NOTES });
