// Rows of uploads that change while they are shown. Each row redraws alone. Groups of rows that are out of sight cost
// nothing, because the browser skips them (content-visibility).
import {batch, type Signal, signal} from '@preact/signals';
import {Component, createRef} from 'preact';
import {bytes, duration, slowNow, words} from '../format';
import type {Upload} from '../schema';
import {hrefHere} from '../store';
import {Age, Bytes, NarrowPath, StateMark, When} from '../ui';

export interface Row {
  upload: Upload;
  rate: number | null; // bytes per second
  seen: number; // ms, when the upload was last told
}
export interface LiveRow {
  id: number;
  row: Signal<Row>;
  picked: Signal<boolean>;
  unseen: boolean; // the browser skips its group
  later: Upload | null; // what came meanwhile
}

// The rows that are selected.
export const picked = signal<ReadonlySet<LiveRow>>(new Set());
export function pick(rows: LiveRow[], on: boolean): void {
  const next = new Set(picked.peek());
  for (const live of rows) {
    live.picked.value = on;
    if (on) next.add(live);
    else next.delete(live);
  }
  picked.value = next;
}

export function liveRow(upload: Upload): LiveRow {
  return {id: upload.id, row: signal({upload, rate: null, seen: performance.now()}), picked: signal(false), unseen: false, later: null};
}

// Takes what is new. The rate is what was sent since the last time, smoothed.
// A row that is out of sight takes it when it comes into sight.
export function update(live: LiveRow, upload: Upload): void {
  if (live.unseen) {
    live.later = upload;
    return;
  }
  const before = live.row.peek();
  const seen = performance.now();
  const ms = seen - before.seen;
  let rate = upload.state === 'uploading' ? before.rate : null;
  if (upload.state === 'uploading' && upload.bytes_sent > before.upload.bytes_sent && ms > 0) {
    const fresh = ((upload.bytes_sent - before.upload.bytes_sent) * 1000) / ms;
    rate = rate === null ? fresh : rate * 0.7 + fresh * 0.3;
  }
  const moved = upload.bytes_sent !== before.upload.bytes_sent || upload.state !== before.upload.state;
  live.row.value = {upload, rate, seen: moved ? seen : before.seen};
}

export const uploadOf = (live: LiveRow): Upload => live.later ?? live.row.peek().upload;

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

// What happens to it now, in a few words.
export function Standing({row, clock = slowNow}: {row: Row; clock?: Signal<number>}) {
  const {upload, rate} = row;
  if (upload.state === 'uploading') {
    return (
      <>
        <progress max={100} value={upload.percent} aria-label={`${upload.percent} percent sent`} />
        <span class="figure">
          {upload.percent} %{upload.eta_seconds !== null && <span class="faint"> {duration(upload.eta_seconds)} left</span>}
        </span>
        {rate !== null && <span class="figure faint rate">{bytes(rate)}/s</span>}
      </>
    );
  }
  if (upload.finished !== null) return <When at={upload.finished} clock={clock} />;
  if (upload.next_attempt !== null && upload.next_attempt > slowNow.peek()) {
    return (
      <span>
        tries again <When at={upload.next_attempt} clock={clock} />
      </span>
    );
  }
  return (
    <span>
      waits for <Age since={upload.created} clock={clock} />
    </span>
  );
}

function UploadRow({live, clock, query, current}: {live: LiveRow; clock: Signal<number>; query: string; current: boolean}) {
  const row = live.row.value;
  const {upload} = row;
  return (
    <div class={`row ${current ? 'current' : ''}`} role="row" data-row tabIndex={-1}>
      <span role="cell" class="pick">
        <input type="checkbox" aria-label={`Select upload ${upload.id}`} checked={live.picked.value} onChange={(event) => pick([live], event.currentTarget.checked)} />
      </span>
      <span role="cell" class="c-state">
        <StateMark state={upload.state} />
      </span>
      <span role="cell" class="c-file">
        <a href={hrefHere(`/uploads/${upload.id}`) + (query ? (hrefHere('/').includes('?') ? '&' : '?') + query : '')} title={upload.path} aria-label={nameOf(upload.path)}>
          <NarrowPath path={nameOf(upload.path)} />
        </a>
        <span class="faint to">
          <NarrowPath path={`${upload.bucket}/${upload.destination_path}`} />
        </span>
      </span>
      <span role="cell" class="c-account faint figure">
        {upload.cdn}
      </span>
      <span role="cell" class="c-size figure">
        <Bytes count={upload.size} />
      </span>
      <span role="cell" class="c-standing">
        <Standing row={row} clock={clock} />
      </span>
      <span role="cell" class="c-error">
        {upload.error && upload.state !== 'completed' && <span title={upload.error.message}>{`${words(upload.error.code)}: ${upload.error.message}`}</span>}
      </span>
    </div>
  );
}

interface GroupProps {
  rows: LiveRow[];
  query: string;
  current: number;
}
export const kGroup = 25; // rows
export class Group extends Component<GroupProps> {
  private readonly element = createRef<HTMLDivElement>();
  private readonly clock = signal(slowNow.peek()); // stands while the group is out of sight
  private skipped = false;
  private stop = () => {};

  override componentDidMount(): void {
    this.stop = slowNow.subscribe((now) => {
      if (!this.skipped) this.clock.value = now;
    });
    this.element.current?.addEventListener('contentvisibilityautostatechange', (event) => {
      const {skipped} = event as Event & {skipped: boolean};
      this.skipped = skipped;
      if (!skipped) this.clock.value = slowNow.peek();
      batch(() => {
        for (const live of this.props.rows) {
          live.unseen = skipped;
          if (skipped || !live.later) continue;
          update(live, live.later);
          live.later = null;
        }
      });
    });
  }

  override componentWillUnmount(): void {
    this.stop();
  }

  override shouldComponentUpdate(next: GroupProps): boolean {
    const {rows, current, query} = this.props;
    const has = (id: number) => rows.some((one) => one.id === id);
    return next.rows !== rows || next.query !== query || (next.current !== current && (has(next.current) || has(current)));
  }
  override render({rows, query, current}: GroupProps) {
    return (
      <div ref={this.element} class={rows.length === kGroup ? 'group full' : 'group'} role="rowgroup">
        {rows.map((live) => (
          <UploadRow key={live.id} live={live} clock={this.clock} query={query} current={live.id === current} />
        ))}
      </div>
    );
  }
}

export const Head = ({all, onAll}: {all: boolean; onAll: (all: boolean) => void}) => (
  <div class="row head" role="row">
    <span role="columnheader" class="pick">
      <input type="checkbox" aria-label="Select all that are shown" checked={all} onChange={(event) => onAll(event.currentTarget.checked)} />
    </span>
    <span role="columnheader" class="c-state">State</span>
    <span role="columnheader" class="c-file">File → bucket/key</span>
    <span role="columnheader" class="c-account">Account</span>
    <span role="columnheader" class="c-size figure">Size</span>
    <span role="columnheader" class="c-standing">Progress or age</span>
    <span role="columnheader" class="c-error">Last error</span>
  </div>
);
