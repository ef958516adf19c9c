/** Every metric as a row: the page and docs/metrics.md come from here. Names are stable: one that is there stays as it is. */
import type { AppInfo } from '../../domain/info.ts';
import { isAlive, STATES } from '../../domain/states.ts';
import { BUCKETS_S, type Spread } from './meter.ts';
import type { Sample } from './sample.ts';

export type Value = { readonly labels?: Readonly<Record<string, string>>; readonly value: number };

type Head = {
  readonly name: string;
  /** One sentence, for people. */
  readonly help: string;
  readonly labels?: readonly string[];
};

export type MetricRow = Head &
  (
    | { readonly type: 'gauge' | 'counter'; readonly read: (sample: Sample) => readonly Value[] }
    | {
        readonly type: 'histogram';
        readonly buckets: readonly number[];
        readonly read: (sample: Sample) => readonly Spread[];
      }
  );

const one = (value: number): readonly Value[] => [{ value }];

/** Not `instance`: Prometheus itself has a label of this name. */
const APP = ['app', 'app_instance'] as const;

/** A value for each living app that has one. */
const ofApps =
  (
    read: (app: AppInfo) => number | null | undefined,
    more: (app: AppInfo) => Readonly<Record<string, string>> = none,
  ) =>
  ({ apps }: Sample): readonly Value[] =>
    apps.flatMap((app) => {
      const value = read(app);
      const labels = { app: app.appId, app_instance: app.appInstanceId, ...more(app) };
      return value === null || value === undefined ? [] : [{ labels, value }];
    });

function none(): Readonly<Record<string, string>> {
  return {};
}

const APPS: readonly MetricRow[] = [
  {
    name: 'runtime_manager_apps',
    type: 'gauge',
    help: 'Living instances in this state.',
    labels: ['state'],
    read: ({ apps }) =>
      STATES.filter(isAlive).map((state) => ({
        labels: { state },
        value: apps.filter((app) => app.state === state).length,
      })),
  },
  {
    name: 'runtime_manager_app_state',
    type: 'gauge',
    help: '1 for the state that a living instance is in.',
    labels: [...APP, 'state'],
    read: ofApps(
      () => 1,
      ({ state }) => ({ state }),
    ),
  },
  {
    name: 'runtime_manager_app_memory_bytes',
    type: 'gauge',
    help: "Memory that is counted for the app's control group; absent while it is hibernated.",
    labels: APP,
    read: ofApps(({ memory }) => memory?.usageBytes),
  },
  {
    name: 'runtime_manager_app_memory_limit_bytes',
    type: 'gauge',
    help: 'Its limit, where it has one.',
    labels: APP,
    read: ofApps(({ memory }) => memory?.limitBytes),
  },
  {
    name: 'runtime_manager_app_cpu_seconds_total',
    type: 'counter',
    help: "CPU time of the app's control group; from 0 again after a wake.",
    labels: APP,
    read: ofApps(({ cpu }) => (cpu === null ? null : cpu.usageNs / 1e9)),
  },
  {
    name: 'runtime_manager_app_processes',
    type: 'gauge',
    help: 'Processes and threads of the app.',
    labels: APP,
    read: ofApps(({ pids }) => pids?.current),
  },
  {
    name: 'runtime_manager_app_processes_limit',
    type: 'gauge',
    help: 'Their limit.',
    labels: APP,
    read: ofApps(({ pids }) => pids?.limit),
  },
  {
    name: 'runtime_manager_app_storage_bytes',
    type: 'gauge',
    help: 'What is in the private directory of an app with limited storage.',
    labels: APP,
    read: ofApps(({ storageUse }) => storageUse?.usedBytes),
  },
  {
    name: 'runtime_manager_app_storage_limit_bytes',
    type: 'gauge',
    help: 'Its limit.',
    labels: APP,
    read: ofApps(({ storageUse }) => storageUse?.limitBytes),
  },
  {
    name: 'runtime_manager_app_image_bytes',
    type: 'gauge',
    help: 'Hibernation image of the app on disk.',
    labels: APP,
    read: ofApps(({ hibernation }) => hibernation.image?.sizeBytes),
  },
  {
    name: 'runtime_manager_app_restart_attempts',
    type: 'gauge',
    help: 'Restarts in a row of an app whose restart policy is not `never`.',
    labels: APP,
    read: ofApps(({ restart }) => (restart.policy === 'never' ? null : restart.attempts)),
  },
];

