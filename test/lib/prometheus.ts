/** A real Prometheus of Debian that scrapes one daemon. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { providePrometheusTree } from '../../scripts/setup/prometheus-tree.mjs';
import { freePort } from './free-port.ts';
import { PROJECT } from './pages.ts';
import { until } from './until.ts';

const TREE = process.env['RUNTIME_MANAGER_PROMETHEUS_TREE'] ?? join(PROJECT, '.tools.prometheus');
const LIMIT_MS = 60_000;

type Target = { readonly address: string; readonly tokenFile: string };
type Series = { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] };

export type Prometheus = AsyncDisposable & {
  /** `up`, `down` or `unknown`, and why. */
  readonly target: () => Promise<{ readonly health: string; readonly lastError: string }>;
  readonly query: (expression: string) => Promise<readonly Series[]>;
};

export async function startPrometheus({ address, tokenFile }: Target): Promise<Prometheus> {
  await providePrometheusTree(TREE);
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'rmt-prom-'));
  const config = {
    global: { scrape_interval: '1s' },
    scrape_configs: [
      {
        job_name: 'runtime-manager',
        authorization: { credentials_file: tokenFile },
        static_configs: [{ targets: [address] }],
      },
    ],
  };
  // JSON is YAML
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(config));
  const listen = `127.0.0.1:${await freePort()}`;
  const flags = [
    `--config.file=${directory}/prometheus.yml`,
    `--storage.tsdb.path=${directory}/data`,
    `--web.listen-address=${listen}`,
  ];
  const child = spawn(join(TREE, 'usr/bin/prometheus'), flags, { stdio: 'ignore', cwd: directory });
  const ended = once(child, 'exit');
  const ask = async (path: string): Promise<unknown> => await (await fetch(`http://${listen}${path}`)).json();
  const end = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(directory, { recursive: true });
  };
  try {
    await until(async () => (await fetch(`http://${listen}/-/ready`)).ok, {
      ...{ what: 'Prometheus is ready', timeoutMs: LIMIT_MS, pollMs: 100 },
    });
  } catch (error) {
    await end();
    throw error;
  }
  return {
    target: async () => {
      const { data } = (await ask('/api/v1/targets')) as {
        data: { activeTargets: { health: string; lastError: string }[] };
      };
      return data.activeTargets[0] ?? { health: 'unknown', lastError: '' };
    },
    query: async (expression) => {
      const answer = await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
      return (answer as { data: { result: Series[] } }).data.result;
    },
    [Symbol.asyncDispose]: end,
  };
}

/** `promtool check metrics`: what it has to say; empty when all is well. */
export async function checkMetrics(page: string): Promise<string> {
  await providePrometheusTree(TREE);
  const child = spawn(join(TREE, 'usr/bin/promtool'), ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  child.stdin.end(page);
  await once(child, 'close');
  return said;
}
