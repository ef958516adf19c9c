/** One event of each type. */

/** @typedef {import('../../src/domain/events.ts').AppEvent} AppEvent */

const subject = { time: '2026-01-01T12:00:00.000Z', appId: 'com.example.clock', appInstanceId: 'clock-1' };

/** The ids were never checked, as ids from a caller are; they need not be. */
export const EVENTS = /** @type {readonly AppEvent[]} */ (
  /** @type {unknown} */ ([
    { seq: 7, ...subject, type: 'stateChanged', old: 'RUNNING', new: 'SUSPENDED', why: 'suspend' },
    { seq: 8, ...subject, type: 'started', pid: 4711 },
    {
      seq: 9,
      ...subject,
      type: 'terminated',
      exit: { code: 0, signal: null, oom: false, cause: 'exited', at: subject.time },
    },
    {
      seq: 10,
      ...subject,
      type: 'failure',
      operation: 'run',
      error: { code: 'START_FAILED', what: 'container clock-1 was not started' },
      ended: true,
    },
    { seq: 15, ...subject, type: 'mounted', source: '/media/usb', destination: '/mnt', readOnly: true },
    { seq: 16, ...subject, type: 'unmounted', destination: '/mnt' },
    { seq: 14, ...subject, type: 'restarting', attempt: 1, maxRetries: 10, dueAt: '2026-01-01T12:00:01.000Z' },
    {
      seq: 13,
      ...subject,
      type: 'restartGivenUp',
      attempts: 10,
      why: 'it has failed as often as its restart policy allows',
    },
    {
      seq: 12,
      ...subject,
      type: 'limitsChanged',
      limits: { memoryBytes: null, cpus: 0.5, pids: 1024, cpuShares: null, cores: '0-1', ioWeight: null },
    },
    { seq: 12, ...subject, type: 'executed', program: '/bin/ls', exitCode: 0 },
    { seq: 11, ...subject, type: 'annotated', key: 'title', value: 'The clock', revision: 1 },
    { seq: 12, ...subject, type: 'storageFull', usedBytes: 16_600_000, limitBytes: 16_700_000 },
    { seq: 12, ...subject, type: 'displayConnected' },
    { seq: 13, ...subject, type: 'displayReady', ms: 230 },
    { seq: 14, ...subject, type: 'displayGone' },
    { seq: 15, ...subject, type: 'displayDied' },
    { seq: 16, ...subject, type: 'displayChanged', visible: true, zOrder: 0, width: 1280, height: 720 },
    { seq: 17, ...subject, type: 'displayFocused' },
  ])
);