const DEEDS: readonly MetricRow[] = [
  {
    name: 'runtime_manager_operations_total',
    type: 'counter',
    help: 'Calls that change something, by what came of them: `OK`, or the code of the error.',
    labels: ['operation', 'outcome'],
    read: ({ meter }) => meter.operations.all,
  },
  {
    name: 'runtime_manager_operation_duration_seconds',
    type: 'histogram',
    help: 'How long their callers waited, by whether they succeeded (`ok`, `failed`).',
    labels: ['operation', 'result'],
    buckets: BUCKETS_S,
    read: ({ meter }) => meter.durations,
  },
  {
    name: 'runtime_manager_app_ends_total',
    type: 'counter',
    help: 'Runs that have ended, by cause: `oom`, `exited`, …',
    labels: ['cause'],
    read: ({ meter }) => meter.ends.all,
  },
];

const EVENTS: readonly MetricRow[] = [
  {
    name: 'runtime_manager_events_total',
    type: 'counter',
    help: 'Events written to the log and told.',
    labels: ['type'],
    read: ({ meter }) => meter.events.all,
  },
  {
    name: 'runtime_manager_events_missed_total',
    type: 'counter',
    help: 'Events that were written and not told. Must be 0.',
    read: ({ meter }) => one(meter.missed),
  },
  {
    name: 'runtime_manager_event_gaps_total',
    type: 'counter',
    help: 'Answers of `getEvents` that had to say that some of the events are no longer kept.',
    read: ({ meter }) => one(meter.gaps),
  },
  {
    name: 'runtime_manager_subscribers',
    type: 'gauge',
    help: 'Connections that are registered for events.',
    read: ({ subscribers }) => one(subscribers),
  },
  {
    name: 'runtime_manager_subscribers_dropped_total',
    type: 'counter',
    help: 'Connections that were closed because they did not read their events.',
    read: ({ dropped }) => one(dropped),
  },
  {
    name: 'runtime_manager_connections',
    type: 'gauge',
    help: 'WebSockets that are open.',
    read: ({ connections }) => one(connections),
  },
  {
    name: 'runtime_manager_calls_refused_total',
    type: 'counter',
    help: 'Calls and connections that were refused: no token, a wrong one, a role that may not, a foreign origin, too many.',
    read: ({ meter }) => one(meter.refused),
  },
];

const RESOURCES: readonly MetricRow[] = [
  {
    name: 'runtime_manager_images',
    type: 'gauge',
    help: 'Hibernation images on disk.',
    read: ({ resources }) => one(resources.images.count),
  },
  {
    name: 'runtime_manager_images_bytes',
    type: 'gauge',
    help: 'All of them together.',
    read: ({ resources }) => one(resources.images.sizeBytes),
  },
  {
    name: 'runtime_manager_images_budget_bytes',
    type: 'gauge',
    help: 'What they may take together (`hibernation.budgetBytes`).',
    read: ({ resources }) => one(resources.images.budgetBytes),
  },
  {
    name: 'runtime_manager_images_disk_free_bytes',
    type: 'gauge',
    help: 'Free on their disk.',
    read: ({ resources }) => one(resources.images.freeBytes),
  },
  {
    name: 'runtime_manager_user_ids',
    type: 'gauge',
    help: 'User ids for apps (`userIds`).',
    read: ({ resources }) => one(resources.userIds.total),
  },
  {
    name: 'runtime_manager_user_ids_taken',
    type: 'gauge',
    help: 'Those that belong to an app, alive or not.',
    read: ({ resources }) => one(resources.userIds.taken),
  },
];

const DAEMON: readonly MetricRow[] = [
  {
    name: 'runtime_manager_info',
    type: 'gauge',
    help: '1, with what the daemon is.',
    labels: ['version', 'engine', 'runtime'],
    read: ({ version: { version, engine, runtime } }) => [{ labels: { version, engine, runtime }, value: 1 }],
  },
  {
    name: 'runtime_manager_uptime_seconds',
    type: 'gauge',
    help: 'Since the daemon was started.',
    read: ({ process: own }) => one(own.uptimeSeconds),
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the daemon was started, in seconds since 1970.',
    read: ({ process: own }) => one(own.startedAtSeconds),
  },
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'CPU time of the daemon.',
    read: ({ process: own }) => one(own.cpuSeconds),
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of the daemon.',
    read: ({ process: own }) => one(own.rssBytes),
  },
  {
    name: 'nodejs_heap_size_used_bytes',
    type: 'gauge',
    help: 'Of it, what its JavaScript objects take.',
    read: ({ process: own }) => one(own.heapUsedBytes),
  },
  {
    name: 'nodejs_eventloop_lag_max_seconds',
    type: 'gauge',
    help: 'The longest time since the last page that a call had to wait for the daemon; 0 on the first page.',
    read: ({ process: own }) => one(own.lag.max),
  },
  {
    name: 'nodejs_eventloop_lag_p99_seconds',
    type: 'gauge',
    help: 'What 99 of 100 waited at most.',
    read: ({ process: own }) => one(own.lag.p99),
  },
];

export const METRICS: readonly MetricRow[] = [...APPS, ...DEEDS, ...EVENTS, ...RESOURCES, ...DAEMON];
