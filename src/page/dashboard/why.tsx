/** Why an app is as it is, in a few lines. */
import { useEffect, useState } from 'preact/hooks';
import type { LogLine } from '../../client/browser.ts';
import type { History } from '../../domain/history.ts';
import { whyOf } from '../../domain/why.ts';
import { useFigures } from './figures.ts';
import { health } from './health.ts';
import { joinPieces, readable } from './log-text.ts';
import { inLocalTime, Panel } from './parts.tsx';
import { manager, phase } from './session.ts';

const LOG_LINES = 5;

export function Why({ history }: { readonly history: History }) {
  const { appInstanceId: id } = history;
  const info = useFigures(id)?.info ?? null;
  const log = useLastWords(id, history);
  const problems = (health.value?.problems ?? []).filter(({ appInstanceId }) => appInstanceId === id);
  const { summary, evidence, next } = whyOf({ history, info, problems, log });
  return (
    <Panel title="Why it is so">
      <p>
        <b>{inLocalTime(summary)}</b>
      </p>
      {evidence.map((text) => (
        <p key={text} class="soft">
          {inLocalTime(text)}
        </p>
      ))}
      {next.map((text) => (
        <p key={text} class="next">
          {text}
        </p>
      ))}
      {history.exit !== null && log.length > 0 && <pre aria-label="The last it wrote">{wordsOf(log)}</pre>}
    </Panel>
  );
}

function wordsOf(log: readonly LogLine[]): string {
  const { lines, open } = joinPieces(log);
  return [...lines, ...open.values()].map(({ text }) => readable(text)).join('\n');
}

/** Asked for again with each change of its history. */
function useLastWords(id: string, history: History): readonly LogLine[] {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const isConnected = phase.value === 'live';
  useEffect(() => {
    if (!isConnected) return;
    manager()
      .getLogs({ appInstanceId: id, tail: LOG_LINES })
      .then(
        (page) => setLines(page.lines),
        // the log of an app that is long forgotten is gone
        () => undefined,
      );
  }, [id, history, isConnected]);
  return lines;
}
