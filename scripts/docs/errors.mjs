/** docs/errors.md, from the table of errors. */
import { ERRORS } from '../../src/domain/errors.ts';
import { code, table } from './markdown.mjs';

export const errorTable = () =>
  table(
    ['code', 'meaning', '`error.code` on the wire', 'exit status of `runtimectl`'],
    Object.entries(ERRORS).map(([name, { doc, thunder, exitCode }]) => [
      code(name),
      doc,
      String(thunder),
      String(exitCode),
    ]),
  );
