/** The frame of all views. */
import type { Resources } from '../../domain/health.ts';
import { formatSize } from '../../domain/size.ts';
import { announcement } from './announce.ts';
import { AppDetail } from './app-detail.tsx';
import { AppList } from './app-list.tsx';
import { apps, counts } from './apps.ts';
import { EventList, EventsView } from './events-view.tsx';
import { recent } from './feed.ts';
import { health, problems } from './health.ts';
import { Login } from './login.tsx';
import { Panel, Tile } from './parts.tsx';
import { ProblemList, ProblemsView } from './problems-view.tsx';
import { route, type Route } from './route.ts';
import { RunView } from './run-view.tsx';
import { daemon, hasToken, logOut, outdated, phase } from './session.ts';

export function Shell() {
  if (phase.value === 'login') return <Login />;
  return (
    <>
      <Bar view={route.value.view} />
      <Notices />
      <main>{viewOf(route.value)}</main>
      <div class="visually-hidden" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}

function viewOf(shown: Route) {
  switch (shown.view) {
    case 'problems':
      return <ProblemsView />;
    case 'events':
      return <EventsView />;
    case 'run':
      return <RunView />;
    case 'apps':
      return (
        <div class={`split ${shown.id === undefined ? '' : 'has-one'}`}>
          <AppList selected={shown.id} />
          {shown.id === undefined ? <Device /> : <AppDetail id={shown.id} tab={shown.tab} />}
        </div>
      );
  }
}

const VIEWS: readonly (readonly [Route['view'], string])[] = [
  ['apps', 'Apps'],
  ['problems', 'Problems'],
  ['events', 'Events'],
  ['run', 'Run an app'],
];

function Bar({ view }: { readonly view: Route['view'] }) {
  return (
    <header class="bar">
      <h1>
        <img src="/page/icon.svg" alt="" width="22" height="22" /> <span>Runtime Manager</span>
      </h1>
      <nav aria-label="Views">
        {VIEWS.map(([name, text]) => (
          <a
            key={name}
            href={`#/${name === 'apps' ? '' : name}`}
            {...(name === view && { 'aria-current': 'page' as const })}
          >
            {text}
            {name === 'problems' && problems.value.length > 0 && <span class="count bad">{problems.value.length}</span>}
          </a>
        ))}
      </nav>
      <span class={`link ${phase.value}`} data-phase={phase.value}>
        {phase.value === 'live' ? 'Live' : phase.value === 'lost' ? 'Reconnecting…' : 'Connecting…'}
      </span>
      {hasToken.value && (
        <button type="button" class="quiet" onClick={logOut}>
          Log out
        </button>
      )}
    </header>
  );
}

const Notices = () => (
  <>
    {phase.value === 'lost' && (
      <p class="notice" role="alert">
        The daemon is away. The apps run on; what is shown is how it was. It comes back by itself.
      </p>
    )}
    {outdated.value && (
      <p class="notice">
        The daemon is now version {daemon.value?.version}.{' '}
        <button type="button" class="quiet" onClick={() => location.reload()}>
          Load its page
        </button>
      </p>
    )}
  </>
);

const FEW = 3;
const SOME = 12;

/** What the device holds, where no app is chosen. */
function Device() {
  return (
    <div class="detail device">
      <Panel title="What the apps hold">
        <div class="tiles">
          <StateTile name="Running" count={counts.value.running} bytes={memoryOf('RUNNING')} />
          <StateTile name="Suspended" count={counts.value.suspended} bytes={memoryOf('SUSPENDED')} />
          <Tile name="Hibernated" value={String(counts.value.hibernated)}>
            <small>no memory{health.value && `, ${diskWords(health.value.resources.images)}`}</small>
          </Tile>
        </div>
      </Panel>
      {problems.value.length > 0 && (
        <Panel
          title="Problems"
          class="extra"
          aside={problems.value.length > FEW && <a href="#/problems">All {problems.value.length}</a>}
        >
          <ProblemList problems={problems.value.slice(0, FEW)} />
        </Panel>
      )}
      <Panel title="Latest events" class="extra" aside={<a href="#/events">All</a>}>
        <EventList events={recent.value.slice(-SOME).reverse()} />
      </Panel>
      <DaemonLine />
    </div>
  );
}

const diskWords = ({ sizeBytes, budgetBytes }: Resources['images']): string =>
  `${formatSize(sizeBytes)} of ${formatSize(budgetBytes)} on disk`;

type StateTileProps = { readonly name: string; readonly count: number; readonly bytes: number };

const StateTile = ({ name, count, bytes }: StateTileProps) => (
  <Tile name={name} value={String(count)}>
    <small>{formatSize(bytes)} of memory</small>
  </Tile>
);

const memoryOf = (wanted: string): number =>
  (apps.value ?? []).reduce((sum, { state, memory }) => sum + (state === wanted ? (memory?.usageBytes ?? 0) : 0), 0);

function DaemonLine() {
  if (daemon.value === undefined) return null;
  const { version, engine, runtime, pid, root } = daemon.value;
  return (
    <p class="soft">
      runtimemanagerd {version}, {engine} ({runtime}), process {pid}, root {root}
    </p>
  );
}
