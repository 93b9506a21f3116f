// Storages: look into folders, choose files and folders, queue them.
import {useEffect, useState} from 'preact/hooks';
import {asProblem, call, may} from '../api';
import {bytes, plural} from '../format';
import {place, setQuery} from '../router';
import type {Operations, Problem} from '../schema';
import {account, accounts, hrefHere} from '../store';
import {AsCall, Body, Bytes, Check, Empty, Field, Mark, More, Page, ProblemNote, Table, useLoad, When} from '../ui';
import {type Job, QueueForm} from './queue';

type Listing = Operations['folder.list']['answer'];
type Entry = Listing['items'][number];

// The jobs of what is selected: its files are one, each folder is another.
function jobsOf(path: string, chosen: Entry[]): Job[] {
  const files = chosen.filter((one) => one.kind === 'file').map((one) => one.name);
  const folders = chosen.filter((one) => one.kind === 'folder').map((one): Job => ({path: one.path, below: `${one.name}/`}));
  return files.length > 0 ? [{path, files, below: ''}, ...folders] : folders;
}

function titleOf(chosen: Entry[]): string {
  const files = chosen.filter((one) => one.kind === 'file');
  const told = [files.length > 0 ? `${plural(files.length, 'file')} (${bytes(files.reduce((sum, one) => sum + (one.size ?? 0), 0))})` : '', files.length < chosen.length ? plural(chosen.length - files.length, 'folder') : ''];
  return told.filter(Boolean).join(' and ');
}

const EntryRow = ({one, open, picked, onPick}: {one: Entry; open: string; picked: boolean; onPick: (on: boolean) => void}) => (
  <tr data-row tabIndex={-1}>
    <td class="pick">
      <input type="checkbox" aria-label={`Select ${one.kind} ${one.name}`} checked={picked} onChange={(event) => onPick(event.currentTarget.checked)} />
    </td>
    <td class="name" title={one.name}>{one.kind === 'folder' ? <a href={open}><bdi>{one.name}</bdi>/</a> : <bdi>{one.name}</bdi>}</td>
    <td class="figure">{one.size === null ? '' : <Bytes count={one.size} />}</td>
    <td><When at={one.modified} slow /></td>
    <td class="faint">{one.type ?? 'folder'}</td>
  </tr>
);

