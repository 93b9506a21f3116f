// The list of uploads: filters in the URL, live rows, actions for many at once.
import {type Signal, signal, useSignalEffect} from '@preact/signals';
import {useEffect, useLayoutEffect, useRef, useState} from 'preact/hooks';
import {asProblem, call, painted} from '../api';
import {number, plural, words} from '../format';
import {on} from '../live';
import {place, setQuery} from '../router';
import type {Overview, Problem, State} from '../schema';
import {buckets, cdnIfGiven, isOfView, say} from '../store';
import {AsCall, Empty, Field, More, Page, ProblemNote} from '../ui';
import {Bar, kPriorities, type UploadFilter} from './bulk';
import {saveCsv} from './csv';
import {FirstSteps} from './first';
import {Group, Head, kGroup, liveRow, type LiveRow, pick, picked as pickedRows, update} from './rows';

const kStates: State[] = ['queued', 'uploading', 'paused', 'completed', 'failed', 'cancelled'];
const kPeriods: [string, string][] = [['', 'any time'], ['1', 'the last hour'], ['24', 'the last 24 hours'], ['168', 'the last 7 days'], ['720', 'the last 30 days']];
const kPage = 100;
const kAbove = 280; // px of the screen, above the rows
const kRow = 44; // px

export function filterOf(query: URLSearchParams): UploadFilter {
  const list = (name: string) => query.get(name)?.split(',').filter(Boolean);
  const hours = Number(query.get('hours'));
  const filter: UploadFilter = {};
  const states = list('state') as State[] | undefined;
  const errors = list('error');
  if (states?.length) filter.state = states;
  if (errors?.length) filter.error = errors;
  if (query.get('bucket')) filter.bucket = query.get('bucket') ?? '';
  if (query.get('priority')) filter.priority = Number(query.get('priority'));
  if (query.get('text')) filter.text = query.get('text') ?? '';
  if (hours) filter.since = Math.floor(Date.now() / 1000) - hours * 3600;
  return {...filter, ...cdnIfGiven()};
}

// The list that was shown last. Coming back to it reads nothing again.
interface List {
  key: string;
  all: LiveRow[][];
  groups: Signal<LiveRow[][]>; // those that are shown
  growing: boolean; // more are shown with the next frame
  next: string | null;
  searchedTo: number | null;
  fresh: Signal<number[]>; // ids that were made since
}
let last: List | null = null;
const rowsOf = new Map<number, LiveRow>(); // of the list that is shown

// Shows the other rows, a group a frame, when the first data is painted: no task is long, and none is in the way.
function showMore(list: List): void {
  if (list.growing) return;
  list.growing = true;
  const grow = () => {
    if (painted.peek()) list.groups.value = list.all.slice(0, list.groups.peek().length + 1);
    list.growing = list.groups.peek().length < list.all.length;
    if (list.growing) requestAnimationFrame(grow);
  };
  requestAnimationFrame(grow);
}

async function readPage(list: List, filter: UploadFilter, cursor?: string, aborted?: AbortSignal): Promise<void> {
  const page = await call('upload.list', {...filter, limit: kPage, cursor}, aborted ? {signal: aborted} : {});
  const rows = page.items.filter((upload) => !rowsOf.has(upload.id)).map(liveRow);
  for (const row of rows) rowsOf.set(row.id, row);
  // What the screen shows at first is a group of its own.
  const first = cursor ? kGroup : Math.min(kGroup, Math.max(1, Math.ceil((innerHeight - kAbove) / kRow)));
  for (let i = 0, size = first; i < rows.length; i += size, size = kGroup) list.all.push(rows.slice(i, i + size));
  if (!cursor) list.groups.value = list.all.slice(0, 1);
  showMore(list);
  list.next = page.next;
  list.searchedTo = page.complete ? null : page.searched_to;
}

