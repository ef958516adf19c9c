/**
 * What systemd is told (sd_notify(3)), by a descriptor that the launcher has opened: bin/notify-fd.pl. Without one, nobody is told.
 * The watchdog hears from the event loop: a daemon that hangs is killed and started again, and the apps do not notice.
 */
import { closeSync, fstatSync, writeSync } from 'node:fs';

export type ServiceManager = Disposable & {
  /** Also the first sign of life, and the others follow: two in the time that systemd waits. */
  readonly ready: () => void;
  readonly stopping: () => void;
};

type Env = Readonly<Record<string, string | undefined>>;

/** The variables are systemd's (sd_watchdog_enabled(3)), and RUNTIME_MANAGER_NOTIFY_FD ours. */
export function serviceManager(env: Env): ServiceManager {
  const fd = descriptorOf(env);
  let beat: NodeJS.Timeout | undefined;
  const tell = (text: string): void => {
    if (fd === undefined) return;
    try {
      writeSync(fd, text);
    } catch {
      // systemd reads late or is gone: it is told again at the next beat, and a service manager that misses one too many acts
    }
  };
  const watchdogMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1000;
  return {
    ready: () => {
      tell('READY=1');
      if (fd === undefined || !(watchdogMs > 0)) return;
      beat = setInterval(tell, watchdogMs / 2, 'WATCHDOG=1').unref();
    },
    stopping: () => {
      tell('STOPPING=1');
    },
    [Symbol.dispose]: () => {
      clearInterval(beat);
      if (fd !== undefined) closeSync(fd);
    },
  };
}

/** Whoever sets the variable by hand must not have a file of his written to. */
function descriptorOf(env: Env): number | undefined {
  const fd = Number(env['RUNTIME_MANAGER_NOTIFY_FD'] ?? NaN);
  if (!Number.isInteger(fd) || fd <= 2) return undefined;
  try {
    return fstatSync(fd).isSocket() ? fd : undefined;
  } catch {
    return undefined;
  }
}
