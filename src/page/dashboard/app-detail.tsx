/** One app: what can be done with it, what it holds, and what it says. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { AppInfo, AppSummary } from '../../client/browser.ts';
import { exitWords } from '../../domain/exit.ts';
import { isAlive } from '../../domain/states.ts';
import { formatSize } from '../../domain/size.ts';
import { Actions, Progress } from './actions.tsx';
import { appOf, apps } from './apps.ts';
import { Chart } from './chart.tsx';
import { useFigures, type Figures } from './figures.ts';
import { HistoryView } from './history.tsx';
import { Hibernation } from './hibernation.tsx';
import { Logs } from './logs.tsx';
import { Badge, cpuWords, Facts, moment, Panel, Tile } from './parts.tsx';
import { Picture } from './picture.tsx';
import { linkTo, type Tab } from './route.ts';
import { STATE_WORDS } from './state-words.ts';

const TAB_WORDS: Readonly<Record<Tab, string>> = { overview: 'Overview', logs: 'Logs', history: 'History' };

export function AppDetail({ id, tab }: { readonly id: string; readonly tab: Tab }) {
  const app = appOf(id);
  const restart = useFigures(id)?.info.restart;
  const heading = useRef<HTMLHeadingElement>(null);
  // who opens an app is led to it, also by a screen reader
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    // on a phone the list before it may have been scrolled
    scrollTo({ top: 0 });
  }, [id]);
  return (
    <article class="detail" aria-label={id}>
      <header class="title">
        <a class="back" href="#/">
          ‹ Apps
        </a>
        <h2 ref={heading} tabIndex={-1}>
          {id}
        </h2>
        {app !== undefined && <Badge state={app.state} />}
        {app !== undefined && <span class="soft app">{app.appId}</span>}
      </header>
      {app === undefined ? (
        apps.value !== undefined && <Unknown />
      ) : (
        <Actions id={id} appId={app.appId} state={app.state} restart={restart} />
      )}
      <Progress id={id} />
      <nav class="tabs" aria-label={`Views of ${id}`}>
        {(Object.keys(TAB_WORDS) as Tab[]).map((name) => (
          <a key={name} href={linkTo(id, name)} {...(name === tab && { 'aria-current': 'page' as const })}>
            {TAB_WORDS[name]}
          </a>
        ))}
      </nav>
      {tab === 'logs' && <Logs key={id} id={id} />}
      {tab === 'history' && <HistoryView key={id} id={id} />}
      {tab === 'overview' && app !== undefined && <Overview key={id} app={app} />}
    </article>
  );
}

const Unknown = () => <p class="empty">The daemon remembers no such app. Its history may still be there.</p>;

function Overview({ app }: { readonly app: AppSummary }) {
  const { appInstanceId: id, state } = app;
  const figures = useFigures(id);
  const info = figures?.info;
  return (
    <div class="panels">
      <Holds state={state} info={info} figures={figures} />
      {isAlive(state) && state !== 'HIBERNATED' && <Lines figures={figures} />}
      <Picture id={id} state={state} hasDisplay={(info?.display ?? null) !== null} />
      {info !== undefined && isAlive(state) && <Hibernation info={{ ...info, state }} />}
      {info !== undefined && (
        <Panel title="About it">
          <Facts rows={aboutIt(info)} />
        </Panel>
      )}
    </div>
  );
}

type HoldsProps = Pick<AppSummary, 'state'> & {
  readonly info: AppInfo | undefined;
  readonly figures: Figures | undefined;
};

function Holds({ state, info, figures }: HoldsProps) {
  const { memory = null, storageUse = null, hibernation } = info ?? {};
  const image = hibernation?.image ?? null;
  const limit = memory?.limitBytes ?? null;
  return (
    <Panel title="What it holds" class="holds">
      <p>{STATE_WORDS[state].holds}</p>
      <div class="tiles">
        <Tile name="Memory" value={memory === null ? '0 B' : formatSize(memory.usageBytes)}>
          {memory !== null && limit !== null && (
            <>
              <meter min={0} max={limit} value={memory.usageBytes} aria-label="of its memory limit" />
              <small>of {formatSize(limit)}</small>
            </>
          )}
        </Tile>
        <Tile name="Processor" value={info?.cpu ? cpuWords(figures?.samples.at(-1)?.cpu) : '0 %'}>
          <small>of one core</small>
        </Tile>
        <Tile name="Image on disk" value={image === null ? '0 B' : formatSize(image.sizeBytes)}>
          {image !== null && <small>{image.durable ? 'safe from a power cut' : 'being flushed'}</small>}
        </Tile>
        {storageUse !== null && (
          <Tile name="Storage" value={formatSize(storageUse.usedBytes)}>
            {storageUse.limitBytes !== null && <small>of {formatSize(storageUse.limitBytes)}</small>}
          </Tile>
        )}
      </div>
    </Panel>
  );
}

const MIB = 2 ** 20;
/** From 64 KiB on. */
const BINARY_STEPS = Array.from({ length: 30 }, (_, index) => 2 ** (16 + index));

function Lines({ figures }: { readonly figures: Figures | undefined }) {
  const samples = figures?.samples ?? [];
  const times = samples.map(({ at }) => at);
  return (
    <Panel title="Over time">
      <Chart
        title="Memory"
        times={times}
        values={samples.map(({ memoryBytes }) => memoryBytes)}
        words={formatSize}
        colour="accent"
        least={MIB}
        steps={BINARY_STEPS}
      />
      <Chart
        title="Processor"
        times={times}
        values={samples.map(({ cpu }) => cpu)}
        words={cpuWords}
        colour="run"
        least={0.05}
      />
    </Panel>
  );
}

function aboutIt(info: AppInfo): readonly (readonly [string, ComponentChildren])[] {
  const { pid, uid, startedAt, exit, network, limits, mounts, restart, annotations, storage, logFile, pids } = info;
  return [
    ...(pid === null ? [] : [['Process', `${pid}, user ${uid}`] as const]),
    ...(pids === null ? [] : [['Tasks', `${pids.current} of ${pids.limit ?? 'any number'}`] as const]),
    ...(startedAt === null ? [] : [['Started', moment(startedAt)] as const]),
    ...(exit === null ? [] : [['Ended', `${exitWords(exit)}, ${moment(exit.at)}`] as const]),
    ['Network', networkWords(network)],
    [
      'Limits',
      `${limits.memoryBytes === null ? 'any memory' : formatSize(limits.memoryBytes)}, ${limits.cpus ?? 'all'} cores`,
    ],
    ...(restart.policy === 'never' ? [] : [['Restarts', restartWords(restart)] as const]),
    ...mounts.map(({ source, destination }) => ['Mount', `${source} → ${destination}`] as const),
    ...Object.entries(annotations).map(([key, value]) => [key, value] as const),
    ['Storage', <code>{storage}</code>],
    ['Log file', <code>{logFile}</code>],
  ];
}

function networkWords({ mode, address, ports }: AppInfo['network']): string {
  const published = ports.map(({ host, app }) => `${host} → ${app}`).join(', ');
  return [mode, address, published === '' ? null : `ports ${published}`].filter(Boolean).join(', ');
}

const restartWords = ({ policy, attempts, maxRetries, dueAt }: AppInfo['restart']): string =>
  `${policy}${attempts > 0 ? `, attempt ${attempts}${maxRetries === null ? '' : ` of ${maxRetries}`}` : ''}${
    dueAt === null ? '' : `, next at ${moment(dueAt)}`
  }`;