const counts = signal<Overview['counts'] | null>(null); // of the account in view; null until the server has answered
const countOf = (state: State) => (counts.value ?? []).filter((one) => one.state === state).reduce((sum, one) => sum + one.uploads, 0);
const readCounts = () => call('upload.counts', cdnIfGiven()).then((all) => (counts.value = all.items)).catch(() => undefined);
let countsTimer = 0;
function countAgainSoon(): void {
  countsTimer ||= window.setTimeout(() => {
    countsTimer = 0;
    void readCounts();
  }, 3000);
}

function Chips({chosen}: {chosen: State[]}) {
  return (
    <div class="chips" role="group" aria-label="States">
      {kStates.map((state) => (
        <button
          key={state}
          type="button"
          class={`chip ${state}`}
          aria-pressed={chosen.includes(state)}
          onClick={() => setQuery({state: (chosen.includes(state) ? chosen.filter((one) => one !== state) : [...chosen, state]).join(',')})}
        >
          {state} <span class="figure">{counts.value && number(countOf(state))}</span>
        </button>
      ))}
    </div>
  );
}

function Filters({query}: {query: URLSearchParams}) {
  const [text, setText] = useState(query.get('text') ?? '');
  useEffect(() => setText(query.get('text') ?? ''), [query.get('text')]);
  const [open, setOpen] = useState(false);
  const names = [...new Set(buckets.value.map((one) => one.bucket))];
  const used = ['bucket', 'hours', 'error', 'priority'].filter((name) => query.get(name)).length;
  return (
    <form
      class={`filters compact ${open ? 'open' : ''}`}
      onSubmit={(event) => {
        event.preventDefault();
        setQuery({text});
      }}
    >
      <Field label="Part of a path or key" type="search" value={text} onValue={setText} />
      <button type="button" class="phone-only" aria-expanded={open} onClick={() => setOpen(!open)}>
        {used ? `Filters (${used})` : 'Filters'}
      </button>
      <Field label="Bucket" value={query.get('bucket') ?? ''} onValue={(bucket) => setQuery({bucket})} options={[['', 'all'], ...names.map((name): [string, string] => [name, name])]} />
      <Field label="Made within" value={query.get('hours') ?? ''} onValue={(hours) => setQuery({hours})} options={kPeriods} />
      <Field label="Priority" value={query.get('priority') ?? ''} onValue={(priority) => setQuery({priority})} options={[['', 'all'], ...kPriorities]} />
      <Field label="Error" value={query.get('error') ?? ''} onValue={setErrorSoon} type="search" placeholder="s3_credential" />
      <button type="submit" class="wide-only">Search</button>
    </form>
  );
}
let errorTimer = 0;
function setErrorSoon(error: string): void {
  clearTimeout(errorTimer);
  errorTimer = window.setTimeout(() => setQuery({error: error.trim()}, true), 500);
}

