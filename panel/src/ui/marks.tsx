// Icons, states, figures and times.
import {computed, type Signal} from '@preact/signals';
import type {ComponentChildren} from 'preact';
import {useMemo} from 'preact/hooks';
import {absolute, bytes, cutAt, duration, exactBytes, isoTime, now, relative, shortPath, slowNow} from '../format';
import type {State} from '../schema';

const kIcons = {
  overview: 'M3 13h6V3H3zm8 4h6V9h-6zM3 17h6v-2H3zM11 3v4h6V3z',
  uploads: 'M10 15V5m0 0L6 9m4-4 4 4M4 17h12',
  storages: 'M3 4h14v5H3zm0 7h14v5H3zm3-4.5h.1M6 13.500h.1',
  buckets: 'M4 5h12l-1.500 12h-9zM3 5a7 2 0 0 1 14 0',
  limits: 'M3 15a7 7 0 1 1 14 0m-7 0 4-5',
  callbacks: 'M8 4 4 8l4 4M4 8h8a4 4 0 0 1 0 8h-2',
  accounts: 'M10 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6m-6 7a6 6 0 0 1 12 0',
  docs: 'M4 4h5l1 1 1-1h5v12h-5l-1 1-1-1H4zm6 1v12',
  audit: 'M5 3h10v14H5zm3 4h4m-4 3h4m-4 3h2',
  settings: 'M3 6h8m4 0h2M3 14h2m4 0h8M13 4v4M7 12v4',
  theme: 'M10 3a7 7 0 1 0 0 14zm0 0a7 7 0 0 1 0 14',
  search: 'M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12m4-2 4 4',
  copy: 'M7 7V3h10v10h-4M3 7h10v10H3z',
  close: 'm5 5 10 10M15 5 5 15',
  code: 'm7 6-4 4 4 4m6-8 4 4-4 4',
} as const;
export type IconName = keyof typeof kIcons;

export function Icon({name}: {name: IconName}) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={kIcons[name]} />
    </svg>
  );
}

// Its shape comes from the style sheet: the browser looks at every <svg> of a page in each frame, also at those in rows out of sight.
export const StateMark = ({state}: {state: State}) => <span class={`state ${state}`}>{state}</span>;

// A word with the colour and shape of a state, for what has no states of an upload.
export const Mark = ({tone, children}: {tone: State; children: ComponentChildren}) => <span class={`state ${tone}`}>{children}</span>;

export const Bytes = ({count}: {count: number}) => <data value={count} title={exactBytes(count)}>{bytes(count)}</data>;

// The whole date is written where the mouse asks for it.
addEventListener('mouseover', ({target}) => {
  const time = target instanceof Element && target.closest('time');
  if (time) time.title = absolute(Date.parse(time.dateTime) / 1000);
});

// `clock`: what the text follows; rows of long lists have one that stands while they are out of sight.
export function When({at, slow, clock = slow ? slowNow : now, otherwise = '–'}: {at: number | null | undefined; slow?: boolean; clock?: Signal<number>; otherwise?: string}) {
  // A text that depends on the clock changes alone: nothing is drawn again, and ten thousand of them cost little.
  const text = useMemo(() => computed(() => (at === null || at === undefined ? otherwise : relative(at, clock.value))), [at, clock, otherwise]);
  if (at === null || at === undefined) return <>{otherwise}</>;
  return (
    <time dateTime={isoTime(at)}>
      {text}
    </time>
  );
}

// For how long, by the slow clock.
export function Age({since, clock = slowNow}: {since: number; clock?: Signal<number>}) {
  const text = useMemo(() => computed(() => duration(clock.value - since)), [since, clock]);
  return <span class="figure">{text}</span>;
}

// A path in a narrow place: where it does not fit, its middle is left out, and never the end of the file's name.
export function NarrowPath({path}: {path: string}) {
  const at = cutAt(path);
  // A row of a list is cheaper with one box less.
  if (at === 0) {
    return (
      <bdi class="narrow-path whole" title={path}>
        {path}
      </bdi>
    );
  }
  return (
    <bdi class="narrow-path" title={path}>
      <span>{path.slice(0, at)}</span>
      <span class="end">{path.slice(at)}</span>
    </bdi>
  );
}

// A text of the server; sizes in it are shown as sizes are here.
export const WithBytes = ({text}: {text: string}) => <>{text.split(/(\d+) bytes/).map((piece, i) => (i % 2 === 0 ? piece : <Bytes key={i} count={Number(piece)} />))}</>;

export const FilePath = ({path, most}: {path: string; most?: number}) => (
  <span class="path" title={path}>
    <bdi>{shortPath(path, most)}</bdi>
  </span>
);
