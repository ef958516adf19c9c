/** Whether an app can be hibernated, told before anybody tries; and what its last dump and wake were like. */
import { useEffect, useState } from 'preact/hooks';
import type { AppInfo } from '../../client/browser.ts';
import { duration } from '../../domain/durations.ts';
import type { Explanation, Finding } from '../../domain/hibernation.ts';
import { formatSize } from '../../domain/size.ts';
import { Facts, moment, Panel } from './parts.tsx';
import { manager, phase } from './session.ts';

export function Hibernation({ info }: { readonly info: AppInfo }) {
  const { appInstanceId: id, state } = info;
  const isAwake = state === 'RUNNING' || state === 'SUSPENDED';
  const { explanation, ask } = useExplanation(id, isAwake, state);
  return (
    <Panel
      title="Hibernation"
      aside={
        isAwake && (
          <button type="button" class="quiet" onClick={ask}>
            Look again
          </button>
        )
      }
    >
      {isAwake && <Explained explanation={explanation} />}
      <Facts rows={figuresOf(info.hibernation)} />
    </Panel>
  );
}

function useExplanation(id: string, isAwake: boolean, state: string) {
  const [explanation, setExplanation] = useState<Explanation>();
  const [asked, setAsked] = useState(0);
  const isConnected = phase.value === 'live';
  useEffect(() => {
    setExplanation(undefined);
    if (!isAwake || !isConnected) return undefined;
    let isOver = false;
    manager()
      .explainHibernation({ appInstanceId: id })
      .then(
        (found) => {
          if (!isOver) setExplanation(found);
        },
        // the app or the connection is gone, and both are told elsewhere
        () => undefined,
      );
    return () => {
      isOver = true;
    };
  }, [id, isAwake, state, asked, isConnected]);
  return { explanation, ask: () => setAsked((count) => count + 1) };
}

function Explained({ explanation }: { readonly explanation: Explanation | undefined }) {
  if (explanation === undefined) return <p class="soft">Looking at its processes…</p>;
  const { possible, findings, log } = explanation;
  return (
    <>
      <p class={`verdict ${possible}`}>
        {possible === 'yes' ? 'It can be hibernated, as far as can be seen.' : 'It cannot be hibernated now.'}
      </p>
      <ul class="findings">
        {findings.map((finding, index) => (
          <FindingItem key={index} finding={finding} />
        ))}
      </ul>
      {log !== null && (
        <p class="soft">
          CRIU’s log of the last attempt that failed: <code>{log}</code>
        </p>
      )}
    </>
  );
}

function FindingItem({ finding }: { readonly finding: Finding }) {
  const { blocks, what, why, next, process, descriptor, evidence } = finding;
  return (
    <li class={blocks ? 'blocks' : 'remark'}>
      <p>
        <b>{blocks ? 'Stops it' : 'Remark'}:</b> {what}
      </p>
      <p class="soft">{why}</p>
      {process !== undefined && (
        <p class="soft">
          Process {process.name}, pid {process.pid}
          {descriptor !== undefined && `, descriptor ${descriptor.fd} (${descriptor.target})`}
        </p>
      )}
      {evidence !== undefined && <code>{evidence}</code>}
      <p class="next">{next}</p>
    </li>
  );
}

function figuresOf({ enabled, image, dump, wake, wakes }: AppInfo['hibernation']) {
  const rows: (readonly [string, string])[] = [];
  if (!enabled) rows.push(['Switched off', 'it was run with hibernation.enabled: false']);
  if (image !== null) {
    rows.push(
      [
        'Image',
        `${formatSize(image.sizeBytes)}${image.compressed ? `, compressed from ${formatSize(image.rawBytes)}` : ''}`,
      ],
      ['Since', moment(image.hibernatedAt)],
      ['Outlives a power cut', image.durable ? 'yes' : 'in a moment: it is being flushed'],
    );
  }
  if (dump !== null) rows.push(['Last dump', `${duration(dump.ms)}, gave back ${formatSize(dump.freedBytes)}`]);
  if (wake !== null) {
    rows.push(
      ['Last wake', `${duration(wake.ms)}, after ${duration(wake.sleptMs)} of sleep`],
      ['Wakes', String(wakes)],
    );
  }
  return rows;
}
