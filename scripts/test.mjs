// Every check and every test, in stages, the quick ones first. `npm test -- FILE|DIRECTORY…` runs only those tests,
// `npm test -- --test-name-pattern=TEXT` (and any other flag of node --test) goes to Node.
import { mkdtempSync, realpathSync, rmSync, rmdirSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideAppTree } from './setup/app-tree.mjs';
import { provideGuiTree } from './setup/gui-tree.mjs';
import { provideBrowserTree } from './setup/browser-tree.mjs';
import { providePrometheusTree } from './setup/prometheus-tree.mjs';
import { watchLeftovers } from './test/leftovers.mjs';
import { signalAll } from './test/spawn-group.mjs';
import { runChecks, runTests, testFiles, tryAgain } from './test/stages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const args = process.argv.slice(2);
const flags = args.filter((arg) => arg.startsWith('-'));
const paths = args.filter((arg) => !arg.startsWith('-'));
const concurrency = process.env['RUNTIME_MANAGER_TEST_CONCURRENCY'] ?? '2';

// All tests of this run work below one directory of its own, which tells what they leave behind from anything else.
// Its name is short: a UNIX socket's path has at most 107 bytes.
const workRoot = mkdtempSync(join(realpathSync(tmpdir()), 'rmt-'));
const appTree = process.env['RUNTIME_MANAGER_APP_TREE'] ?? join(root, '.tools.apps');
const browserTree = process.env['RUNTIME_MANAGER_BROWSER_TREE'] ?? join(root, '.tools.browser');
const guiTree = process.env['RUNTIME_MANAGER_GUI_TREE'] ?? join(root, '.tools.gui');
const prometheusTree = process.env['RUNTIME_MANAGER_PROMETHEUS_TREE'] ?? join(root, '.tools.prometheus');
const env = {
  ...process.env,
  RUNTIME_MANAGER_APP_TREE: appTree,
  RUNTIME_MANAGER_BROWSER_TREE: browserTree,
  RUNTIME_MANAGER_GUI_TREE: guiTree,
  RUNTIME_MANAGER_PROMETHEUS_TREE: prometheusTree,
  TMPDIR: workRoot,
  RUNTIME_MANAGER_TOOLS: process.env['RUNTIME_MANAGER_TOOLS'] ?? join(root, '.tools', 'bin'),
};

/** @type {NodeJS.Signals | undefined} */
let stopped;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    stopped ??= signal;
    signalAll('SIGTERM');
    setTimeout(signalAll, 5000, 'SIGKILL').unref();
  });
}

/** @param {string} name @param {() => Promise<import('./test/stages.mjs').Outcome>} run */
async function stage(name, run) {
  if (stopped !== undefined) return [];
  console.log(`\n── ${name}`);
  const outcome = await run();
  if (!outcome.ran) console.log('no files; skipped');
  return [outcome];
}

/** @param {import('./test/stages.mjs').Outcome[]} outcomes @param {string[]} leftovers */
function summarize(outcomes, leftovers) {
  console.log('\n── summary');
  for (const { name, ran, seconds, counts, problems, unsteady } of outcomes) {
    const what = ran ? `${counts.tests > 0 ? `${String(counts.passed)} of ${String(counts.tests)} passed, ` : ''}` : '';
    const mark = problems.length > 0 ? '✖' : ran ? '✔' : '–';
    console.log(`${mark} ${name}: ${what}${ran ? `${seconds.toFixed(1)} s` : 'no files'}`);
    for (const problem of problems) console.log(`    ${problem}`);
    for (const test of unsteady) console.log(`    unsteady, failed beside others and passed alone: ${test}`);
  }
  console.log(leftovers.length > 0 ? '✖ left behind:' : '✔ nothing left behind');
  for (const leftover of leftovers) console.log(`    ${leftover}`);
  const total = (/** @type {keyof import('./test/stages.mjs').Counts} */ key) =>
    String(outcomes.reduce((sum, { counts }) => sum + counts[key], 0));
  for (const [label, key] of /** @type {const} */ ([
    ['tests', 'tests'],
    ['pass', 'passed'],
    ['fail', 'failed'],
    ['cancelled', 'cancelled'],
    ['skipped', 'skipped'],
    ['todo', 'todo'],
  ])) {
    console.log(`ℹ ${label} ${total(key)}`);
  }
}

async function main() {
  const files = testFiles(paths, root);
  const left = watchLeftovers(workRoot);
  const resultDir = mkdtempSync(join(realpathSync(tmpdir()), 'rmt-results-'));
  const common = { env, root };
  try {
    const first = [
      ...(args.length === 0 ? await stage('checks', () => runChecks({ root, env: process.env })) : []),
      ...(await stage('unit tests', () =>
        runTests('unit tests', {
          ...common,
          files: files.unit,
          flags: ['--test-isolation=none', ...flags],
          resultPath: join(resultDir, 'unit.json'),
        }),
      )),
      ...(await stage('tests on this machine: contract, container, fault, e2e', async () => {
        if (files.machine.some((file) => /\/e2e\/(browser|dashboard.*|live-view)\.test\.ts$/.test(file))) {
          await provideBrowserTree(browserTree);
        }
        if (files.machine.some((file) => file.endsWith('/prometheus.test.ts'))) {
          await providePrometheusTree(prometheusTree);
        }
        return runTests('tests on this machine', {
          ...common,
          files: files.machine,
          flags: [`--test-concurrency=${concurrency}`, ...flags],
          resultPath: join(resultDir, 'machine.json'),
        });
      })),
      ...(await stage('real apps', async () => {
        if (files.apps.some((file) => !file.endsWith('/displays.test.ts'))) await provideAppTree(appTree);
        if (files.apps.some((file) => file.endsWith('/displays.test.ts'))) await provideGuiTree(guiTree);
        return runTests('real apps', {
          ...common,
          files: files.apps,
          flags: [`--test-concurrency=${concurrency}`, ...flags],
          resultPath: join(resultDir, 'apps.json'),
        });
      })),
    ];
    /** @type {import('./test/stages.mjs').Outcome[]} */
    const outcomes = [];
    for (const outcome of first) {
      outcomes.push(args.length === 0 && stopped === undefined ? await tryAgain(outcome) : outcome);
    }
    const leftovers = stopped === undefined ? await left.settle() : [];
    await left.end({ files: stopped !== undefined });
    summarize(outcomes, leftovers);
    return leftovers.length === 0 && outcomes.every(({ problems }) => problems.length === 0);
  } finally {
    rmSync(resultDir, { recursive: true, force: true });
  }
}

try {
  const passed = await main();
  process.exitCode = stopped !== undefined ? 128 + constants.signals[stopped] : passed ? 0 : 1;
} catch (error) {
  console.error(`test: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  try {
    // Never recursively: below it may be a mount of the machine's own files. What is left in it was reported.
    rmdirSync(workRoot);
  } catch {
    console.error(`test: what the tests left is in ${workRoot}`);
  }
}
