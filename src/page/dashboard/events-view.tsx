/** Everything that happens, as it happens. */
import { useState } from 'preact/hooks';
import type { AppEvent } from '../../client/browser.ts';
import { storyOf } from '../../domain/history.ts';
import { recent } from './feed.ts';
import { inLocalTime, moment, SearchField } from './parts.tsx';
import { linkTo } from './route.ts';

const MAX_SHOWN = 300;

export function EventsView() {
  const [find, setFind] = useState('');
  const words = find.toLowerCase();
  const found = recent.value.filter((event) => textOf(event).includes(words));
  return (
    <section class="page" aria-label="Events">
      <h2>Events</h2>
      <div class="tools">
        <SearchField what="Find an event" value={find} onChange={setFind} />
        <span class="soft">
          {found.length > MAX_SHOWN ? `the last ${MAX_SHOWN} of ` : ''}
          {found.length} events
        </span>
      </div>
      <EventList events={found.slice(-MAX_SHOWN).reverse()} />
    </section>
  );
}

const textOf = (event: AppEvent): string =>
  `${event.appInstanceId} ${event.appId} ${event.type} ${storyOf(event).what}`.toLowerCase();

export function EventList({ events }: { readonly events: readonly AppEvent[] }) {
  if (events.length === 0) return <p class="empty">No events.</p>;
  return (
    <ol class="events">
      {events.map((event) => (
        <EventRow key={event.seq} event={event} />
      ))}
    </ol>
  );
}

function EventRow({ event }: { readonly event: AppEvent }) {
  const { what, why } = storyOf(event);
  return (
    <li data-seq={event.seq} data-type={event.type}>
      <time dateTime={event.time}>{moment(event.time)}</time>
      <span class="seq">{event.seq}</span>
      <a href={linkTo(event.appInstanceId, 'history')}>{event.appInstanceId}</a>
      <span>
        {inLocalTime(what)}
        {why !== undefined && <span class="soft"> · {inLocalTime(why)}</span>}
      </span>
    </li>
  );
}
