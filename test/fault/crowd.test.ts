/** Many apps at once, and a daemon that is killed: see test/campaign/crowd.ts. `npm run campaign -- --crowd` runs it with 300. */
import { test } from 'node:test';
import { runCrowd } from '../campaign/crowd.ts';
import { startDaemon } from '../lib/daemon.ts';

const APPS = Number(process.env['RUNTIME_MANAGER_CROWD_APPS'] ?? 24);
const SUBSCRIBERS = Number(process.env['RUNTIME_MANAGER_CROWD_SUBSCRIBERS'] ?? 10);

test(`${APPS} apps and ${SUBSCRIBERS} subscribers: none is lost over two kills of the daemon, and all end within its bounds`, async (context) => {
  await using daemon = await startDaemon();
  await runCrowd({
    ...{ daemon, apps: APPS, subscribers: SUBSCRIBERS },
    tell: (line) => {
      context.diagnostic(line);
    },
  });
});
