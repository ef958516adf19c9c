/** Everything a page of metrics is made of, read at one moment. */
import type { Version } from '../../domain/api.ts';
import type { Resources } from '../../domain/health.ts';
import type { AppInfo } from '../../domain/info.ts';
import type { Service } from '../service.ts';
import type { Lag, LagWatch } from './lag.ts';
import type { Meter } from './meter.ts';

export type MetricsHost = {
  readonly service: Service;
  readonly meter: Meter;
  readonly lag: LagWatch;
  readonly subscribers: number;
  readonly connections: number;
  /** Subscribers that were dropped, in all. */
  readonly dropped: number;
};

export type Sample = {
  readonly version: Version;
  /** Of the living instances. */
  readonly apps: readonly AppInfo[];
  readonly resources: Resources;
  readonly meter: Meter;
  readonly subscribers: number;
  readonly connections: number;
  readonly dropped: number;
  readonly process: {
    readonly rssBytes: number;
    readonly heapUsedBytes: number;
    readonly cpuSeconds: number;
    readonly uptimeSeconds: number;
    readonly startedAtSeconds: number;
    readonly lag: Lag;
  };
};

/** Each costs some reads of kernel files: hundreds of them must not hold up calls. */
const AT_ONCE = 8;

const CALL = { signal: new AbortController().signal };

export async function takeSample(host: MetricsHost): Promise<Sample> {
  const { service, meter, lag, subscribers, connections, dropped } = host;
  const version = await service.version(undefined, CALL);
  const resources = await service.resources();
  const apps: AppInfo[] = [];
  for (const { appInstanceId } of await service.list({ all: false }, CALL)) {
    const info = await infoOf(service, appInstanceId);
    if (info !== undefined && info.state !== 'TERMINATED') apps.push(info);
    if (apps.length % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    ...{ version, apps, resources, meter, subscribers, connections, dropped },
    process: ownFigures(lag.take()),
  };
}

async function infoOf(service: Service, appInstanceId: string): Promise<AppInfo | undefined> {
  try {
    return await service.getInfo({ appInstanceId }, CALL);
  } catch {
    // forgotten meanwhile
    return undefined;
  }
}

function ownFigures(lag: Lag): Sample['process'] {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const uptimeSeconds = process.uptime();
  return {
    rssBytes: rss,
    heapUsedBytes: heapUsed,
    cpuSeconds: (user + system) / 1e6,
    uptimeSeconds,
    startedAtSeconds: Date.now() / 1000 - uptimeSeconds,
    lag,
  };
}
