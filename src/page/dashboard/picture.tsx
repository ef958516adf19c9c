/** What is on an app's display, or was when it fell asleep. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { RuntimeError, type State } from '../../client/browser.ts';
import { Panel, timeOfDay } from './parts.tsx';
import { manager, phase } from './session.ts';

const AGAIN_MS = 5000;

type Props = { readonly id: string; readonly state: State; readonly hasDisplay: boolean };
type Taken = { readonly at: string; readonly live: boolean };

export function Picture({ id, state, hasDisplay }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [taken, setTaken] = useState<Taken>();
  const [fault, setFault] = useState<string>();
  const mayHave = hasDisplay || state === 'HIBERNATED' || state === 'SUSPENDED';
  const isLive = state === 'RUNNING' && hasDisplay;
  const isConnected = phase.value === 'live';

  useEffect(() => {
    if (!mayHave || !isConnected) return undefined;
    let isOver = false;
    const take = async (): Promise<void> => {
      try {
        const { png, takenAt, live } = await manager().getScreenshot({ appInstanceId: id });
        const bitmap = await createImageBitmap(new Blob([bytesOf(png)], { type: 'image/png' }));
        if (isOver || canvas.current === null) return;
        canvas.current.width = bitmap.width;
        canvas.current.height = bitmap.height;
        canvas.current.getContext('2d')?.drawImage(bitmap, 0, 0);
        setTaken({ at: takenAt, live });
        setFault(undefined);
      } catch (error) {
        if (!isOver) setFault(RuntimeError.of(error).message);
      }
    };
    void take();
    const timer = isLive ? setInterval(() => void take(), AGAIN_MS) : undefined;
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [id, mayHave, isLive, isConnected]);

  // of an app that sleeps it is not known whether it has a display: a picture tells
  const isHidden = !mayHave || (taken === undefined && !hasDisplay);
  return (
    <Panel
      title="Display"
      hidden={isHidden}
      class="display"
      aside={hasDisplay && state === 'RUNNING' && <a href={`/view/${encodeURIComponent(id)}`}>Live view</a>}
    >
      <canvas ref={canvas} role="img" aria-label={`The display of ${id}`} />
      <p class="soft">{fault ?? wordsFor(taken)}</p>
    </Panel>
  );
}

const wordsFor = (taken: Taken | undefined): string =>
  taken === undefined
    ? 'Taking a picture…'
    : taken.live
      ? `As it was at ${timeOfDay(taken.at)}`
      : `Its last picture, of ${timeOfDay(taken.at)}`;

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
