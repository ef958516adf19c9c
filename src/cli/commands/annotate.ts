import { callOnce } from '../../client/unix.ts';
import { RuntimeError } from '../../domain/errors.ts';
import { printable } from '../../domain/printable.ts';
import type { Command } from '../command.ts';
import { countOf, textsOf } from '../options.ts';

type Change = { readonly key: string; readonly value: string | null };
type Outcome = Change & { readonly already: boolean };

/** One after the other, so that it is known which ones were made when one is refused. */
export const annotate: Command = async ({ operands: [appInstanceId = '', ...pairs], options, daemon, output }) => {
  const changes = [...pairs.map(readPair), ...textsOf(options, 'remove').map((key) => ({ key, value: null }))];
  const revision = countOf(options, 'revision');
  refuseUnclear(changes, revision);
  const outcomes: Outcome[] = [];
  for (const { key, value } of changes) {
    const params = { appInstanceId, key, ...(revision !== undefined && { revision }) };
    const { already } =
      value === null
        ? await callOnce(daemon, ['removeAnnotation', params])
        : await callOnce(daemon, ['annotate', { ...params, value }]);
    outcomes.push({ key, value, already });
    if (!output.json) output.line(wordsFor({ key, value, already }));
  }
  if (output.json) output.data(outcomes);
  return 0;
};

function readPair(text: string): Change {
  const at = text.indexOf('=');
  if (at > 0) return { key: text.slice(0, at), value: text.slice(at + 1) };
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `an annotation cannot be ${JSON.stringify(text)}`,
    next: 'write it as KEY=VALUE; --remove KEY takes one away',
  });
}

/** Each change makes a new revision, so a revision can be said for one change only. */
function refuseUnclear(changes: readonly Change[], revision: number | undefined): void {
  if (changes.length === 0) {
    throw new RuntimeError('INVALID_ARGUMENT', {
      what: 'nothing says what to note',
      next: 'give KEY=VALUE or --remove KEY; runtimectl info shows what is noted',
    });
  }
  if (revision === undefined || changes.length === 1) return;
  throw new RuntimeError('INVALID_ARGUMENT', {
    what: `--revision is for one change, not for ${changes.length}`,
    next: 'make them one by one',
  });
}

function wordsFor({ key, value, already }: Outcome): string {
  const name = printable(key);
  if (value === null) return already ? `${name} is not there` : `${name} is removed`;
  return `${name} = ${printable(value)}${already ? ' already' : ''}`;
}
