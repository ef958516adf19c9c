// Makes a clone ready to run: npm packages, Debian packages, tools that work on this kernel, the build. Quick when there
// is nothing to do, safe to stop at any moment, safe to run twice at once. Runs on any Node from 18 on, without packages.
import { rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Failure, Stopped } from './setup/failure.mjs';
import { provideDisplayBundle } from './setup/display-bundle.mjs';
import { provideHostCommands } from './setup/host-packages.mjs';
import { lockClone } from './setup/lock.mjs';
import { provideNpmPackages } from './setup/npm-packages.mjs';
import { provideBuild } from './setup/program-build.mjs';
import { say } from './setup/progress.mjs';
import { stopOnSignals } from './setup/run.mjs';
import { provideTools } from './setup/tools.mjs';
import { provideViewBundle } from './setup/view-bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const prefix = join(root, '.tools');
const scratch = join(root, '.tools.new');

async function setUp() {
  const startMs = performance.now();
  if (process.platform !== 'linux') {
    throw new Failure({ what: 'Runtime Manager runs on Linux only', next: 'use a machine with Debian 12 or 13' });
  }
  if (process.getuid?.() !== 0) {
    throw new Failure({
      what: 'this must run as root',
      why: 'it installs Debian packages, and containers and CRIU need root',
      next: 'run the same command as root (sudo)',
    });
  }
  stopOnSignals();
  await lockClone(join(root, '.tools.lock'));
  await rm(scratch, { recursive: true, force: true }); // of a set-up that was killed
  try {
    await provideNpmPackages(root);
    await provideHostCommands();
    await provideTools({ prefix, scratch });
    // after the tools: a new prefix takes the place of the whole old one
    await provideDisplayBundle({ directory: join(prefix, 'display'), scratch });
    await provideViewBundle({ directory: join(prefix, 'view'), scratch });
    await provideBuild(root);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  say(`ready (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
}

try {
  await setUp();
  process.exit(0); // a stop that came too late to matter may still have a timer
} catch (error) {
  if (error instanceof Stopped) {
    console.error('setup: stopped; the next run goes on from here');
    process.exit(128 + constants.signals[error.signal]);
  }
  console.error(error instanceof Failure ? error.text('setup') : error);
  process.exit(1);
}
