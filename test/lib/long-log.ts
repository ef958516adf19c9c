/** A state.db with many events, as a device has after years. */
import { Store } from '../../src/adapters/sqlite/store.ts';
import type { NewEvent } from '../../src/domain/events.ts';
import { appId, appInstanceId } from '../../src/domain/ids.ts';

const LOT = 1000;
const PER_INSTANCE = 8;

/** `count`: a multiple of 1000. */
export function fillLog(file: string, count: number, time = new Date().toISOString()): void {
  const store = new Store({ file, maxEvents: count, maxEventBytes: 2 ** 40, maxEventAgeMs: 2 ** 40 });
  for (let first = 0; first < count; first += LOT) {
    const events = Array.from({ length: LOT }, (_, index): NewEvent => {
      const subject = {
        appId: appId('old'),
        appInstanceId: appInstanceId(`old-${Math.floor((first + index) / PER_INSTANCE)}`),
      };
      return { ...subject, type: 'stateChanged', old: 'RUNNING', new: 'SUSPENDED', why: 'suspend' };
    });
    store.commitAll([{ events }], time);
    store.checkpoint();
  }
  store.shortenLog();
  store.close();
}
