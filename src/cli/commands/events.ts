import { callOnce } from '../../client/unix.ts';
import { withGaps, type AppEvent, type EventGap } from '../../domain/events.ts';
import { storyOf } from '../../domain/history.ts';
import type { Command, Invocation } from '../command.ts';
import { countOf, isSet, textOf } from '../options.ts';
import type { Output } from '../output.ts';
import { stateWord } from '../words.ts';

const PAGE_SIZE = 1000;

type Item = AppEvent | EventGap;

export const events: Command = async (invocation) => {
  const { options, output } = invocation;
  const items = isSet(options, 'follow') ? follow(invocation) : readLog(invocation, countOf(options, 'since') ?? 0);
  for await (const item of items) {
    if (output.json) output.data(item);
    else output.line(words(item, output));
    await output.drained();
  }
  return 0;
};

async function* follow({ options, daemon }: Invocation): AsyncGenerator<Item> {
  const since = countOf(options, 'since');
  const { connect } = await import('../../client/node.ts');
  using client = await connect(daemon);
  yield* client.events({ since, appInstanceId: textOf(options, 'instance') });
}

async function* readLog({ options, daemon }: Invocation, since: number): AsyncGenerator<Item> {
  const appInstanceId = textOf(options, 'instance');
  for (let at = since; ;) {
    const query = { since: at, limit: PAGE_SIZE, ...(appInstanceId !== undefined && { appInstanceId }) };
    const page = await callOnce(daemon, ['getEvents', query]);
    yield* withGaps(page, at, appInstanceId === undefined);
    const last = page.events.at(-1);
    if (last === undefined || page.events.length < PAGE_SIZE) return;
    at = last.seq;
  }
}

function words(item: Item, output: Output): string {
  if (item.type === 'gap') return `events ${item.from} to ${item.to} are no longer kept`;
  return `${item.time} ${String(item.seq).padStart(5)} ${item.appInstanceId} ${story(item, output)}`;
}

function story(event: AppEvent, output: Output): string {
  const { what } = storyOf(event);
  if (event.type === 'stateChanged') return `${event.old} → ${stateWord(event.new, output)}: ${event.why}`;
  return event.type === 'failure' ? output.style('red', what) : what;
}
