/**
 * Our code for an error that brings a number only: Thunder's own, another plugin's, an older or newer daemon's
 * (facts/thunder.md §1.6: Thunder 4 sends a core code as it is, Thunder 5 as -31000 less the code).
 */
import type { ErrorCode } from '../domain/errors.ts';

const CODES: ReadonlyMap<number, ErrorCode> = new Map([
  // of JSON-RPC and its dispatcher
  [-32_700, 'INVALID_ARGUMENT'],
  [-32_600, 'INVALID_ARGUMENT'],
  [-32_601, 'UNKNOWN_METHOD'],
  [-32_602, 'INVALID_ARGUMENT'],
  // no such callsign: Thunder answers here, Runtime Manager does not
  [-32_603, 'UNREACHABLE'],
  [-31_043, 'UNREACHABLE'],
  [-32_604, 'PERMISSION_DENIED'],
  [-32_000, 'TIMED_OUT'],
  // core codes
  [2, 'UNREACHABLE'],
  [4, 'ABORTED'],
  [5, 'ILLEGAL_STATE'],
  [6, 'START_FAILED'],
  [11, 'TIMED_OUT'],
  [12, 'BUSY'],
  [15, 'INVALID_ARGUMENT'],
  [19, 'KILL_FAILED'],
  [22, 'NOT_FOUND'],
  [23, 'BUNDLE_INVALID'],
  [24, 'PERMISSION_DENIED'],
  [26, 'UNREACHABLE'],
  [29, 'ALREADY_EXISTS'],
  [30, 'INVALID_ARGUMENT'],
  [38, 'INVALID_ARGUMENT'],
  [42, 'PERMISSION_DENIED'],
  [43, 'NOT_FOUND'],
  [44, 'NOT_SUPPORTED'],
  [46, 'ILLEGAL_STATE'],
  [53, 'UNKNOWN_METHOD'],
  [54, 'INVALID_ARGUMENT'],
  [58, 'ABORTED'],
]);

const THUNDER5_BASE = -31_000;
const MAX_CORE_CODE = 999;

/** INTERNAL for what says no more than that something failed. */
export function codeOfThunder(number: unknown): ErrorCode {
  if (typeof number !== 'number') return 'INTERNAL';
  const core = THUNDER5_BASE - number;
  const isThunder5 = core >= 0 && core <= MAX_CORE_CODE;
  return CODES.get(number) ?? (isThunder5 ? CODES.get(core) : undefined) ?? 'INTERNAL';
}
