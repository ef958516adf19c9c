/** What an app writes, as it comes; searched in all of it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Fault } from './actions.tsx';
import { PAGE_SIZE, useLog, type Log } from './log-reader.ts';
import { SearchField, timeOfDay } from './parts.tsx';

/** So long after the last key the log is read for it. */
const SETTLE_MS = 300;

export function Logs({ id }: { readonly id: string }) {
  const [fromBeginning, setFromBeginning] = useState(false);
  const [typed, setTyped] = useState('');
  const [follows, setFollows] = useState(true);
  const find = useSettled(typed);
  const { more, ...log } = useLog(id, { find, fromBeginning });
  const place = useRef<HTMLDivElement>(null);
  const isRead = fromBeginning && find === '';
  // who reads from the beginning goes through all that was asked for
  const drawn = isRead ? log.lines : log.lines.slice(-PAGE_SIZE);
  useEffect(() => {
    if (follows && !isRead) place.current?.scrollTo({ top: place.current.scrollHeight });
  }, [log.found, drawn.at(-1), follows, isRead]);
  return (
    <section class="logs" aria-label={`Log of ${id}`}>
      <div class="tools">
        <SearchField what="Find in the log" value={typed} onChange={setTyped} />
        <button type="button" aria-pressed={follows && !isRead} onClick={() => setFollows(!follows)}>
          Follow
        </button>
        <button type="button" aria-pressed={fromBeginning} onClick={() => setFromBeginning(!fromBeginning)}>
          From the beginning
        </button>
        <span class="soft">{wordsFor(log, find)}</span>
      </div>
      {log.fault !== undefined && <Fault error={log.fault} />}
      <div ref={place} class="lines" tabIndex={0} data-stop="scroll" role="log" aria-live="off" aria-label="Lines">
        {drawn.map((line, index) => (
          <p key={index} class={line.stream}>
            <time>{timeOfDay(line.time)}</time>
            <Marked text={line.text} find={find} />
          </p>
        ))}
        {log.read === 0 && <p class="soft">Nothing was written yet.</p>}
        {log.pauses && (
          <button type="button" onClick={more}>
            More lines
          </button>
        )}
      </div>
    </section>
  );
}

const number = (count: number): string => count.toLocaleString('en-GB');

const wordsFor = ({ found, read, ended }: Log, find: string): string =>
  `${find === '' ? '' : `${number(found)} of `}${number(read)} lines${ended ? ', it has ended' : ''}`;

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
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
