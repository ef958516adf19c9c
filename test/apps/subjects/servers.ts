/** Servers: what they hold in memory, their listeners, their workers. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { APP_TREE, httpGet, inNetworkOf, PROGRAMS } from '../../lib/packages.ts';
import { processesBesides } from '../../lib/machine.ts';
import { answersAt, ask, type Live, type Subject } from './subject.ts';

const MIB = 2 ** 20;
const tree = { rootfs: { dir: APP_TREE } } as const;

const KEYS = 10_000;
const REDIS_PORT = 6379;
/** About 100 bytes, as a session or a small object has. */
const FILL = `for n = 1, ${KEYS} do redis.call('SET', 'key:' .. n, string.format('{"user":%d,"name":"name %d","seen":"%s"}', n, n, redis.sha1hex(n))) end return redis.call('DBSIZE')`;

async function redis(live: Live, ...command: readonly string[]): Promise<string> {
  const argv = ['/usr/bin/redis-cli', '--raw', '-p', String(REDIS_PORT), ...command];
  return (await inNetworkOf(await live.pid(), argv, { root: APP_TREE })).trim();
}

export const redisServer: Subject = {
  name: 'redis',
  what: 'redis-server, 10 000 keys, TCP listener',
  ownMiB: 2,
  app: async () => ({
    ...tree,
    args: ['/usr/bin/redis-server', '--bind', '127.0.0.1', '--dir', '/data', '--save', '', '--appendonly', 'yes'],
  }),
  fill: async (live) => {
    assert.equal(await redis(live, 'EVAL', FILL, '0'), String(KEYS));
    await redis(live, 'SET', 'with a time to live', 'x', 'EX', '100000');
  },
  state: async (live) => ({
    size: await redis(live, 'DBSIZE'),
    digest: await redis(live, 'DEBUG', 'DIGEST').catch(() => redis(live, 'GET', 'key:4711')),
    value: await redis(live, 'GET', 'key:42'),
    runId: /run_id:(\w+)/.exec(await redis(live, 'INFO', 'server'))?.[1],
  }),
  work: async (live, round) => {
    assert.equal(await redis(live, 'SET', `round:${round}`, 'done'), 'OK');
    assert.equal(await redis(live, 'INCR', 'rounds'), String(round));
    assert(Number(await redis(live, 'TTL', 'with a time to live')) > 0);
  },
};

const NGINX = `daemon off; worker_processes 2; pid /data/nginx.pid; error_log stderr; events { worker_connections 64; }
http { access_log /data/access.log; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c;
  uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e; server { listen 127.0.0.1:8000; root /opt/site; } }
`;
const PAGE = `<!doctype html><title>A page</title>${'<p>Some text to send.'.repeat(500)}\n`;

export const nginx: Subject = {
  name: 'nginx',
  what: 'nginx, master and 2 workers, static file',
  ownMiB: 1,
  app: async ({ directory }) => {
    const site = join(directory, 'site');
    await mkdir(site, { mode: 0o755 });
    await writeFile(join(site, 'index.html'), PAGE, { mode: 0o644 });
    await writeFile(join(directory, 'nginx.conf'), NGINX, { mode: 0o644 });
    return {
      ...tree,
      args: ['/usr/sbin/nginx', '-c', '/opt/nginx.conf', '-e', 'stderr'],
      mounts: [
        { source: site, destination: '/opt/site', readOnly: true },
        { source: join(directory, 'nginx.conf'), destination: '/opt/nginx.conf', readOnly: true },
      ],
    };
  },
  fill: async (live) => httpGet(await live.pid(), 8000, '/'),
  state: async (live) => ({ page: await httpGet(await live.pid(), 8000, '/') }),
  work: async (live) => {
    const pid = await live.pid();
    const pages = await Promise.all([1, 2, 3, 4].map(() => httpGet(pid, 8000, '/index.html')));
    assert.deepEqual([...new Set(pages)], [PAGE]);
    // tini, master and both workers
    assert.equal(processesBesides(pid).length, 4);
  },
};

type Asked = { readonly asked: number; readonly ticks: number };

/** One of our own programs: it says who it is, counts how often it is asked, and has a clock that ticks. */
const counting = (rest: Pick<Subject, 'name' | 'what' | 'ownMiB' | 'app'>): Subject => ({
  ...rest,
  fill: answersAt('/state'),
  state: (live) => ask(live, '/state'),
  work: async (live, round) => {
    const before = await ask<Asked>(live, '/ask');
    assert.equal(before.asked, 2 * round - 1);
    // a tick takes 20 ms, and so does an answer
    let after = before;
    while (after.ticks === before.ticks) after = await ask<Asked>(live, '/ticks');
    assert.equal((await ask<Asked>(live, '/ask')).asked, 2 * round);
  },
});

export const nodeServer = counting({
  name: 'node',
  what: 'Node.js, HTTP server with a counter',
  ownMiB: 5,
  app: async () => ({
    rootfs: { host: true },
    args: ['/opt/node', '/opt/http-counter.mjs'],
    mounts: [
      { source: process.execPath, destination: '/opt/node', readOnly: true },
      { source: join(PROGRAMS, 'http-counter.mjs'), destination: '/opt/http-counter.mjs', readOnly: true },
    ],
  }),
});

export const pythonProgram = (file: string, ...args: readonly string[]) => ({
  ...tree,
  args: ['/usr/bin/python3', '-B', `/opt/programs/${file}`, ...args],
  mounts: [{ source: PROGRAMS, destination: '/opt/programs', readOnly: true }],
});

export const pythonServer = counting({
  name: 'python',
  what: 'Python, HTTP server with threads',
  ownMiB: 4,
  app: async () => pythonProgram('http_counter.py'),
});

export const javaServer = counting({
  name: 'java',
  what: 'JVM (default-jre-headless), HTTP server, 50 000 objects',
  ownMiB: 20,
  app: async () => ({
    ...tree,
    args: ['/usr/lib/jvm/default-java/bin/java', '-Xmx128m', '-cp', '/opt/programs', 'Counter'],
    mounts: [{ source: PROGRAMS, destination: '/opt/programs', readOnly: true }],
    limits: { memoryBytes: 512 * MIB },
  }),
});
