/** docs/errors.md, from the table of errors. */
import { ERRORS, RuntimeError } from '../../src/domain/errors.ts';
import { PROFILES, wireError } from '../../src/server/profile.ts';
import { code, table } from './markdown.mjs';

export const errorTable = () =>
  table(
    ['code', 'meaning', '`error.code`, profile `r4`', 'profile `r5`', 'exit status of `runtimectl`'],
    Object.entries(ERRORS).map(([name, { doc, exitCode }]) => [
      code(name),
      doc,
      wireCode(PROFILES.r4, name),
      wireCode(PROFILES.r5, name),
      String(exitCode),
    ]),
  );

/** @param {import('../../src/server/profile.ts').Profile} profile @param {string} name */
function wireCode(profile, name) {
  const error = new RuntimeError(/** @type {keyof typeof ERRORS} */ (name), { what: name });
  return String(wireError(profile, error).code);
}
