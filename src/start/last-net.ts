/**
 * What nothing has caught: a throw in a timer or an event handler, an `error` event without a listener, a rejected promise that
 * nothing waits for. Node would end the process. Here it is written to the log with its stack, and the daemon goes on: what is true
 * is on disk and in the kernel, and is read again before it is acted on, so what a fault left undone is found as after a restart
 * (decision 0155). The journal ends the daemon itself when it does not know what is on its disk.
 */
import { RuntimeError } from '../domain/errors.ts';
import type { AppInstanceId } from '../domain/ids.ts';
import type { Log } from '../ports/log.ts';
import { tokenBucket } from '../domain/token-bucket.ts';
import { subject } from '../manager/subject.ts';

export type LastNet = Disposable & {
  /** Called with the instance that was worked for. One at a time: the last one counts. */
  readonly onFault: (isolate: (id: AppInstanceId, thrown: unknown) => void) => void;
};

const LINES_PER_SECOND = 5;

export function lastNet(log: Log): LastNet {
  const lines = tokenBucket({ perSecond: LINES_PER_SECOND, burst: 20, now: () => performance.now() });
  let isolate: ((id: AppInstanceId, thrown: unknown) => void) | undefined;
  let unsaid = 0;

  function say(thrown: unknown, appInstanceId: AppInstanceId | undefined): void {
    if (lines.debtMs() > 0) {
      unsaid++;
      return;
    }
    lines.take();
    // what is thrown may be no error at all, and then it has no stack
    const err = thrown instanceof Error ? thrown : RuntimeError.of(thrown);
    log.error(
      { err, appInstanceId, ...(unsaid > 0 && { unsaid }) },
      'a fault that nothing has caught; the daemon goes on',
    );
    unsaid = 0;
  }

  function onFault(thrown: unknown): void {
    const id = subject();
    // here nothing may throw: Node ends a process that throws in its last handler
    try {
      say(thrown, id);
    } catch {
      // the log itself is what fails
    }
    try {
      if (id !== undefined) isolate?.(id, thrown);
    } catch {
      // told above
    }
  }

  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  return {
    onFault: (listener) => {
      isolate = listener;
    },
    [Symbol.dispose]: () => {
      process.off('uncaughtException', onFault);
      process.off('unhandledRejection', onFault);
    },
  };
}
