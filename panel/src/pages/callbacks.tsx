// Callbacks: how the receivers do, each delivery, sending again, a test, and how to verify one.
import {useEffect, useState} from 'preact/hooks';
import {asProblem, call, may, session} from '../api';
import {number, plural} from '../format';
import {on} from '../live';
import {go, place, setQuery} from '../router';
import type {Callback, Operations, Problem} from '../schema';
import {account, cdnIfGiven, hrefHere, language, note} from '../store';
import {ask, AsCall, Body, Code, Dialog, Empty, Field, Form, More, Page, ProblemNote, Table, useLoad, When} from '../ui';
import {Languages} from './apicall';
import {verifyCode} from './code';
import {CallbackMark, Deliveries, laidOut} from './deliveries';

type Fields = Operations['callback.list']['fields'];
type Test = Operations['callback.test']['answer'];

function TestForm({onClose}: {onClose: () => void}) {
  const [url, setUrl] = useState('');
  const [cdn, setCdn] = useState(String(account.value || session.value?.cdn || ''));
  const [test, setTest] = useState<Test>();
  return (
    <Dialog title="Send a test" onClose={onClose}>
      <Form button="Send" onClose={onClose} submit={async () => setTest(await call('callback.test', {url, cdn: Number(cdn)}))}>
        {(problem) => (
          <>
            <p>It is signed like every callback and tells of no upload.</p>
            {!session.value?.cdn && <Field label="Account" name="cdn" problem={problem} type="number" value={cdn} onValue={setCdn} required about="Its webhook secret signs the test." />}
            <Field label="URL" name="url" problem={problem} type="url" value={url} onValue={setUrl} required />
          </>
        )}
      </Form>
      {test && (
        <>
          <p role="status">
            <strong>{test.delivered ? 'Delivered.' : 'Not delivered.'}</strong> {test.http_status === null ? (test.error ?? 'No answer.') : `HTTP ${test.http_status}`} after {number(test.took_ms)} ms.
          </p>
          <Code text={laidOut(test.body)} label="What was sent" />
        </>
      )}
    </Dialog>
  );
}

function One({id}: {id: number}) {
  const loaded = useLoad((signal) => call('callback.show', {id}, {signal}), [id]);
  useEffect(() => on('callback', (one) => one.id === id && loaded.reload()), [id]);
  return (
    <Page title={`Callback ${id}`} first={loaded.data && <>Of <a href={hrefHere(`/uploads/${loaded.data.upload}`)}>upload {loaded.data.upload}</a>, made <When at={loaded.data.created} />.</>} actions={<AsCall name="callback.show" fields={{id}} />}>
      <Body loaded={loaded}>{(one) => <Deliveries callback={one} onSent={loaded.set} />}</Body>
    </Page>
  );
}

function Receivers() {
  const loaded = useLoad((signal) => call('callback.receivers', cdnIfGiven(), {signal}), [account.value]);
  return (
    <section>
      <h2>Receivers, today and yesterday</h2>
      <Body loaded={loaded}>
        {(all) => (
          <Table caption="Receivers" head={['Receiver', ['Delivered', 'figure'], ['Attempts that failed', 'figure'], ['Pending', 'figure'], ['Usual latency', 'figure'], 'Last error']}>
            {all.items.map((one) => (
              <tr key={`${one.cdn} ${one.receiver}`} data-row tabIndex={-1}>
                <td>{one.receiver ? <a href={hrefHere('/callbacks?' + new URLSearchParams({receiver: one.receiver}))}>{one.receiver}</a> : 'others'} {one.cdn !== null && !account.value && <span class="faint">of {one.cdn}</span>}</td>
                <td class="figure">{number(one.delivered)} <span class="faint">{one.success_rate !== null && `${Math.floor(100 * one.success_rate)} %`}</span></td>
                <td class={one.failed ? 'figure bad' : 'figure'}>{number(one.failed)}</td>
                <td class="figure">{number(one.pending)}</td>
                <td class="figure">{one.latency_ms === null ? '–' : `${number(one.latency_ms)} ms`}</td>
                <td class="about">{one.failing_since !== null && <strong>{one.disabled ? 'disabled, ' : ''}fails since <When at={one.failing_since} slow />. </strong>}{one.last_error ?? ''}</td>
              </tr>
            ))}
          </Table>
        )}
      </Body>
    </section>
  );
}

