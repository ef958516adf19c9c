/** What happened to one app, in order: who asked, why, and how long each state lasted. */
import { useEffect, useState } from 'preact/hooks';
import { RuntimeError } from '../../client/browser.ts';
import { duration } from '../../domain/durations.ts';
import type { History, HistoryEntry } from '../../domain/history.ts';
import { Fault } from './actions.tsx';
import { recent } from './feed.ts';
import { inLocalTime, moment } from './parts.tsx';
import { manager, phase } from './session.ts';
import { STATE_WORDS } from './state-words.ts';
import { Why } from './why.tsx';

const LIMIT = 1000;

export function HistoryView({ id }: { readonly id: string }) {
  const [history, setHistory] = useState<History>();
  const [fault, setFault] = useState<RuntimeError>();
  const last = recent.value.findLast(({ appInstanceId }) => appInstanceId === id)?.seq;
  const isConnected = phase.value === 'live';
  useEffect(() => {
    if (!isConnected) return;
    manager()
      .getHistory({ appInstanceId: id, limit: LIMIT })
      .then(setHistory, (error: unknown) => setFault(RuntimeError.of(error)));
  }, [id, last, isConnected]);
  if (fault !== undefined && history === undefined) return <Fault error={fault} />;
  if (history === undefined) return <p class="soft">Asking the daemon…</p>;
  const states = history.entries.filter(({ type }) => type === 'stateChanged');
  return (
    <section class="history" aria-label={`History of ${id}`}>
      <Why history={history} />
      <LifeLine entries={states} />
      {!history.complete && <p class="soft">What happened before this is no longer kept.</p>}
      <ol class="timeline" reversed>
        {[...history.entries].reverse().map((entry) => (
          <Entry key={entry.seq} entry={entry} />
        ))}
      </ol>
    </section>
  );
}

/** Each state as wide as it lasted, but wide enough to be seen. */
function LifeLine({ entries }: { readonly entries: readonly HistoryEntry[] }) {
  const now = Date.now();
  const spans = entries.map(({ seq, state, time, lastedMs }) => ({
    seq,
    state: state ?? 'TERMINATED',
    ms: lastedMs ?? Math.max(0, now - Date.parse(time)),
  }));
  const lived = spans.filter(({ state }) => state !== 'TERMINATED').slice(-60);
  return (
    <div class="lifeline" aria-hidden="true">
      {lived.map(({ seq, state, ms }) => (
        <span
          key={seq}
          class={STATE_WORDS[state].tone}
          title={`${STATE_WORDS[state].word}, ${duration(ms)}`}
          style={{ flexGrow: Math.sqrt(ms) }}
        />
      ))}
    </div>
  );
}

function Entry({ entry: { type, time, what, why, by, lastedMs, state, exit } }: { readonly entry: HistoryEntry }) {
  const tone = type === 'stateChanged' && state !== null ? STATE_WORDS[state].tone : kindOf(type);
  return (
    <li class={tone} data-type={type}>
      <time dateTime={time}>{moment(time)}</time>
      <div>
        <p>
          {inLocalTime(what)}
          {lastedMs !== null && <span class="lasted">for {duration(lastedMs)}</span>}
        </p>
        {why !== null && <p class="soft">{inLocalTime(why)}</p>}
        {exit?.oom === true && <p class="soft">The kernel’s out-of-memory killer struck in its container.</p>}
        {by !== null && <p class="soft">asked by {by}</p>}
      </div>
    </li>
  );
}

const BAD: ReadonlySet<string> = new Set(['failure', 'displayDied', 'storageFull', 'restartGivenUp']);
const kindOf = (type: HistoryEntry['type']): string => (BAD.has(type) ? 'bad' : 'note');
