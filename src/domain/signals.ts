/** Names of signals, as images and bundles give them. */
import { constants } from 'node:os';

/** Of glibc on Linux (signal(7)); it keeps the first two for itself. */
const RTMIN = 34;
const RTMAX = 64;

/** The annotation of a container that says how it wants to be asked to end (image-spec, conversion.md). */
export const STOP_SIGNAL_ANNOTATION = 'org.opencontainers.image.stopSignal';

/** `SIGQUIT`, `quit`, `3`, `SIGRTMIN+3`: its number; undefined for anything else. As Docker reads it (moby/sys/signal). */
export function signalNumber(text: string): number | undefined {
  const word = text.trim().toUpperCase().replace(/^SIG/, '');
  if (/^\d+$/.test(word)) return within(Number(word));
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(word);
  if (realTime !== null) {
    const [, base, sign, steps = '0'] = realTime;
    const number = (base === 'MIN' ? RTMIN : RTMAX) + (sign === '-' ? -1 : 1) * Number(steps);
    return number >= RTMIN ? within(number) : undefined;
  }
  return (constants.signals as Readonly<Record<string, number>>)[`SIG${word}`];
}

const within = (number: number): number | undefined => (number >= 1 && number <= RTMAX ? number : undefined);
