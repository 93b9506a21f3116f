// Who changed what, from where.
import {useEffect, useState} from 'preact/hooks';
import {asProblem, call, session} from '../api';
import {absolute} from '../format';
import {place, setQuery} from '../router';
import type {AuditCheck, AuditEntry, Operations, Problem} from '../schema';
import {account, cdnIfGiven, hrefHere} from '../store';
import {AsCall, Empty, Field, Mark, More, Page, ProblemNote, Table} from '../ui';

type Fields = Operations['audit.list']['fields'];

const whoOf = (entry: AuditEntry): string => [entry.who ?? (entry.key ? `key ${entry.key}` : '–'), entry.token ? `(${entry.token})` : ''].filter(Boolean).join(' ');

function linkOf(entry: AuditEntry): string {
  if (entry.upload) return hrefHere(`/uploads/${entry.upload}`);
  const bucket = entry.what['bucket'];
  if (entry.command.startsWith('bucket.') && bucket && entry.cdn) return hrefHere(`/buckets/${entry.cdn}/${encodeURIComponent(bucket)}`);
  return entry.cdn ? hrefHere(`/accounts/${entry.cdn}`) : '';
}

const verdict = (found: AuditCheck): string =>
  found.fault
    ? `Not as it was written: line ${found.fault.line} of ${found.fault.file} was edited, or lines before it were removed, added or moved.`
    : `As it was written: ${found.lines} lines in ${found.files} ${found.files === 1 ? 'file' : 'files'} fit one another.${found.unchained ? ` ${found.unchained} older lines have no chain, and prove nothing.` : ''}`;

/** Reads the whole log on demand: that takes seconds where it is large. */
function Chain() {
  const [found, setFound] = useState<AuditCheck>();
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const check = () => {
    setBusy(true);
    setProblem(undefined);
    call('audit.check', {})
      .then(setFound)
      .catch((error: unknown) => setProblem(asProblem(error)))
      .finally(() => setBusy(false));
  };
  return (
    <section aria-live="polite">
      <p>
        <button type="button" disabled={busy} onClick={check}>{busy ? 'Reading the log…' : 'Check the chain'}</button>{' '}
        {found && <Mark tone={found.whole ? 'completed' : 'failed'}>{verdict(found)}</Mark>}
      </p>
      {problem && <ProblemNote problem={problem} again={check} />}
    </section>
  );
}

export function Audit() {
  const {query} = place.value;
  const [command, setCommand] = useState(query.get('command') ?? '');
  const [who, setWho] = useState(query.get('who') ?? '');
  const fields: Fields = {...cdnIfGiven(), ...(query.get('command') ? {command: query.get('command') ?? ''} : {}), ...(query.get('who') ? {who: query.get('who') ?? ''} : {})};
  const key = JSON.stringify(fields);
  const [items, setItems] = useState<AuditEntry[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [searchedTo, setSearchedTo] = useState<number | null>(null);
  const [problem, setProblem] = useState<Problem>();
  const [loading, setLoading] = useState(true);
  const read = (cursor?: string, signal?: AbortSignal) => {
    setLoading(true);
    call('audit.list', {...fields, limit: 50, cursor}, signal ? {signal} : {})
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
    read(undefined, control.signal);
    return () => control.abort();
  }, [key, account.value]);
  // A change of settings has an entry before it and one with its outcome, which is enough.
  const ended = new Set(items.filter((one) => one.result !== 'begun').map((one) => one.call));
  const shown = items.filter((one) => one.result !== 'begun' || !ended.has(one.call));
  const last = shown.find((one) => !one.damaged);
  return (
    <Page title="Audit" first={last ? `The last change: ${last.command} by ${last.who || last.key ? whoOf(last) : last.door}, ${absolute(Date.parse(last.time) / 1000)}.` : ''} actions={<AsCall name="audit.list" fields={fields} />}>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          setQuery({command, who});
        }}
      >
        <Field label="What" value={command} onValue={setCommand} type="search" placeholder="key.revoke, or key." />
        <Field label="Who" value={who} onValue={setWho} type="search" />
        <button type="submit">Filter</button>
      </form>
      {problem && <ProblemNote problem={problem} again={() => read()} />}
      <Table caption="Audit log" head={['When', 'Who', 'From', 'What', 'About', 'Result']} empty={!loading && shown.length === 0 && <Empty title="Nothing matches" />}>
        {shown.map((entry, i) => (
          <tr key={i} data-row tabIndex={-1}>
            <td class="nowrap"><time dateTime={entry.time}>{absolute(Date.parse(entry.time) / 1000).replace(/ \S+$/, '')}</time></td>
            <td>{whoOf(entry)} <span class="faint">{entry.door}</span></td>
            <td>{entry.address}</td>
            <td>{linkOf(entry) ? <a href={linkOf(entry)}>{entry.command}</a> : entry.command}</td>
            <td class="about">{[...(entry.cdn ? [`cdn ${entry.cdn}`] : []), ...Object.entries(entry.what).map(([name, value]) => `${name} ${value}`)].join(', ')}</td>
            <td>{entry.damaged ? <Mark tone="cancelled">this line cannot be read</Mark> : entry.result === 'begun' ? <Mark tone="cancelled">begun; what became of it is not known</Mark> : entry.result === 'success' ? <Mark tone="completed">done</Mark> : <Mark tone="failed">{entry.error ?? 'refused'}</Mark>}</td>
          </tr>
        ))}
      </Table>
      <More next={next} loading={loading} searchedTo={searchedTo} onMore={() => read(next ?? undefined)} />
      {session.value?.role === 'admin' && <Chain />}
    </Page>
  );
}
