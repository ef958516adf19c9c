/** What Thunder answers, made one: the errors of its generations have different numbers for the same thing. */
import { RuntimeError } from '../../domain/errors.ts';

/** Why a neighbour did not do what it was asked. */
export type Refusal =
  /** The plugin has no such method: another build, another version. */
  | 'unknown-method'
  /** There is no such plugin on this device. */
  | 'unknown-service'
  /** The plugin is there and does not run. */
  | 'inactive'
  | 'not-allowed'
  /** Asked for twice: a registration is there already. */
  | 'duplicate'
  /** It has answered that it was not done. */
  | 'declined'
  | 'failed';

/**
 * The first row that has the number, and the words where those decide, counts. Thunder up to 4 sends most core codes as they
 * are, Thunder 5 as −31000 − code. Source: facts/thunder.md §1.6.
 */
const REFUSALS: readonly { readonly codes: readonly number[]; readonly words?: RegExp; readonly refusal: Refusal }[] = [
  { codes: [-32_601], refusal: 'unknown-method' },
  { codes: [-31_043], refusal: 'unknown-service' },
  // the same number for a fault of the plugin's own
  { codes: [-32_603], words: /could not access/i, refusal: 'unknown-service' },
  // Controller.status of a plugin that it does not know
  { codes: [22, -31_022], words: /unknown_?key|unknown key/i, refusal: 'unknown-service' },
  { codes: [2, -31_002, 46, -31_046], refusal: 'inactive' },
  { codes: [-32_604, 24, -31_024], refusal: 'not-allowed' },
  { codes: [22, 29, -31_048, -31_029], refusal: 'duplicate' },
];

const NEXT: Readonly<Record<Refusal, string>> = {
  'unknown-method':
    'this build of the plugin cannot do that: update it, or choose another provider in the configuration',
  'unknown-service': 'install the plugin on this device, or choose another provider in the configuration',
  inactive: 'activate the plugin (Controller.activate), or choose another provider in the configuration',
  'not-allowed': 'give a token that may do this: thunder.tokenFile in the configuration',
  duplicate: 'wait until the earlier one has gone',
  declined: "look into Thunder's own log",
  failed: "look into Thunder's own log",
};

export type Answer = { readonly result?: unknown; readonly error?: unknown };

/**
 * The result of a call. Throws NEIGHBOUR_FAILED, with `details.refusal`, for an error of either family, for `success: false`
 * (plugins that report failures inside a success) and for an answer that is none.
 */
export function resultOf(designator: string, answer: Answer): unknown {
  if (answer.error !== undefined) throw refused(designator, answer.error);
  if (!('result' in answer)) throw neighbourFailed(designator, 'failed', 'the answer has neither result nor error');
  const { success, errorReason } = membersOf(answer.result);
  if (success !== false) return answer.result;
  const reason = typeof errorReason === 'string' && errorReason !== '' ? errorReason : 'it gave no reason';
  throw neighbourFailed(designator, 'declined', reason);
}

function refused(designator: string, error: unknown): RuntimeError {
  const { code, message } = membersOf(error);
  const text = typeof message === 'string' ? message : '';
  const isRow = ({ codes, words }: (typeof REFUSALS)[number]): boolean =>
    codes.includes(Number(code)) && (words === undefined || words.test(text));
  const refusal = REFUSALS.find(isRow)?.refusal ?? 'failed';
  return neighbourFailed(designator, refusal, `error ${String(code)}${text === '' ? '' : ` ${text}`}`);
}

export const neighbourFailed = (designator: string, refusal: Refusal, cause: unknown): RuntimeError =>
  new RuntimeError('NEIGHBOUR_FAILED', {
    what: `Thunder's ${designator} failed`,
    next: NEXT[refusal],
    details: { refusal },
    cause,
  });

export const isRefusal = (error: unknown, ...refusals: readonly Refusal[]): boolean =>
  error instanceof RuntimeError && refusals.includes(error.details?.['refusal'] as Refusal);

/** Of anything; a value that is no object has none. */
export const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
