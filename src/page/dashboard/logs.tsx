/** What an app writes, as it comes; searched as it stands here. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { RuntimeError, type LogLine } from '../../client/browser.ts';
import { Fault } from './actions.tsx';
import { SearchField, timeOfDay } from './parts.tsx';
import { manager } from './session.ts';

const TAIL = 1000;
/** Older ones are let go: the file has them. */
const MAX_LINES = 20_000;
/** So many are drawn. */
const MAX_SHOWN = 2000;
const PAGE_SIZE = 2000;
const WAIT_MS = 25_000;
const RETRY_MS = 1000;

const PASSING: ReadonlySet<string> = new Set(['UNREACHABLE', 'ABORTED', 'TIMED_OUT']);

export function Logs({ id }: { readonly id: string }) {
  const [isWhole, setWhole] = useState(false);
  const [find, setFind] = useState('');
  const [follows, setFollows] = useState(true);
  const { lines, ended, fault } = useLog(id, isWhole);
  const place = useRef<HTMLDivElement>(null);
  const found = find === '' ? lines : lines.filter(({ text }) => text.toLowerCase().includes(find.toLowerCase()));
  const drawn = found.slice(-MAX_SHOWN);
  useEffect(() => {
    if (follows) place.current?.scrollTo({ top: place.current.scrollHeight });
  }, [drawn.length, drawn.at(-1), follows]);
  return (
    <section class="logs" aria-label={`Log of ${id}`}>
      <div class="tools">
        <SearchField what="Find in the log" value={find} onChange={setFind} />
        <button type="button" aria-pressed={follows} onClick={() => setFollows(!follows)}>
          Follow
        </button>
        <button type="button" aria-pressed={isWhole} onClick={() => setWhole(!isWhole)}>
          From the beginning
        </button>
        <span class="soft" role="status">
          {found.length} of {lines.length} lines{ended ? ', it has ended' : ''}
        </span>
      </div>
      {fault !== undefined && <Fault error={fault} />}
      <div ref={place} class="lines" tabIndex={0} data-stop="scroll" role="log" aria-live="off" aria-label="Lines">
        {drawn.map((line, index) => (
          <p key={index} class={line.stream}>
            <time>{timeOfDay(line.time)}</time>
            <Marked text={line.text} find={find} />
          </p>
        ))}
        {lines.length === 0 && <p class="soft">Nothing was written yet.</p>}
      </div>
    </section>
  );
}

function Marked({ text, find }: { readonly text: string; readonly find: string }) {
  const at = find === '' ? -1 : text.toLowerCase().indexOf(find.toLowerCase());
  if (at === -1) return <span>{text}</span>;
  return (
    <span>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + find.length)}</mark>
      {text.slice(at + find.length)}
    </span>
  );
}

type Log = { readonly lines: readonly LogLine[]; readonly ended: boolean; readonly fault?: RuntimeError };

const EMPTY: Log = { lines: [], ended: false };

/** The daemon may be restarted meanwhile: the cursor holds. */
function useLog(id: string, isWhole: boolean): Log {
  const [log, setLog] = useState<Log>(EMPTY);
  useEffect(() => {
    const over = new AbortController();
    setLog(EMPTY);
    void follow(id, { isWhole, signal: over.signal, take: setLog });
    return () => over.abort();
  }, [id, isWhole]);
  return log;
}

type Following = {
  readonly isWhole: boolean;
  readonly signal: AbortSignal;
  readonly take: (change: (log: Log) => Log) => void;
};

async function follow(id: string, { isWhole, signal, take }: Following): Promise<void> {
  let place: { readonly tail?: number; readonly cursor?: string; readonly waitMs?: number } = isWhole
    ? {}
    : { tail: TAIL };
  while (!signal.aborted) {
    try {
      const page = await manager().getLogs({ appInstanceId: id, limit: PAGE_SIZE, ...place }, { signal });
      place = { cursor: page.cursor, waitMs: page.lines.length === PAGE_SIZE ? 0 : WAIT_MS };
      take(({ lines }) => ({ lines: [...lines, ...page.lines].slice(-MAX_LINES), ended: page.ended }));
      // it may be run again
      if (page.ended && page.lines.length === 0) await rest(signal);
    } catch (thrown) {
      const fault = RuntimeError.of(thrown);
      // ABORTED is also our own end: the loop sees it
      if (!PASSING.has(fault.code)) {
        take((log) => ({ ...log, fault }));
        return;
      }
      await rest(signal);
    }
  }
}

const rest = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, RETRY_MS);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
