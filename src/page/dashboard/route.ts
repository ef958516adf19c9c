/** Which view is shown: the part of the address after `#`, so that links, Back and bookmarks work. */
import { signal } from '@preact/signals';

export const TABS = ['overview', 'logs', 'history'] as const;
export type Tab = (typeof TABS)[number];

export type Route =
  { readonly view: 'apps'; readonly id?: string; readonly tab: Tab } | { readonly view: 'problems' | 'events' | 'run' };

const VIEWS = ['problems', 'events', 'run'] as const;

function parse(hash: string): Route {
  const [first = '', second = '', third = ''] = hash.replace(/^#\//, '').split('/');
  const view = VIEWS.find((name) => name === first);
  if (view !== undefined) return { view };
  const tab = TABS.find((name) => name === third) ?? 'overview';
  return first === 'apps' && second !== '' ? { view: 'apps', id: plain(second), tab } : { view: 'apps', tab };
}

/** An address that somebody typed may be none. */
function plain(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = signal<Route>({ view: 'apps', tab: 'overview' });

export const followAddress = (): void => {
  const read = () => (route.value = parse(location.hash));
  addEventListener('hashchange', read);
  read();
};

export const linkTo = (id: string, tab: Tab = 'overview'): string =>
  `#/apps/${encodeURIComponent(id)}${tab === 'overview' ? '' : `/${tab}`}`;

export const go = (hash: string): void => {
  location.hash = hash;
};
