// Where the reader is: the path below /panel and its query. Filters, searches and pages live in the query.
import {signal} from '@preact/signals';

const kRoot = '/panel';

export interface Place {
  path: string; // "/uploads/17"
  query: URLSearchParams;
}

function here(): Place {
  return {path: location.pathname.slice(kRoot.length) || '/', query: new URLSearchParams(location.search)};
}

export const place = signal<Place>(here());

export const href = (path: string): string => kRoot + path;

export function go(path: string, replace = false): void {
  if (href(path) === location.pathname + location.search) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', href(path));
  const before = place.peek().path;
  place.value = here();
  if (!replace && place.peek().path !== before) scrollTo(0, 0);
}

// Changes words of the query; an empty one goes.
export function setQuery(words: Record<string, string | undefined>, replace = false): void {
  const {path, query} = place.peek();
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(words)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  go(next.size > 0 ? `${path}?${next}` : path, replace);
}

addEventListener('popstate', () => (place.value = here()));

// Links within the panel need no new page.
addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.('a');
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (link.pathname !== kRoot && !link.pathname.startsWith(kRoot + '/')) return;
  event.preventDefault();
  go(link.pathname.slice(kRoot.length) + link.search);
});
