/** The terminal while `top` has it: raw, on its second screen; as before when the scope ends or the program does, however that is. */
import { forTerminal } from '../../domain/printable.ts';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

export type Terminal = Disposable & {
  readonly columns: () => number;
  readonly lines: () => number;
  /** Each line over what is there, so that nothing flickers. */
  readonly show: (lines: readonly string[]) => void;
  readonly onInput: (listener: (text: string) => void) => void;
  readonly onResize: (listener: () => void) => void;
};

/** 128 + the signal, as shells have it. */
const SIGNALS = { SIGTERM: 143, SIGHUP: 129, SIGINT: 130 } as const;

export function takeTerminal({ stdin, stdout }: Pick<NodeJS.Process, 'stdin' | 'stdout'>): Terminal {
  let isOurs = true;
  const giveBack = (): void => {
    if (!isOurs) return;
    isOurs = false;
    if (stdin.isTTY) stdin.setRawMode(false);
    stdout.write(LEAVE);
  };
  // the last word, whatever ends the program: a fault of ours, too
  process.on('exit', giveBack);
  for (const [signal, status] of Object.entries(SIGNALS)) process.on(signal, () => process.exit(status));
  stdout.write(ENTER);
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.setEncoding('utf8').resume();
  return {
    columns: () => stdout.columns || 80,
    lines: () => stdout.rows || 24,
    show: (lines) => stdout.write(`\x1b[H${lines.map((line) => `${forTerminal(line)}\x1b[K`).join('\r\n')}\x1b[J`),
    onInput: (listener) => stdin.on('data', (text: string) => listener(text)),
    onResize: (listener) => stdout.on('resize', listener),
    [Symbol.dispose]: () => {
      stdin.pause();
      giveBack();
    },
  };
}
