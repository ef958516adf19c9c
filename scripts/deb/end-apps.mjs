// Called before the package is removed: sees to it that no app of the system's daemon lives any more, and ends that daemon.
// Living apps are ended only where that was said, else the removal is refused (exit status 1). Apps that sleep are files, and
// stay. Needs nothing but Node; runs from where it is installed.
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const FLAG = '/etc/runtime-manager/end-apps-on-removal';
/** What conmon and the runtime need of each living app. */
const BUNDLES = '/run/runtime-manager/bundles';
const READY_MS = 180_000;
const ENDED_MS = 60_000;

const program = (/** @type {string} */ name) => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));
const mayEnd = process.env['RUNTIME_MANAGER_REMOVE'] === 'end-apps' || existsSync(FLAG);

/** The system's daemon, whatever the person's environment says. */
const environment = { PATH: process.env['PATH'] ?? '' };

/** @param {readonly string[]} words @returns {Promise<string>} */
const runtimectl = async (...words) =>
  (await promisify(execFile)(program('runtimectl'), words, { env: environment, maxBuffer: 2 ** 26 })).stdout;

/** Its process, or undefined when none answers. @returns {Promise<number | undefined>} */
const daemonPid = () =>
  runtimectl('version', '--daemon', '--json').then(
    (text) => JSON.parse(text).daemon.pid,
    () => undefined,
  );

/** @returns {Promise<string[]>} instances with processes, running or suspended */
async function livingApps() {
  const all = /** @type {{ appInstanceId: string, state: string }[]} */ (JSON.parse(await runtimectl('ps', '--json')));
  return all.filter(({ state }) => state !== 'HIBERNATED' && state !== 'TERMINATED').map((app) => app.appInstanceId);
}

const anythingLives = () => existsSync(BUNDLES) && readdirSync(BUNDLES).length > 0;

/** Only a daemon can tell which apps live, and end them. @returns {Promise<number | undefined>} */
async function startDaemon() {
  const child = spawn(program('runtimemanagerd'), [], { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => (said = `${said}${String(chunk)}`.slice(-4000)));
  for (const end = Date.now() + READY_MS; Date.now() < end && child.exitCode === null; await pause(100)) {
    if (said.includes('ready: listening on')) return child.pid;
  }
  child.kill('SIGKILL');
  console.error(`runtime-manager: apps may be alive, and the daemon that could tell does not start:\n${said}`);
  return undefined;
}

/** Cleanly: calls under way get their answers, images are flushed. @param {number} pid */
async function endDaemon(pid) {
  process.kill(pid, 'SIGTERM');
  for (const end = Date.now() + ENDED_MS; Date.now() < end; await pause(50)) {
    if ((await daemonPid()) === undefined) return;
  }
  process.kill(pid, 'SIGKILL');
}

/** @param {readonly string[]} apps */
function refuse(apps) {
  const what =
    apps.length > 0 ? `${String(apps.length)} of its apps live: ${apps.join(', ')}` : 'its apps may be alive';
  console.error(`runtime-manager is not removed: ${what}
  next: end them (runtimectl terminate ID) and remove it again, or let the removal end them:
        RUNTIME_MANAGER_REMOVE=end-apps apt-get remove runtime-manager, or touch ${FLAG}
        Apps that sleep are not in the way: they stay on the disk until the package is purged.`);
  process.exitCode = 1;
}

/** Politely first. @param {readonly string[]} apps @returns {Promise<string[]>} those that live all the same */
async function endApps(apps) {
  await runtimectl('terminate', ...apps).catch(() => undefined);
  const stubborn = await livingApps();
  if (stubborn.length > 0) await runtimectl('kill', ...stubborn).catch(() => undefined);
  return livingApps();
}

async function main() {
  const present = await daemonPid();
  if (present === undefined && !anythingLives()) return;
  const pid = present ?? (await startDaemon());
  if (pid === undefined) {
    if (!mayEnd) refuse([]);
    return;
  }
  const apps = await livingApps();
  const left = mayEnd && apps.length > 0 ? await endApps(apps) : apps;
  if (left.length > 0) refuse(left);
  // a refusal leaves everything as it was
  if (left.length === 0 || present === undefined) await endDaemon(pid);
}

await main();
process.exit();
