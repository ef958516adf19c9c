import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { spawnGroup } from './spawn-group.mjs';

/** @typedef {{ tests: number, passed: number, failed: number, cancelled: number, skipped: number, todo: number }} Counts */
/**
 * `ran`: whether there was anything to run. `problems`: one line each, empty when all is well. `unsteady`: tests that failed
 * beside others and passed alone. `again`: what a second try of those that failed needs; null where there is none.
 * @typedef {{
 *   name: string, ran: boolean, seconds: number, counts: Counts, problems: string[], unsteady: string[],
 *   again: (() => Promise<Outcome>) | null,
 * }} Outcome
 */

/** More files than these that fail are no accident. */
const secondTries = 3;

const noCounts = { tests: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
const quiet = { counts: noCounts, problems: [], unsteady: [], again: null };
const reporter = new URL('reporter.mjs', import.meta.url).href;
/** One test that hangs fails by itself; this is for a process that does not end. */
const testTimeoutMs = 180_000;
const stageTimeoutMs = 40 * 60_000;

/** Tests of pure code share a process, which is ten times faster; the others get one each. @param {string} file */
const isUnitTest = (file) => /(^|\/)test\/unit\//.test(file);

/** Tests of real apps need programs that are fetched for them. @param {string} file */
const isAppTest = (file) => /(^|\/)test\/apps\//.test(file);

const testGlobs = {
  unit: 'test/unit/**/*.test.ts',
  machine: 'test/{contract,container,fault,e2e}/**/*.test.ts',
  apps: 'test/apps/**/*.test.ts',
};

/** @param {string} root @param {string} pattern */
const filesOf = (root, pattern) => globSync(pattern, { cwd: root }).sort();

/** @param {string} root @param {string} path a file, or a directory for all tests in it */
function expand(root, path) {
  if (!existsSync(join(root, path))) throw new Error(`there is no ${path}`);
  return statSync(join(root, path)).isDirectory() ? filesOf(root, join(path, '**/*.test.ts')) : [path];
}

/** @param {readonly string[]} paths @param {string} root */
export function testFiles(paths, root) {
  if (paths.length === 0) {
    const { unit, machine, apps } = testGlobs;
    return { unit: filesOf(root, unit), machine: filesOf(root, machine), apps: filesOf(root, apps) };
  }
  const files = paths.flatMap((path) => expand(root, path));
  return {
    unit: files.filter(isUnitTest),
    machine: files.filter((file) => !isUnitTest(file) && !isAppTest(file)),
    apps: files.filter(isAppTest),
  };
}

/**
 * @param {string} name
 * @param {{ files: string[], flags: string[], env: NodeJS.ProcessEnv, root: string, resultPath: string }} options
 * @returns {Promise<Outcome>}
 */
export async function runTests(name, { files, flags, env, root, resultPath }) {
  if (files.length === 0) return { ...quiet, name, ran: false, seconds: 0 };
  const argv = ['--test', `--test-reporter=${reporter}`, `--test-timeout=${String(testTimeoutMs)}`, ...flags, ...files];
  const { code, seconds, timedOut } = await spawnGroup([process.execPath, ...argv], {
    cwd: root,
    env: { ...env, RUNTIME_MANAGER_TEST_RESULT: resultPath },
    timeoutMs: stageTimeoutMs,
  });
  /** @type {{ failed: { name: string, file?: string }[], skipped: string[], counts: Counts }} */
  const result = existsSync(resultPath)
    ? { counts: noCounts, ...JSON.parse(readFileSync(resultPath, 'utf8')) }
    : { failed: [], skipped: [], counts: noCounts };
  const problems = [
    ...result.failed.map((test) => `failed: ${test.name}`),
    ...(timedOut ? [`did not end within ${String(stageTimeoutMs / 60_000)} minutes`] : []),
    ...(code !== 0 && result.failed.length === 0 && !timedOut
      ? [`node --test ended with exit code ${String(code)}`]
      : []),
    // In CI a test that did not run is one that nobody will run.
    ...(env['CI'] ? result.skipped.map((test) => `skipped, which CI does not allow: ${test}`) : []),
    ...(env['CI'] && result.counts.tests === 0 ? [`${String(files.length)} files, but no test ran`] : []),
  ];
  const failedFiles = [...new Set(result.failed.map(({ file }) => file))].filter((file) => file !== undefined);
  const canTryAgain =
    problems.length === result.failed.length && failedFiles.length > 0 && failedFiles.length <= secondTries;
  return {
    ...{ name, ran: true, seconds, counts: result.counts, problems, unsteady: [] },
    again: canTryAgain
      ? () => runTests(name, { files: failedFiles, flags: [...flags, '--test-concurrency=1'], env, root, resultPath })
      : null,
  };
}

/**
 * A few tests that failed in a whole run are tried once more, alone, when all others are done: the machine's load decides
 * some races that no caller can win. The first failure stays in the output, and the summary names the test (decision 0083).
 * @param {Outcome} outcome
 * @returns {Promise<Outcome>}
 */
export async function tryAgain(outcome) {
  const { name, seconds, counts, problems, again } = outcome;
  if (again === null) return outcome;
  console.log(`\n── ${name}: what failed, once more and alone`);
  const second = await again();
  if (second.problems.length > 0) return outcome;
  return {
    ...{ name, ran: true, seconds: seconds + second.seconds, problems: [], again: null },
    counts: { ...counts, passed: counts.passed + counts.failed, failed: 0 },
    unsteady: problems.map((problem) => problem.replace(/^failed: /, '')),
  };
}

/**
 * The checks that need no running: side by side, each with its output in one piece.
 * @param {{ root: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<Outcome>}
 */
export async function runChecks({ root, env }) {
  const scripts = ['typecheck', 'lint:eslint', 'lint:format', 'lint:floors', 'lint:unused'];
  const startMs = performance.now();
  const results = await Promise.all(
    scripts.map(async (script) => {
      const argv = ['npm', 'run', '--silent', script];
      const { code, output, seconds } = await spawnGroup(argv, { cwd: root, env, timeoutMs: 600_000, capture: true });
      console.log(`${code === 0 ? '✔' : '✖'} ${script} (${seconds.toFixed(1)} s)`);
      if (code !== 0) console.log(output.trimEnd());
      return { script, code };
    }),
  );
  const problems = results.filter(({ code }) => code !== 0).map(({ script }) => `npm run ${script}`);
  return { ...quiet, name: 'checks', ran: true, seconds: (performance.now() - startMs) / 1000, problems };
}