export function Uploads({beside}: {beside?: number}) {
  const {query} = place.value;
  const filter = filterOf(query);
  const key = JSON.stringify({...filter, since: query.get('hours')});
  const [problem, setProblem] = useState<Problem>();
  const [loading, setLoading] = useState(false);
  const [list, setList] = useState<List | null>(last?.key === key ? last : null);
  const [round, setRound] = useState(0);
  const shown = useRef<List | null>(list);
  const again = () => setRound((n) => n + 1);

  useLayoutEffect(() => {
    if (round === 0 && last?.key === key && shown.current === last) return;
    const control = new AbortController();
    const fresh: List = {key, all: [], groups: signal([]), growing: false, next: null, searchedTo: null, fresh: signal([])};
    rowsOf.clear();
    pickedRows.value = new Set();
    setLoading(true);
    setProblem(undefined);
    readPage(fresh, filter, undefined, control.signal)
      .then(() => {
        if (control.signal.aborted) return;
        last = shown.current = fresh;
        setList(fresh);
        say(`${plural(fresh.all.flat().length, 'upload')}${fresh.next ? ' and more' : ''}`);
      })
      .catch((error: unknown) => !control.signal.aborted && setProblem(asProblem(error)))
      .finally(() => !control.signal.aborted && setLoading(false));
    return () => control.abort();
  }, [key, round]);

  useEffect(() => {
    const off = [
      on('upload', (upload) => {
        const live = rowsOf.get(upload.id);
        if (live) return update(live, upload);
        const list = shown.current;
        const newest = list?.groups.peek()[0]?.[0]?.id ?? 0;
        if (list && upload.id > newest && !list.fresh.peek().includes(upload.id) && list.fresh.peek().length < 1000 && (!filter.state || filter.state.includes(upload.state)) && (!filter.cdn || filter.cdn === upload.cdn)) {
          list.fresh.value = [...list.fresh.peek(), upload.id];
        }
      }),
      on('counts', (all) => (isOfView(all.items) ? (counts.value = all.items) : countAgainSoon())),
      on('reset', again),
    ];
    return () => off.forEach((one) => one());
  }, [key]);
  useSignalEffect(() => void (painted.value && readCounts())); // and for another account

  const onMore = () => {
    if (!list?.next) return;
    setLoading(true);
    readPage(list, filter, list.next)
      .catch((error: unknown) => setProblem(asProblem(error)))
      .finally(() => setLoading(false));
  };

  const chosen = filter.state ?? [];
  const narrowed = Object.keys(filter).some((name) => name !== 'cdn');
  const onlyStates = narrowed && Object.keys(filter).every((name) => name === 'state' || name === 'cdn');
  const rows = list?.all.reduce((sum, group) => sum + group.length, 0) ?? 0;
  const matching = `${number(rows)}${list?.next ? ' and more' : ''} match.`;
  const ofState = () => `${number(chosen.reduce((sum, state) => sum + countOf(state), 0))} in ${chosen.join(' or ')}.`;
  const ofAll = () => `${number(countOf('uploading'))} running, ${number(countOf('queued'))} waiting, ${number(countOf('failed'))} failed.`;
  const sentence = !list ? '' : narrowed && !onlyStates ? matching : !counts.value ? '' : onlyStates ? ofState() : ofAll();
  const rest = new URLSearchParams(query);
  rest.delete('cdn');

  const table = (
    <>
      <Chips chosen={chosen} />
      <Filters query={query} />
      {problem && <ProblemNote problem={problem} again={again} />}
      {list && (
        <>
          {list.fresh.value.length > 0 && (
            <button type="button" class="fresh" onClick={again}>
              {plural(list.fresh.value.length, 'new upload')}: show
            </button>
          )}
          <div class={`uploads ${loading ? 'loading' : ''}`} role="table" aria-label="Uploads" aria-rowcount={list.next ? -1 : rows + 1} aria-busy={loading}>
            <div role="rowgroup">
              <Head all={false} onAll={(all) => pick(list.all.flat(), all)} />
            </div>
            {list.groups.value.map((group) => (
              <Group key={group[0]?.id} rows={group} query={rest.toString()} current={beside ?? 0} />
            ))}
          </div>
          {rows === 0 && !loading && (narrowed ? <Empty title="No upload matches"><p><button type="button" onClick={() => setQuery({state: '', error: '', bucket: '', text: '', hours: '', priority: ''})}>Remove all filters</button></p></Empty> : <FirstSteps />)}
          <More next={list.next} loading={loading} onMore={onMore} searchedTo={list.searchedTo} />
          <Bar filter={filter} narrowed={narrowed} onDone={again} />
        </>
      )}
    </>
  );
  if (beside) return table;
  return (
    <Page
      title="Uploads"
      first={sentence + (filter.error ? ` Error: ${filter.error.map(words).join(', ')}.` : '')}
      actions={
        <>
          <button type="button" class="quiet" onClick={() => void saveCsv(filter)}>
            CSV
          </button>
          <AsCall name="upload.list" fields={filter} />
        </>
      }
    >
      {table}
    </Page>
  );
}
