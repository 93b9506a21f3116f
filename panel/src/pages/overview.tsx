// How things stand: the sentence, what needs a person, and the figures behind it.
import {useEffect, useRef, useState} from 'preact/hooks';
import {call, painted} from '../api';
import {bytes, duration, now, number, plural, slowNow, words} from '../format';
import {on} from '../live';
import {href, place, setQuery} from '../router';
import type {Attention, Operations, Overview as Facts, RatePoint, Upload} from '../schema';
import {account, attention, cdnIfGiven, hrefHere, isOfView} from '../store';
import {AsCall, Body, Bytes, Page, StateMark, Table, useLoad} from '../ui';
import {FirstSteps} from './first';
import {liveRow, type LiveRow, nameOf, Standing, update} from './rows';

function linkOf(one: Attention): string {
  if (one.bucket && one.cdn) return hrefHere(`/buckets/${one.cdn}/${one.bucket}`);
  if (one.receiver) return hrefHere('/callbacks?' + new URLSearchParams({receiver: one.receiver}));
  if (one.storage) return hrefHere('/storages');
  return '';
}

const Card = ({one}: {one: Attention}) => (
  <article class={`card attention ${one.severity}`}>
    <h2>{one.title}</h2>
    <p>{one.detail}</p>
    <p>
      <strong>What to do:</strong> {one.fix}
    </p>
    <p class="faint">
      {one.since !== null && (
        <>
          for {duration(slowNow.value - one.since)}
        </>
      )}
      {!!one.affected && ` · ${number(one.affected)}${one.at_least ? ' or more' : ''} wait`}
      {linkOf(one) && place.value.query.get('wall') !== '1' && (
        <>
          {' · '}
          <a href={linkOf(one)}>Look at it</a>
        </>
      )}
    </p>
  </article>
);

function Running({uploads}: {uploads: Upload[]}) {
  const [rows, setRows] = useState<LiveRow[]>([]);
  useEffect(() => setRows((before) => uploads.map((upload) => before.find((one) => one.id === upload.id) ?? liveRow(upload))), [uploads]);
  useEffect(
    () =>
      on('upload', (upload) => {
        const live = rows.find((one) => one.id === upload.id);
        if (live) update(live, upload);
        else if (upload.state === 'uploading' && (!account.value || upload.cdn === account.value)) {
          setRows((all) => [...all.filter((one) => one.row.peek().upload.state === 'uploading' || all.length < 5), liveRow(upload)].slice(-5));
        }
      }),
    [rows],
  );
  if (rows.length === 0) return <p class="faint">Nothing is being sent.</p>;
  return (
    <ul class="running-list">
      {rows.slice(0, 5).map((live) => (
        <RunningRow key={live.id} live={live} />
      ))}
    </ul>
  );
}
function RunningRow({live}: {live: LiveRow}) {
  const row = live.row.value;
  return (
    <li>
      <StateMark state={row.upload.state} />
      <a href={hrefHere(`/uploads/${row.upload.id}`)}>{nameOf(row.upload.path)}</a>
      <Standing row={row} />
    </li>
  );
}

type Slots = Operations['statistics.show']['answer'];
type Range = 'hour' | 'day' | 'month';
const kRanges: Record<Range, {name: string; resolution: Slots['resolution']; seconds: number}> = {
  hour: {name: '1 h', resolution: 'minute', seconds: 3600},
  day: {name: '24 h', resolution: 'hour', seconds: 86_400},
  month: {name: '30 d', resolution: 'day', seconds: 30 * 86_400},
};

function Sums({slots, name}: {slots: Slots['items']; name: string}) {
  const sum = (read: (slot: Slots['items'][number]) => number) => slots.reduce((total, slot) => total + read(slot), 0);
  const [completed, failed] = [sum((slot) => slot.completed), sum((slot) => slot.failed)];
  const rate = completed + failed > 0 ? ` (${Math.floor((100 * completed) / (completed + failed))} % succeeded)` : '';
  const wait = Math.max(0, ...slots.map((slot) => slot.longest_wait_s));
  return <p>{`In ${name}: ${bytes(sum((slot) => slot.bytes_sent))} sent, ${number(completed)} completed, ${number(failed)} failed${rate}, ${number(sum((slot) => slot.cancelled))} cancelled. ${wait > 0 ? `The longest wait was ${duration(wait)}.` : ''}`}</p>;
}

