/** docs/api.md, from the table of methods, the schemas, and what the code really does with samples. */
import { METHODS } from '../../src/domain/api.ts';
import { appSchema } from '../../src/domain/app.ts';
import { EXIT_CAUSES } from '../../src/domain/exit.ts';
import { runtimeConfigSchema } from '../../src/domain/runtime-config.ts';
import { eventHub } from '../../src/server/subscriptions.ts';
import { APP_NOTES, EVENT_NOTES, PARAMETER_NOTES, RESULT_NOTES } from './api-notes.mjs';
import { EVENTS } from './event-samples.mjs';
import { code, table } from './markdown.mjs';
import { rowsOf, schemaTable } from './schema-table.mjs';
import { commentsOf, typeOf } from './source.mjs';

/** @typedef {keyof typeof METHODS} MethodName */

const RESULTS = new Map(
  [...typeOf('domain/api.ts', 'MethodResults').matchAll(/^ {2}(\w+): (.*);$/gm)].map(([, name = '', type = '']) => [
    name,
    type,
  ]),
);

export const methods = () =>
  Object.keys(METHODS)
    .map((name) => method(/** @type {MethodName} */ (name)))
    .join('\n\n');

/** @param {MethodName} name */
function method(name) {
  const { doc, params } = METHODS[name];
  // what is described in a table of its own
  const isOwn = (/** @type {string} */ line) => !/^\| `(app|runtimeConfigObject)\./.test(line);
  const members = parameterTable(name, params).split('\n').filter(isOwn);
  return [
    `### ${name}`,
    doc,
    members.length > 2 ? members.join('\n') : 'No parameters.',
    `Result: ${RESULT_NOTES[name] ?? code(RESULTS.get(name) ?? '')}`,
  ].join('\n\n');
}

/** @param {MethodName} name @param {import('zod').ZodType} params */
function parameterTable(name, params) {
  const inner = Object.fromEntries(
    rowsOf(params).flatMap(({ path }) => (/^(app|runtimeConfigObject)\./.test(path) ? [[path, '']] : [])),
  );
  const own = Object.entries(PARAMETER_NOTES).flatMap(([path, note]) =>
    path.startsWith(`${name}.`) ? [[path.slice(name.length + 1), note]] : [],
  );
  const notes = { ...PARAMETER_NOTES, ...inner, ...Object.fromEntries(own) };
  return schemaTable(params, { root: name, comments: commentsOf('domain/api.ts'), notes });
}

export const appTable = () =>
  schemaTable(appSchema, { root: 'appSchema', comments: commentsOf('domain/app.ts'), notes: APP_NOTES });

export const runtimeConfigTable = () =>
  schemaTable(runtimeConfigSchema, {
    root: 'runtimeConfigSchema',
    comments: commentsOf('domain/runtime-config.ts'),
    notes: { capabilities: 'What the package asks of the device: [capabilities](rdk.md#capabilities).' },
  });

/** The notifications that the sample events really cause. */
export function eventTable() {
  const rows = Object.entries(EVENT_NOTES).map(([name, note]) => {
    /** @type {string[]} */
    const sent = [];
    const hub = eventHub({ maxBufferedBytes: 1e6 });
    const member = hub.join({ send: (text) => sent.push(text), bufferedBytes: () => 0, drop: () => undefined });
    member.register({ event: name, id: 'client.1' });
    for (const event of EVENTS) hub.publish(event);
    const { params } = /** @type {{ params: unknown }} */ (JSON.parse(sent[0] ?? 'null'));
    return [code(name), note, code(JSON.stringify(params))];
  });
  return table(['event', 'when', '`params`, for example'], rows);
}

export const exitCauses = () =>
  table(
    ['`cause`', 'meaning'],
    Object.entries(EXIT_CAUSES).map(([cause, doc]) => [code(cause), doc]),
  );

const TYPES = /** @type {const} */ ([
  ['domain/info.ts', 'AppSummary'],
  ['domain/info.ts', 'AppInfo'],
  ['domain/info.ts', 'Readings'],
  ['domain/hibernation.ts', 'ImageInfo'],
  ['domain/hibernation.ts', 'ImageEntry'],
  ['domain/hibernation.ts', 'DumpFigures'],
  ['domain/hibernation.ts', 'WakeFigures'],
  ['domain/hibernation.ts', 'Phases'],
  ['domain/hibernation.ts', 'Explanation'],
  ['domain/hibernation.ts', 'Finding'],
  ['domain/exit.ts', 'ExitRecord'],
  ['domain/events.ts', 'AppEvent'],
  ['domain/events.ts', 'NewEvent'],
  ['domain/events.ts', 'Subject'],
  ['domain/events.ts', 'EventBody'],
  ['domain/events.ts', 'EventPage'],
  ['domain/limits.ts', 'Limits'],
  ['domain/exec.ts', 'ExecResult'],
  ['domain/health.ts', 'Health'],
  ['domain/health.ts', 'Problem'],
  ['domain/health.ts', 'Resources'],
  ['domain/history.ts', 'History'],
  ['domain/history.ts', 'HistoryEntry'],
  ['domain/results.ts', 'Started'],
  ['domain/results.ts', 'LogPage'],
  ['domain/results.ts', 'LogLine'],
  ['domain/results.ts', 'EngineReport'],
  ['domain/results.ts', 'Lack'],
  ['domain/results.ts', 'Version'],
  ['domain/packages.ts', 'PackageStore'],
  ['domain/packages.ts', 'PackageEntry'],
  ['domain/packages.ts', 'Pruned'],
  ['domain/spec.ts', 'GeneratedSpec'],
  ['domain/spec.ts', 'ExplainedField'],
  ['domain/spec.ts', 'Origin'],
  ['domain/errors.ts', 'ErrorData'],
]);

export const types = () => ['```ts', TYPES.map(([path, name]) => typeOf(path, name)).join('\n\n'), '```'].join('\n');
