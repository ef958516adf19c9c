/** Records and changes for tests of the journal. */
import { appSchema } from '../../src/domain/app.ts';
import { appId, appInstanceId, containerIdFor } from '../../src/domain/ids.ts';
import type { Change, InstanceRecord, UserIdLease } from '../../src/ports/journal.ts';

export const instanceRecord = (id: string): InstanceRecord => ({
  appInstanceId: appInstanceId(id),
  appId: appId(id),
  containerId: containerIdFor(appInstanceId(id)),
  state: 'STARTING',
  app: appSchema.parse({ rootfs: { host: true }, args: ['/bin/true'] }),
  uid: 30_001,
  gid: 30_001,
  live: null,
  bootId: 'boot',
  createdAt: '2026-01-01T00:00:00.000Z',
  startedAt: null,
  ending: null,
  exit: null,
  released: false,
  hibernation: null,
  restart: null,
  mounts: [],
  annotations: {},
  annotationRevision: 0,
});

export const lease = (id: string): UserIdLease => ({ appId: appId(id), uid: 30_001, gid: 30_001, releasedAt: null });

/** One event and the record that goes with it. */
export const change = (index: number, id = 'app'): Change => ({
  instances: [{ ...instanceRecord(id), createdAt: String(index) }],
  events: [{ type: 'started', appId: appId(id), appInstanceId: appInstanceId(id), pid: index }],
});
