/**
 * One message of CRIU (or of the OCI runtime around it) and what it means for an operator.
 *
 * The three texts are templates. `{name}` is a named group of the pattern; besides there are `{who}` (the process, as far as
 * the log tells), `{fd}` (the descriptor), `{reason}` (the group `reason` or `errno`, in words) and `{bytes}` (a size, in words).
 */
export type Message = {
  readonly code: string;
  /** On the text of a log line, without time, pid, level and place. */
  readonly match: RegExp;
  /** Where CRIU 4.2 says it; `runc` for the runtime's own words. */
  readonly source: string;
  readonly what: string;
  readonly why: string;
  readonly next: string;
  /** A remark: CRIU goes on after it. */
  readonly remark?: true;
  /** It often follows from another message: it counts only where no other is found. */
  readonly weak?: true;
  /** What of the lines before it belongs to it. */
  readonly about?: 'process' | 'descriptor' | 'peer';
  /** Values of a group in words; `{group}` is replaced by the word. */
  readonly words?: Readonly<Record<string, Readonly<Record<string, string>>>>;
};
