/** What a daemon is built for. */
import type { Config } from '../config.ts';
import type { DeviceProblem } from '../domain/health.ts';
import type { Layout } from '../domain/layout.ts';
import type { Journal } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Platform } from '../spec/platform/platform.ts';

export type Site = {
  readonly places: Layout;
  readonly config: Config;
  readonly log: Log;
  readonly journal: Journal;
  readonly platform: Platform | null;
  /** As callers are told; `/` for the system's own places. */
  readonly root: string;
  /** PATH for the host tools. */
  readonly searchPath: string;
  readonly env: NodeJS.ProcessEnv;
  /** Where the daemon's page is; null without one. */
  readonly webAddress: () => string | null;
  /** Of the control socket. */
  readonly socketProblems?: () => readonly DeviceProblem[];
  /** Of the command line. */
  readonly dobbyBus: string | undefined;
};
