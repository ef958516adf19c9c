/** The daemon itself: whether it answers, who else may use its socket and tokens, and who has its port. */
import { lstat } from 'node:fs/promises';
import { listeners } from '../adapters/network/listeners.ts';
import { callOnce } from '../client/unix.ts';
import { RuntimeError } from '../domain/errors.ts';
import type { Finding, Problem } from '../domain/health.ts';
import type { Version } from '../domain/api.ts';
import { VERSION } from '../domain/version.ts';
import { DEFAULT_LISTEN } from '../start/listen.ts';
import { examineStart } from './places.ts';
import { fail, failed, ok, warn, type Check, type Patient } from './place.ts';

const ANSWER_MS = 5000;

export const examineDaemon: Check = async (patient) => {
  const version = await versionOf(patient).catch((error: unknown) => RuntimeError.of(error));
  const running = version instanceof RuntimeError ? undefined : version;
  return [
    ...(version instanceof RuntimeError ? await absent(patient, version) : answering(version)),
    ...(running === undefined ? [] : await examineSocket(patient)),
    ...(await examineTokens(patient)),
    ...(await examinePort(patient, running)),
    ...(running === undefined ? [] : await problemsOf(patient)),
  ];
};

const versionOf = ({ root }: Patient): Promise<Version> =>
  callOnce({ root }, ['version', {}], { timeoutMs: ANSWER_MS });

/** What is in the way of its start comes first. */
const absent = async (patient: Patient, error: RuntimeError): Promise<readonly Finding[]> => [
  ...(await examineStart(patient)),
  error.code === 'TIMED_OUT' ? hung(error) : failed('daemon', error),
];

const hung = ({ message }: RuntimeError): Finding =>
  fail('daemon', {
    what: message,
    why: 'it hangs, or was stopped (SIGSTOP)',
    next: 'end it with kill -9, and start it anew; the apps run on',
  });

function answering({ version, engine, runtime, pid }: Version): readonly Finding[] {
  if (version === VERSION) return [ok('daemon', `it answers: ${version}, engine ${engine} (${runtime}), pid ${pid}`)];
  return [
    warn('daemon', {
      what: `the daemon is ${version}, and this program ${VERSION}`,
      why: 'a new package was installed, and the old daemon still runs, or another package’s runtimectl is asked',
      next: 'restart the daemon (systemctl restart runtimemanagerd); the apps run on',
    }),
  ];
}

async function examineSocket({ places, config }: Patient): Promise<readonly Finding[]> {
  const { uid, gid, mode } = await lstat(places.socket);
  const wanted = config.socketGid ?? 0;
  if (uid === 0 && (mode & 0o007) === 0 && gid === wanted) {
    return [ok('socket', `${places.socket}: for root${wanted === 0 ? '' : ` and the group ${wanted}`}`)];
  }
  return [
    fail('socket', {
      what: `${places.socket} belongs to ${uid}:${gid} with mode ${(mode & 0o777).toString(8)}`,
      why: 'whoever can open it may do everything on this device',
      next: `chown 0:${wanted} ${places.socket} && chmod 660 ${places.socket}, or restart the daemon`,
    }),
  ];
}

async function examineTokens({ places }: Patient): Promise<readonly Finding[]> {
  const found = await Promise.all(
    [places.token, places.observeToken].map(async (path) => {
      const stats = await lstat(path).catch(() => undefined);
      if (stats === undefined || (stats.isFile() && stats.uid === 0 && (stats.mode & 0o077) === 0)) return undefined;
      return fail('token', {
        what: `others than root can read ${path}, or change it`,
        why: 'who knows it may call by TCP; the next start is refused',
        next: `rm ${path}, and restart the daemon: it makes a new one`,
      });
    }),
  );
  return found.filter((one) => one !== undefined);
}

const ownerPid = (owner: string): number => Number(/\(pid (\d+)\)/.exec(owner)?.[1]);

/** Who listens at the port of the configuration. */
async function examinePort({ config }: Patient, running: Version | undefined): Promise<readonly Finding[]> {
  const listen = config.listen === true ? DEFAULT_LISTEN : config.listen;
  if (listen === false) return [];
  const host = Number(/:(\d+)$/.exec(listen)?.[1]);
  const [found] = await listeners([{ host, app: host, protocol: 'tcp' }]);
  if (found === undefined) {
    if (running === undefined) return [ok('port', `${listen} is free`)];
    const why = 'it was started with another --listen, or before the configuration was changed';
    return [warn('port', { what: `the daemon does not listen at ${listen}`, why, next: 'restart the daemon' })];
  }
  if (running !== undefined && ownerPid(found.owner) === running.pid) return [ok('port', `${listen} is the daemon's`)];
  return [
    fail('port', {
      what: `${listen} is taken by ${found.owner}${await kindOf(listen)}`,
      why: 'the daemon cannot listen there, and clients talk to the other one',
      next: 'choose another port with `listen` in the configuration (or --listen), or end the other program; Thunder itself often has 9998',
    }),
  ];
}

/** What answers there, in a few words more. */
async function kindOf(listen: string): Promise<string> {
  const signal = AbortSignal.timeout(2000);
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'org.rdk.RuntimeManager.1.version' });
  try {
    const answer = await fetch(`http://${listen}/jsonrpc`, { method: 'POST', body, signal });
    const text = await answer.text();
    if (text.includes('"runtime"')) return ', which is another Runtime Manager';
    return text.includes('"jsonrpc"') ? ', which speaks JSON-RPC: Thunder, or another Runtime Manager' : '';
  } catch {
    return '';
  }
}

async function problemsOf({ root }: Patient): Promise<readonly Finding[]> {
  try {
    const { problems } = await callOnce({ root }, ['getHealth', {}], { timeoutMs: ANSWER_MS });
    if (problems.length === 0) return [ok('apps', 'the daemon knows of no problem')];
    return problems.map(asFinding);
  } catch (error) {
    return [failed('apps', error)];
  }
}

const asFinding = ({ state, code, what, why, next, appInstanceId }: Problem): Finding => ({
  check: appInstanceId === null ? code : `app ${appInstanceId}`,
  ...{ state, what, why, next },
});
