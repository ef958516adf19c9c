/** The metrics, as a real Prometheus reads them. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { hostApp, runApp, SLEEP, uniqueId } from '../lib/apps.ts';
import { startDaemon } from '../lib/daemon.ts';
import { freePort } from '../lib/free-port.ts';
import { checkMetrics, startPrometheus } from '../lib/prometheus.ts';
import { until } from '../lib/until.ts';

const LIMIT_MS = 60_000;

test('Prometheus scrapes the daemon with the token that may only observe, and answers with its values', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  await using daemon = await startDaemon({ config: { listen: address } });
  const { client } = daemon;
  const id = await runApp(client, 'scraped', SLEEP, { limits: { memoryBytes: 64 * 2 ** 20 } });
  await client.suspend({ appInstanceId: id });
  await client.run(hostApp(uniqueId('refused'), ['/bin/not-there'])).catch(() => undefined);
  await using prometheus = await startPrometheus({ address, tokenFile: daemon.places.observeToken });
  const valueOf = async (query: string): Promise<number | undefined> => {
    const [series] = await prometheus.query(query);
    return series === undefined ? undefined : Number(series.value[1]);
  };

  await until(async () => (await prometheus.target()).health === 'up', {
    ...{ what: 'the target is up', timeoutMs: LIMIT_MS, pollMs: 200 },
  });
  await until(async () => (await valueOf('runtime_manager_apps{state="SUSPENDED"}')) === 1, {
    ...{ what: 'the suspended app is counted', timeoutMs: LIMIT_MS, pollMs: 200 },
  });
  assert.equal(await valueOf(`runtime_manager_app_memory_limit_bytes{app_instance="${id}"}`), 64 * 2 ** 20);
  assert(((await valueOf(`runtime_manager_app_memory_bytes{app_instance="${id}"}`)) ?? 0) > 0);
  assert.equal(await valueOf('runtime_manager_operations_total{operation="run",outcome="OK"}'), 1);
  assert.equal(await valueOf('runtime_manager_operations_total{operation="run",outcome="COMMAND_NOT_FOUND"}'), 1);
  assert.equal(await valueOf('runtime_manager_operation_duration_seconds_count{operation="suspend"}'), 1);
  assert.equal(await valueOf('runtime_manager_events_missed_total'), 0);
  assert(((await valueOf('process_resident_memory_bytes{job="runtime-manager"}')) ?? 0) > 2 ** 20);
  const slowest =
    'histogram_quantile(0.9, runtime_manager_operation_duration_seconds_bucket{operation="run",result="ok"})';
  assert(((await valueOf(slowest)) ?? 0) > 0);

  const token = (await readFile(daemon.places.observeToken, 'utf8')).trim();
  const page = await fetch(`http://${address}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(await checkMetrics(await page.text()), '', 'promtool has nothing to say');
});