function Charts() {
  const asked = place.value.query.get('range');
  const range: Range = asked === 'day' || asked === 'month' ? asked : 'hour';
  const {name, resolution, seconds} = kRanges[range];
  const loaded = useLoad((signal) => call('statistics.show', {resolution, since: now.peek() - seconds, ...cdnIfGiven()}, {signal}), [range, account.value, range === 'hour' ? Math.floor(slowNow.value / 60) : 0]);
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const data = loaded.data;
    const into = holder.current;
    if (!data || !into) return;
    let gone = false;
    let end = () => {};
    void import('./chart').then((module) => {
      if (!gone) end = module.draw(into, data);
    });
    return () => {
      gone = true;
      end();
    };
  }, [loaded.data]);
  return (
    <section>
      <h2>Throughput</h2>
      <div class="tabs" role="group" aria-label="Range">
        {(Object.keys(kRanges) as Range[]).map((word) => (
          <button key={word} type="button" aria-pressed={word === range} onClick={() => setQuery({range: word === 'hour' ? '' : word}, true)}>
            {kRanges[word].name}
          </button>
        ))}
      </div>
      {loaded.data && <Sums slots={loaded.data.items} name={name} />}
      <Body loaded={loaded}>{() => <div class="chart" ref={holder} role="img" aria-label={`Chart of bytes per second, ends of uploads and the queue in ${name}; the sentence above has the sums.`} />}</Body>
    </section>
  );
}

function Rate({first}: {first: RatePoint | null}) {
  const [point, setPoint] = useState(first);
  useEffect(() => on('rate', setPoint), []);
  return (
    <div class="big">
      <span class="faint">now</span>
      <b>{point === null ? '–' : `${bytes(point.bytes_per_s)}/s`}</b>
    </div>
  );
}

function Figures({facts}: {facts: Facts}) {
  const of = (state: string) => facts.counts.filter((one) => one.state === state && (!account.value || one.cdn === null || one.cdn === account.value)).reduce((sum, one) => sum + one.uploads, 0);
  return (
    <div class="figures">
      <Rate first={null} />
      {['uploading', 'queued', 'paused', 'failed'].map((state) => (
        <a key={state} class="big" href={hrefHere('/uploads?state=' + state)}>
          <span class="faint">{state}</span>
          <b>{number(of(state))}</b>
        </a>
      ))}
      {facts.server && (
        <>
          {facts.server.disk_free_bytes !== null && (
            <div class="big" title="Of the disk that has the database">
              <span class="faint">disk free</span>
              <b>{bytes(facts.server.disk_free_bytes)}</b>
            </div>
          )}
          <div class="big" title="What requests and answers of the API's clients hold, of what they may hold ([limits] memory_mib)">
            <span class="faint">{`memory of ${bytes(facts.server.memory_limit_bytes)}`}</span>
            <b>{bytes(facts.server.memory_bytes)}</b>
          </div>
        </>
      )}
    </div>
  );
}

function Inside({facts}: {facts: Facts}) {
  const none = facts.counts.every((one) => one.uploads === 0);
  if (none) return <FirstSteps />;
  return (
    <>
      {facts.attention.length > 0 && (
        <section aria-label="What needs a person" class="cards">
          {facts.attention.map((one, i) => (
            <Card key={i} one={one} />
          ))}
        </section>
      )}
      <Figures facts={facts} />
      {painted.value && <Below facts={facts} />}
    </>
  );
}

