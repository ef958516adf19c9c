// node:test's spec reporter less the totals of each run: scripts/test.mjs runs several and prints the totals of all.
// The totals, and the names of what failed or was skipped, go to the file that RUNTIME_MANAGER_TEST_RESULT names.
import { writeFileSync } from 'node:fs';
import { spec } from 'node:test/reporters';

/** @typedef {import('node:test/reporters').TestEvent} TestEvent */

const isTotal = (/** @type {TestEvent} */ event) =>
  event.type === 'test:diagnostic' &&
  event.data.nesting === 0 &&
  /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(event.data.message);

/** A suite or file that failed only because a test in it did. @param {Error} error */
const isOfSubtests = (error) => 'failureType' in error && error.failureType === 'subtestsFailed';

/** @param {AsyncIterable<TestEvent>} source */
export default async function* report(source) {
  const printer = new spec();
  /** @type {{ failed: { name: string, file: string | undefined }[], skipped: string[], counts?: object }} */
  const result = { failed: [], skipped: [] };
  /** @type {Buffer[]} */
  const printed = [];
  printer.on('data', (/** @type {Buffer} */ chunk) => printed.push(chunk));
  for await (const event of source) {
    if (event.type === 'test:fail' && !isOfSubtests(event.data.details.error)) {
      result.failed.push({ name: event.data.name, file: event.data.file });
    }
    if (event.type === 'test:pass' && event.data.skip !== undefined) result.skipped.push(event.data.name);
    if (event.type === 'test:summary' && event.data.file === undefined) result.counts = event.data.counts;
    if (isTotal(event)) continue;
    printer.write(event);
    // The stream transforms what it is given at once; a turn of the loop lets it hand the text over.
    await new Promise((resolve) => setImmediate(resolve));
    yield* printed.splice(0);
  }
  printer.end();
  await new Promise((resolve) => printer.once('end', resolve));
  yield* printed.splice(0);
  const path = process.env['RUNTIME_MANAGER_TEST_RESULT'];
  if (path !== undefined) writeFileSync(path, JSON.stringify(result));
}
