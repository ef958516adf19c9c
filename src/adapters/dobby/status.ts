const EXITED = 0;
const SIGNAL_BITS = 0x7f;

/** A raw status of wait(2), as Dobby tells it, as the code that a shell has: 0–255, or 128 + signal (a core dump's bit is left out). */
export const exitCode = (status: number): number =>
  (status & SIGNAL_BITS) === EXITED ? (status >> 8) & 0xff : 128 + (status & SIGNAL_BITS);