function Deliveries24({fields}: {fields: Fields}) {
  const [items, setItems] = useState<Callback[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [searchedTo, setSearchedTo] = useState<number | null>(null);
  const [problem, setProblem] = useState<Problem>();
  const [loading, setLoading] = useState(true);
  const [picked, setPicked] = useState<Set<number>>(new Set());
  const key = JSON.stringify(fields);
  const read = (cursor?: string, signal?: AbortSignal) => {
    setLoading(true);
    return call('callback.list', {...fields, limit: 50, cursor}, signal ? {signal} : {})
      .then((page) => {
        setItems((before) => (cursor ? [...before, ...page.items] : page.items));
        setNext(page.next);
        setSearchedTo(page.complete ? null : page.searched_to);
      })
      .catch((error: unknown) => !signal?.aborted && setProblem(asProblem(error)))
      .finally(() => setLoading(false));
  };
  useEffect(() => {
    const control = new AbortController();
    setPicked(new Set());
    void read(undefined, control.signal);
    return () => control.abort();
  }, [key]);
  useEffect(() => on('callback', (changed) => setItems((all) => (all.some((one) => one.id === changed.id) ? all.map((one) => (one.id === changed.id ? changed : one)) : all))), []);
  const sendable = items.filter((one) => picked.has(one.id) && one.actions.includes('send'));
  const sendAll = async () => {
    if (!(await ask('Send again?', `${plural(sendable.length, 'callback')} will be sent again, with the same ids and bodies. A receiver that took one already sees it twice.`, `Send ${sendable.length}`))) return;
    let bad = 0;
    for (const one of sendable) await call('callback.send', {id: one.id}).catch(() => ++bad);
    note(bad ? `${bad} of ${sendable.length} could not be sent again.` : `${plural(sendable.length, 'callback')} sent again.`, bad > 0);
    setPicked(new Set());
    void read();
  };
  return (
    <section>
      <h2>Deliveries</h2>
      <div class="chips" role="group" aria-label="States">
        {kStates.map((one) => (
          <button key={one} type="button" class="chip" aria-pressed={fields.state === one} onClick={() => setQuery({state: fields.state === one ? '' : one})}>{one}</button>
        ))}
        {fields.receiver && <button type="button" class="chip" aria-pressed onClick={() => setQuery({receiver: ''})}>{fields.receiver} ×</button>}
      </div>
      {problem && <ProblemNote problem={problem} again={() => void read()} />}
      <Table caption="Callbacks" head={[['Select', 'tools'], 'State', ['Upload', 'figure'], 'URL', ['Attempts', 'figure'], 'Last answer', ['Took', 'figure'], 'When']} empty={!loading && items.length === 0 && <Empty title="No callback"><p>A callback is made when an upload that asked for one ends.</p></Empty>}>
        {items.map((one) => (
          <tr key={one.id} data-row tabIndex={-1}>
            <td class="pick"><input type="checkbox" aria-label={`Select callback ${one.id}`} checked={picked.has(one.id)} onChange={(event) => setPicked((before) => {
              const after = new Set(before);
              event.currentTarget.checked ? after.add(one.id) : after.delete(one.id);
              return after;
            })} /></td>
            <td><a href={hrefHere(`/callbacks/${one.id}`)}><CallbackMark state={one.state} /></a></td>
            <td class="figure"><a href={hrefHere(`/uploads/${one.upload}`)}>{one.upload}</a></td>
            <td class="cut" title={one.url}>{one.url}</td>
            <td class="figure">{one.attempts}</td>
            <td class="about">{one.last ? (one.last.http_status === null ? (one.last.error ?? 'no answer') : `HTTP ${one.last.http_status}`) : '–'}</td>
            <td class="figure">{one.last ? `${number(one.last.took_ms)} ms` : ''}</td>
            <td>{one.next_attempt === null ? <When at={one.last?.at ?? one.created} slow /> : <>next <When at={one.next_attempt} slow /></>}</td>
          </tr>
        ))}
      </Table>
      <More next={next} loading={loading} searchedTo={searchedTo} onMore={() => void read(next ?? undefined)} />
      {picked.size > 0 && (
        <div class="bar" role="region" aria-label="Selected callbacks">
          <span>{plural(picked.size, 'callback')} selected</span>
          {sendable.length > 0 && <button type="button" onClick={() => void sendAll()}>Send {sendable.length} again</button>}
          <button type="button" class="quiet" onClick={() => setPicked(new Set())}>Clear</button>
        </div>
      )}
    </section>
  );
}

const kStates = ['pending', 'delivered', 'failed', 'stopped'] as const;

function All() {
  const {query} = place.value;
  const state = query.get('state') as Fields['state'] | null;
  const receiver = query.get('receiver') ?? '';
  const fields: Fields = {...cdnIfGiven(), ...(state ? {state} : {}), ...(receiver ? {receiver} : {})};
  const facts = useLoad((signal) => call('callback.receivers', cdnIfGiven(), {signal}), [account.value]);
  const [test, setTest] = useState(false);
  const failing = facts.data?.items.filter((one) => one.failing_since !== null) ?? [];
  return (
    <Page
      title="Callbacks"
      first={facts.data && (failing.length === 0 ? 'No receiver fails.' : `${plural(failing.length, 'receiver fails', 'receivers fail')}: ${failing.slice(0, 3).map((one) => one.receiver || 'others').join(', ')}.`)}
      actions={
        <>
          {may('callback.test') && <button type="button" onClick={() => setTest(true)}>Send a test</button>}
          <AsCall name="callback.list" fields={fields} />
        </>
      }
    >
      <Receivers />
      <Deliveries24 fields={fields} />
      <section>
        <h2>Verify a callback</h2>
        <p class="prose">Each callback has <code>webhook-id</code>, <code>webhook-timestamp</code> and <code>webhook-signature</code>. Believe it only when the signature is right. A secret is rotated on the page of its account.</p>
        <Languages only={['php', 'python', 'javascript', 'ruby', 'go']} />
        <Code text={verifyCode(language.value)} label="Verification" />
      </section>
      {test && <TestForm onClose={() => setTest(false)} />}
    </Page>
  );
}

export function Callbacks() {
  const id = Number(place.value.path.split('/')[2]);
  useEffect(() => {
    if (Number.isNaN(id) && place.value.path !== '/callbacks') go('/callbacks', true);
  }, []);
  return id ? <One id={id} /> : <All />;
}