// What comes after the first painting, in which nothing of it is missed: it stands below.
function Below({facts}: {facts: Facts}) {
  const wall = place.value.query.get('wall') === '1';
  return (
    <>
      <Charts />
      <div class="columns">
        <section>
          <h2>Running now</h2>
          <Running uploads={facts.running} />
        </section>
        <section>
          <h2>Ready to be sent</h2>
          {facts.queue.length === 0 ? (
            <p class="faint">Nothing waits for its turn.</p>
          ) : (
            <Table caption="Queue by priority" head={['Priority', ['Uploads', 'figure'], ['Size', 'figure'], ['Oldest', 'figure']]}>
              {facts.queue.map((one) => (
                <tr key={one.priority}>
                  <td>
                    <a href={hrefHere(`/uploads?state=queued&priority=${one.priority}`)}>{one.priority}</a>
                  </td>
                  <td class="figure">{`${number(one.uploads)}${one.complete ? '' : ' or more'}`}</td>
                  <td class="figure">
                    <Bytes count={one.bytes} />
                  </td>
                  <td class="figure">{duration(slowNow.value - one.oldest)}</td>
                </tr>
              ))}
            </Table>
          )}
        </section>
      </div>
      {!wall && (
        <div class="columns">
          <section>
            <h2>Accounts, 24 h</h2>
            <Table caption="Accounts" head={['Account', ['Sent', 'figure'], ['Completed', 'figure'], ['Failed', 'figure']]}>
              {facts.today.map((one) => (
                <tr key={one.cdn}>
                  <td>{one.cdn === null ? 'others' : <a href={href(`/uploads?cdn=${one.cdn}&hours=24`)}>{one.cdn}</a>}</td>
                  <Done {...one} />
                </tr>
              ))}
            </Table>
          </section>
          <section>
            <h2>Buckets, 24 h</h2>
            <Table caption="Buckets" head={['Bucket', ['Sent', 'figure'], ['Completed', 'figure'], ['Failed', 'figure']]}>
              {facts.buckets_today.map((one) => (
                <tr key={`${one.cdn} ${one.bucket}`}>
                  <td>
                    {one.bucket === null ? 'others' : <a href={href(`/uploads?cdn=${one.cdn}&bucket=${encodeURIComponent(one.bucket)}&hours=24`)}>{one.bucket}</a>}
                    {!account.value && one.cdn !== null && <span class="faint"> {one.cdn}</span>}
                  </td>
                  <Done {...one} />
                </tr>
              ))}
            </Table>
          </section>
          <section>
            <h2>Errors, 24 h</h2>
            {facts.errors.length === 0 ? (
              <p class="faint">None.</p>
            ) : (
              <Table caption="Errors by cause" head={['Error', ['Uploads', 'figure']]}>
                {facts.errors.map((one) => (
                  <tr key={one.code}>
                    <td>
                      <a href={hrefHere(`/uploads?error=${one.code}&hours=24`)}>{words(one.code)}</a>
                    </td>
                    <td class="figure">{number(one.uploads)}</td>
                  </tr>
                ))}
              </Table>
            )}
          </section>
        </div>
      )}
    </>
  );
}

// What needs a person, without its figures.
const things = (all: Attention[] = []): string => all.map((one) => [one.code, one.cdn, one.bucket, one.storage, one.receiver].join(' ')).join('\n');

const Done = ({bytes, completed, failed}: {bytes: number; completed: number; failed: number}) => (
  <>
    <td class="figure">
      <Bytes count={bytes} />
    </td>
    <td class="figure">{number(completed)}</td>
    <td class={failed ? 'figure bad' : 'figure'}>{number(failed)}</td>
  </>
);

export function Overview() {
  const wall = place.value.query.get('wall') === '1';
  // What counts comes by events, and so does the news of what needs a person; the rest is read again each half minute.
  const loaded = useLoad((signal) => call('overview.show', cdnIfGiven(), {signal}), [account.value, Math.floor(slowNow.value / 30)]);
  const facts = loaded.data;
  useEffect(() => {
    if (facts && !account.value) attention.value = facts.attention.length;
    const change = (part: Partial<Facts>) => loaded.data && loaded.set({...loaded.data, ...part});
    const off = [on('counts', (all) => isOfView(all.items) && change({counts: all.items, at: all.at})), on('attention', (all) => things(all.items) !== things(facts?.attention) && loaded.reload()), on('reset', loaded.reload)];
    return () => off.forEach((one) => one());
  }, [loaded.data]);
  return (
    <Page
      title={wall ? 'vodlift' : 'Overview'}
      first={facts ? facts.sentence : ''}
      actions={
        !wall && (
          <>
            <a class="button quiet wide-only" href={hrefHere('/?wall=1')} title="For a screen on the wall: large, without controls">
              Wall screen
            </a>
            <AsCall name="overview.show" fields={cdnIfGiven()} />
          </>
        )
      }
    >
      {facts && facts.attention.length > 0 && <p class="unseen">{plural(facts.attention.length, 'thing needs', 'things need')} a person.</p>}
      <Body loaded={loaded}>{(all) => <Inside facts={all} />}</Body>
    </Page>
  );
}