function Folder({path, cdn}: {path: string; cdn: number}) {
  const [all, setAll] = useState(false);
  const [filter, setFilter] = useState('');
  const [asked, setAsked] = useState('');
  const [found, setFound] = useState<Listing>();
  const [problem, setProblem] = useState<Problem>();
  const [loading, setLoading] = useState(true);
  const [picked, setPicked] = useState<Map<string, Entry>>(new Map());
  const [queue, setQueue] = useState<{title: string; jobs: Job[]} | null>(null);
  const only = {type: all ? ('all' as const) : ('video' as const), ...(asked ? {filter: asked} : {})};
  const read = (cursor?: string, signal?: AbortSignal) => {
    setLoading(true);
    setProblem(undefined);
    call('folder.list', {path, ...only, cursor}, signal ? {signal} : {})
      .then((page) => setFound((before) => (cursor && before ? {...page, items: [...before.items, ...page.items]} : page)))
      .catch((error: unknown) => !signal?.aborted && setProblem(asProblem(error)))
      .finally(() => setLoading(false));
  };
  useEffect(() => {
    const control = new AbortController();
    setPicked(new Map());
    read(undefined, control.signal);
    return () => control.abort();
  }, [path, all, asked]);
  const pieces = path.split('/');
  const open = (to: string) => hrefHere('/storages?' + new URLSearchParams({path: to}));
  const chosen = [...picked.values()];
  const name = pieces.at(-1) ?? '';
  return (
    <section>
      <nav class="crumbs" aria-label="Folder">
        {pieces.map((piece, i) => (i < 1 ? <span key={i}>{piece}/</span> : <a key={i} href={open(pieces.slice(0, i + 1).join('/'))} aria-current={i === pieces.length - 1 ? 'location' : undefined}>{piece}/</a>))}
      </nav>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(filter);
        }}
      >
        <Field label="Names that match" value={filter} onValue={setFilter} placeholder="*.mp4" />
        <Check label="All files, not only video" value={all} onValue={setAll} />
        <button type="submit">Filter</button>
        {may('upload.add_many') && <button type="button" onClick={() => setQueue({title: `Queue the folder ${name}`, jobs: [{path, below: ''}]})}>Queue the whole folder …</button>}
      </form>
      {problem && <ProblemNote problem={problem} again={() => read()} />}
      {found && (
        <>
          <p>
            {`${plural(found.total, 'entry', 'entries')} here.`}
            {!found.complete && ' The folder holds more than was looked at: a filter finds the others.'}
            {found.skipped > 0 && ` ${plural(found.skipped, 'entry', 'entries')} cannot be uploaded: no UTF-8 name, or too long a path.`}
          </p>
          {found.total === 0 && <Empty title="Nothing here"><p>{all ? 'The folder is empty.' : 'No file has the extension of a video. “All files” shows the others.'}</p></Empty>}
          {found.total > 0 && (
            <Table caption="Folders and files" head={[['Select', 'tools'], 'Name', ['Size', 'figure'], 'Changed', 'Type']}>
              {found.items.map((one) => (
                <EntryRow
                  key={one.path}
                  one={one}
                  open={open(one.path)}
                  picked={picked.has(one.path)}
                  onPick={(on) => setPicked((before) => {
                    const next = new Map(before);
                    on ? next.set(one.path, one) : next.delete(one.path);
                    return next;
                  })}
                />
              ))}
            </Table>
          )}
          <More next={found.next} loading={loading} onMore={() => read(found.next ?? undefined)} />
          {chosen.length > 0 && (
            <div class="bar" role="region" aria-label="Selected files">
              <span>{titleOf(chosen)}</span>
              {may('upload.add_many') && <button type="button" class="primary" onClick={() => setQueue({title: `Queue ${titleOf(chosen)}`, jobs: jobsOf(path, chosen)})}>Queue …</button>}
              <button type="button" class="quiet" onClick={() => setPicked(new Map())}>Clear</button>
            </div>
          )}
        </>
      )}
      {queue && (
        <QueueForm
          {...queue}
          only={only}
          cdn={cdn}
          onClose={(done) => {
            setQueue(null);
            if (done) setPicked(new Map());
          }}
        />
      )}
    </section>
  );
}

export function Storages() {
  const loaded = useLoad((signal) => call('storage.list', {}, {signal}), []);
  const path = place.value.query.get('path') ?? '';
  const user = path.split('/')[1];
  const owner = accounts.value.find((one) => one.user === user);
  const shown = accounts.value.filter((one) => !account.value || one.cdn === account.value);
  const away = loaded.data?.items.filter((one) => !one.available) ?? [];
  return (
    <Page
      title="Storages"
      first={loaded.data && (away.length === 0 ? `${plural(loaded.data.items.length, 'storage')}, all reachable.` : `${away.map((one) => one.storage).join(', ')} cannot be read now. Uploads from there wait and are tried again.`)}
      actions={path ? <AsCall name="folder.list" fields={{path}} /> : <AsCall name="storage.list" fields={{}} />}
    >
      <Body loaded={loaded}>
        {(all) => (
          <Table caption="Storages" head={['Storage', 'State', ['Free', 'figure'], 'Folders of accounts']}>
            {all.items.map((one) => (
              <tr key={one.storage}>
                <td>{one.storage}</td>
                <td>{one.available ? <Mark tone="completed">reachable</Mark> : <Mark tone="failed">not reachable</Mark>}</td>
                <td class="figure">{one.available ? <Bytes count={one.bytes_free} /> : '–'}</td>
                <td class="links">
                  {shown.slice(0, 20).map((who) => (
                    <a key={who.cdn} href={hrefHere('/storages?' + new URLSearchParams({path: `${one.storage}/${who.user}`}))}>{who.user}</a>
                  ))}
                  {shown.length > 20 && <span class="faint">and {shown.length - 20} more: choose an account above</span>}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Body>
      {path && (owner ? <Folder key={path} path={path} cdn={owner.cdn} /> : accounts.value.length > 0 && <ProblemNote problem={{type: '', title: '', status: 404, code: 'not_found', detail: `${path}: no account that you may see has this folder.`}} again={() => setQuery({path: ''})} />)}
    </Page>
  );
}
