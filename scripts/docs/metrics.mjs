/** docs/metrics.md, from the tables of metrics and markers. */
import { METRICS } from '../../src/server/metrics/table.ts';
import { BOOTSTRAP, MARKERS } from '../../src/server/telemetry.ts';
import { code, table } from './markdown.mjs';

export const metricTable = () =>
  table(
    ['metric', 'type', 'labels', ''],
    METRICS.map(({ name, type, labels = [], help }) => [code(name), type, labels.map(code).join(', '), help]),
  );

export const markerTable = () =>
  table(
    ['`marker`', 'field, in ms', 'when'],
    [
      ...Object.entries(MARKERS).map(([method, { marker, field }]) => [
        code(marker),
        code(field),
        `after ${code(method)}`,
      ]),
      [code(BOOTSTRAP.marker), code(BOOTSTRAP.field), 'when the daemon is ready'],
    ],
  );
