/** The states in words and signs for people. */
import type { State } from '../../domain/states.ts';

type Words = {
  readonly word: string;
  /** A shape, so that nobody has to tell colours apart. */
  readonly sign: 'dot' | 'bars' | 'moon' | 'ring' | 'turn';
  readonly tone: 'run' | 'pause' | 'sleep' | 'end' | 'busy';
  readonly holds: string;
};

export const STATE_WORDS: Readonly<Record<State, Words>> = {
  STARTING: { word: 'Starting', sign: 'turn', tone: 'busy', holds: 'Its container is being made.' },
  RUNNING: { word: 'Running', sign: 'dot', tone: 'run', holds: 'Takes memory and processor time.' },
  SUSPENDED: {
    word: 'Suspended',
    sign: 'bars',
    tone: 'pause',
    holds: 'Every process stands still: no processor time, but all its memory.',
  },
  HIBERNATING: { word: 'Hibernating', sign: 'turn', tone: 'busy', holds: 'Its memory is being written to disk.' },
  HIBERNATED: {
    word: 'Hibernated',
    sign: 'moon',
    tone: 'sleep',
    holds: 'On disk only: no process, no memory. It outlives a restart of the machine.',
  },
  WAKING: { word: 'Waking', sign: 'turn', tone: 'busy', holds: 'Comes back from its image on disk.' },
  TERMINATING: { word: 'Terminating', sign: 'turn', tone: 'busy', holds: 'Is ending; then it holds nothing any more.' },
  TERMINATED: { word: 'Ended', sign: 'ring', tone: 'end', holds: 'Holds nothing; its log and its history are kept.' },
};
