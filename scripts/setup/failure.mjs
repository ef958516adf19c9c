/** What a person reads when a step cannot be done: what happened, why (a tool's own last words), what to do next. */
export class Failure extends Error {
  /** @param {{ what: string, why?: string, next: string }} parts */
  constructor({ what, why = '', next }) {
    super(what);
    this.what = what;
    this.why = why;
    this.next = next;
  }

  /** @param {string} program */
  text(program) {
    const why = this.why.trim() === '' ? [] : [`  why:  ${this.why.trim().replaceAll('\n', '\n        ')}`];
    return [`${program}: ${this.what}`, ...why, `  next: ${this.next}`].join('\n');
  }
}

/** Thrown where work stops because the person (Ctrl-C) or the system asked for it. */
export class Stopped extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }
}

/** The beginning, for tools that end with advice. @param {string} text */
export const firstLines = (text, count = 8) => text.trim().split('\n').slice(0, count).join('\n');

/** The end of a tool's output: enough to see why it failed. @param {string} text */
export const lastLines = (text, count = 8) => text.trimEnd().split('\n').slice(-count).join('\n');
