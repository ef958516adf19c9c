/** Every app in one list: its state and what it takes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AppSummary } from '../../client/browser.ts';
import { formatSize } from '../../domain/size.ts';
import { apps, counts, filter, order, search, shown, type Filter } from './apps.ts';
import { useFigures } from './figures.ts';
import { imageOf } from './images.ts';
import { underWay } from './operations.ts';
import { Badge, Choice, cpuWords, SearchField } from './parts.tsx';
import { linkTo } from './route.ts';

const FILTERS: readonly (readonly [Filter, string])[] = [
  ['living', 'Living'],
  ['running', 'Running'],
  ['suspended', 'Suspended'],
  ['hibernated', 'Hibernated'],
  ['ended', 'Ended'],
];

export function AppList({ selected }: { readonly selected: string | undefined }) {
  return (
    <section class="list" aria-label="Apps">
      <div class="tools">
        <SearchField what="Find an app" value={search.value} onChange={(text) => (search.value = text)} />
        <Choice
          label="Order"
          value={order.value}
          options={[
            ['name', 'Name'],
            ['memory', 'Memory'],
            ['newest', 'Newest'],
          ]}
          onChoose={(value) => (order.value = value)}
        />
      </div>
      <Choice
        label="Which apps"
        value={filter.value}
        options={FILTERS.map(([name, text]) => [name, <FilterWord text={text} count={counts.value[name]} />])}
        onChoose={(value) => (filter.value = value)}
      />
      <Rows selected={selected} />
    </section>
  );
}

const FilterWord = ({ text, count }: { readonly text: string; readonly count: number }) => (
  <>
    {text} <span class="count">{count}</span>
  </>
);

function Rows({ selected }: { readonly selected: string | undefined }) {
  const rows = shown.value;
  const [focused, setFocused] = useState<string>();
  if (apps.value === undefined) return <p class="empty">Asking the daemon…</p>;
  if (rows.length === 0) return <Nothing />;
  // the list is one stop of the Tab key; arrows walk in it
  const stop = [focused, selected].find((id) => rows.some(({ appInstanceId }) => appInstanceId === id));
  const first = rows[0]?.appInstanceId;
  return (
    <ul class="rows">
      {rows.map((app) => (
        <li key={app.appInstanceId}>
          <Row
            app={app}
            isSelected={app.appInstanceId === selected}
            isStop={app.appInstanceId === (stop ?? first)}
            onFocus={() => setFocused(app.appInstanceId)}
          />
        </li>
      ))}
    </ul>
  );
}

const Nothing = () => (
  <p class="empty">
    {search.value === '' && filter.value === 'living' ? (
      <>
        No app lives here now. <a href="#/run">Run one</a>
      </>
    ) : (
      'No app fits.'
    )}
  </p>
);

type RowProps = {
  readonly app: AppSummary;
  readonly isSelected: boolean;
  readonly isStop: boolean;
  readonly onFocus: () => void;
};

function Row({ app: { appInstanceId: id, appId, state, memory, exit }, isSelected, isStop, onFocus }: RowProps) {
  const place = useRef<HTMLAnchorElement>(null);
  const isSeen = useSeen(place) && state !== 'TERMINATED';
  const figures = useFigures(id, isSeen);
  const deed = underWay.value.get(id)?.deed;
  const used = memory?.usageBytes;
  return (
    <a
      ref={place}
      class="row"
      href={linkTo(id)}
      tabIndex={isStop ? 0 : -1}
      onFocus={onFocus}
      data-id={id}
      {...(isSelected && { 'aria-current': 'page' as const })}
    >
      <Badge state={state} />
      <span class="name">
        <b>{id}</b>
        <small>{deed === undefined ? appId : `${deed}…`}</small>
      </span>
      {state === 'HIBERNATED' ? (
        <span class="figure wide">{diskWords(imageOf(id))}</span>
      ) : state === 'TERMINATED' ? (
        <span class="figure wide">{exit?.cause ?? ''}</span>
      ) : (
        <>
          <Figure name="memory" text={used === undefined ? '–' : formatSize(used)}>
            {figures?.samples.map(({ memoryBytes }) => memoryBytes)}
          </Figure>
          <Figure name="processor" text={cpuWords(figures?.samples.at(-1)?.cpu)}>
            {figures?.samples.map(({ cpu }) => cpu)}
          </Figure>
        </>
      )}
    </a>
  );
}

const diskWords = (bytes: number | undefined): string => (bytes === undefined ? '' : `${formatSize(bytes)} on disk`);

type FigureProps = {
  readonly name: 'memory' | 'processor';
  readonly text: string;
  readonly children: readonly (number | null)[] | undefined;
};

/** A number, and the line of its last two minutes. */
function Figure({ name, text, children = [] }: FigureProps) {
  const values = children.slice(-SPARK_SAMPLES);
  return (
    <span class={`figure ${name}`}>
      <span class="visually-hidden">{name} </span>
      {text}
      <svg class="spark" viewBox={`0 0 ${SPARK_SAMPLES} 20`} preserveAspectRatio="none" aria-hidden="true">
        <polyline points={sparkPoints(values, LEAST[name])} />
      </svg>
    </span>
  );
}

const SPARK_SAMPLES = 60;

/** What is nearly nothing looks so: 1 MiB, 5 % of a core. */
const LEAST = { memory: 2 ** 20, processor: 0.05 };

function sparkPoints(values: readonly (number | null)[], least: number): string {
  const top = Math.max(...values.map((value) => value ?? 0), least) * 1.15;
  const offset = SPARK_SAMPLES - values.length;
  return values
    .flatMap((value, index) => (value === null ? [] : [`${offset + index},${(19 - (value / top) * 18).toFixed(1)}`]))
    .join(' ');
}

/** Whether the element is on the screen, or nearly. */
function useSeen(place: { readonly current: Element | null }): boolean {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => setSeen(entries.some(({ isIntersecting }) => isIntersecting)),
      { rootMargin: '100px' },
    );
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return isSeen;
}
