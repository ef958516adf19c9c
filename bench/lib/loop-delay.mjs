// Loaded into the daemon by the benchmark (NODE_OPTIONS=--import): on SIGUSR2 the longest delay of its event loop since the
// last one goes to the file that BENCH_LOOP_DELAY names, in ms.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';

const file = process.env['BENCH_LOOP_DELAY'];
if (file !== undefined) {
  const resolution = 1;
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  process.on('SIGUSR2', () => {
    writeFileSync(`${file}.new`, String(delays.max / 1e6 - resolution));
    renameSync(`${file}.new`, file);
    delays.reset();
  });
}
