/** A tool is not the daemon: the kernel may end it when memory runs out, and what it was started with stays with it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CONFINE } from './confine-script.ts';

/** Whether this command line is one of a helper that is held. */
export const isHeld = (argv: readonly string[]): boolean => argv.includes(CONFINE);

const SCORE = '/proc/self/oom_score_adj';
let isProtected: boolean | undefined;

/** systemd protects the daemon (OOMScoreAdjust), and every process inherits that. One that has ended is fine. Source: proc(5). */
export function becomeOrdinary(pid: number): void {
  isProtected ??= Number(readFileSync(SCORE, 'utf8')) < 0;
  if (!isProtected) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, '0');
  } catch {
    // it has ended, or made itself the first to go
  }
}
