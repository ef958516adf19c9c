/** Which page of docs/ has which generated parts. Hand-written text stands around them and is left alone. */
import { appTable, eventTable, exitCauses, methods, runtimeConfigTable, types } from './api.mjs';
import { commands, globalOptions } from './commands.mjs';
import { platformTable, settings } from './configuration.mjs';
import { capabilityTable, grantList, memberTable, platformEffects } from './rdk.mjs';
import { errorTable } from './errors.mjs';
import { markerTable, metricTable } from './metrics.mjs';
import { absentOperations, diagram, moves, stateNames } from './states.mjs';

/** @typedef {{ path: string, parts: Readonly<Record<string, () => string>> }} Page */

/** @type {readonly Page[]} */
export const PAGES = [
  { path: 'docs/states.md', parts: { diagram, moves, 'not-there-yet': absentOperations, names: stateNames } },
  { path: 'docs/errors.md', parts: { errors: errorTable } },
  {
    path: 'docs/api.md',
    parts: {
      methods,
      events: eventTable,
      'exit-causes': exitCauses,
      types,
    },
  },
  {
    path: 'docs/configuration.md',
    parts: { settings, app: appTable, 'runtime-config': runtimeConfigTable, platform: platformTable },
  },
  {
    path: 'docs/rdk.md',
    parts: { members: memberTable, platform: platformEffects, capabilities: capabilityTable, grants: grantList },
  },
  { path: 'docs/metrics.md', parts: { metrics: metricTable, markers: markerTable } },
  { path: 'docs/cli.md', parts: { 'global-options': globalOptions, commands } },
];

/** The page's text with every part made anew. Throws when a part has no place in it. @param {Page} page @param {string} text */
export function renderPage({ path, parts }, text) {
  return Object.entries(parts).reduce((page, [name, make]) => {
    const begin = `<!-- generated: ${name} (npm run docs) -->`;
    const end = `<!-- end of ${name} -->`;
    const [from, to] = [page.indexOf(begin), page.indexOf(end)];
    if (from < 0 || to < from) {
      throw new Error(`${path} has no place for ${name}: it needs the lines ${begin} and ${end}`);
    }
    return `${page.slice(0, from)}${begin}\n\n${make().trim()}\n\n${page.slice(to)}`;
  }, text);
}
