// Storages: look into folders, choose files, queue them.
import {useEffect, useState} from 'preact/hooks';
import {asProblem, call} from '../api';
import {bytes, plural} from '../format';
import {place, setQuery} from '../router';
import {account, accounts, buckets, hrefHere, note} from '../store';
import type {Operations, Problem} from '../schema';
import {AsCall, Body, Bytes, Check, Dialog, Empty, Field, Form, Mark, Page, ProblemNote, Table, useLoad, When} from '../ui';
import {nameOf} from './rows';

type File = Operations['file.list']['answer']['items'][number];
const kMostFiles = 1000; // of one folder; more are found by the filter

// The files of a folder and the folders in it, out of all files below it.
function split(files: File[], folder: string): {folders: Map<string, {files: number; size: number}>; here: File[]} {
  const folders = new Map<string, {files: number; size: number}>();
  const here: File[] = [];
  for (const file of files) {
    const rest = file.path.slice(folder.length + 1);
    const slash = rest.indexOf('/');
    if (slash === -1) {
      here.push(file);
      continue;
    }
    const name = rest.slice(0, slash);
    const seen = folders.get(name) ?? {files: 0, size: 0};
    folders.set(name, {files: seen.files + 1, size: seen.size + file.size});
  }
  return {folders, here};
}

async function readFolder(path: string, type: 'video' | 'all', filter: string, signal: AbortSignal) {
  const items: File[] = [];
  for (let offset = 0; ; offset += 100) {
    const page = await call('file.list', {path, type, offset, ...(filter ? {filter} : {})}, {signal});
    items.push(...page.items);
    if (offset + 100 >= page.total || items.length >= kMostFiles) return {...page, items};
  }
}

function QueueForm({files, cdn, onClose}: {files: File[]; cdn: number; onClose: (done: boolean) => void}) {
  const mine = buckets.value.filter((one) => one.cdn === cdn).map((one) => one.bucket);
  const common = files.length === 1 ? nameOf(files[0]?.path ?? '') : '';
  const [bucket, setBucket] = useState(mine[0] ?? '');
  const [key, setKey] = useState(common);
  const [acl, setAcl] = useState<'private' | 'public-read'>('private');
  const [overwrite, setOverwrite] = useState<'replace' | 'keep' | 'fail'>('replace');
  const [callback, setCallback] = useState('');
  const [priority, setPriority] = useState('5');
  const [done, setDone] = useState(0);
  const [failed, setFailed] = useState<[string, Problem][]>([]);
  const [token] = useState(() => crypto.randomUUID());
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const one = files.length === 1;
  const queue = async (file: File, i: number) => {
    const inside = file.path.split('/').slice(2).join('/');
    await call('upload.add', {cdn, path: file.path, destination_path: one ? key : key + inside, bucket, acl, overwrite, callback, priority: Number(priority)}, {key: `${token}-${i}`});
  };
  return (
    <Dialog title={`Queue ${plural(files.length, 'file')} (${bytes(size)})`} onClose={() => onClose(done > 0)}>
      <Form
        button={`Queue ${plural(files.length, 'file')}`}
        onClose={() => onClose(done > 0)}
        submit={async () => {
          setFailed([]);
          setDone(0);
          // The first one alone: what is wrong with it is mostly wrong with all.
          await queue(files[0] as File, 0);
          setDone(1);
          const bad: [string, Problem][] = [];
          for (let i = 1; i < files.length; ++i) {
            const file = files[i] as File;
            await queue(file, i).catch((error: unknown) => bad.push([file.path, asProblem(error)]));
            setDone(i + 1);
          }
          setFailed(bad);
          note(`${plural(files.length - bad.length, 'upload')} queued.`);
          if (bad.length === 0) onClose(true);
        }}
      >
        {(problem) => (
          <>
            <Field label="Bucket" name="bucket" problem={problem} value={bucket} onValue={setBucket} options={mine} required />
            <Field label={one ? 'Key' : 'Before the key of each'} name="destination_path" problem={problem} value={key} onValue={setKey} required={one} about={one ? "The object's key." : `The key of the first: ${key}${files[0]?.path.split('/').slice(2).join('/') ?? ''}`} />
            <div class="pair">
              <Field label="Visible" value={acl} onValue={(value) => setAcl(value as typeof acl)} options={['private', 'public-read']} />
              <Field label="If the key exists" value={overwrite} onValue={(value) => setOverwrite(value as typeof overwrite)} options={['replace', 'keep', 'fail']} />
              <Field label="Priority" name="priority" problem={problem} type="number" min={0} max={9} value={priority} onValue={setPriority} />
            </div>
            <Field label="Callback" name="callback" problem={problem} value={callback} onValue={setCallback} type="url" about="URL that is notified when an upload ends. Empty: no callback." />
            {done > 0 && <progress max={files.length} value={done} aria-label={`${done} of ${files.length}`} />}
            {failed.map(([path, why]) => (
              <p key={path} class="wrong">
                {path}: {why.detail}
              </p>
            ))}
          </>
        )}
      </Form>
    </Dialog>
  );
}

function Folder({path, cdn}: {path: string; cdn: number}) {
  const [all, setAll] = useState(false);
  const [filter, setFilter] = useState('');
  const [asked, setAsked] = useState('');
  const [picked, setPicked] = useState<Set<string>>(new Set());
  const [queue, setQueue] = useState<File[] | null>(null);
  const loaded = useLoad((signal) => readFolder(path, all ? 'all' : 'video', asked, signal), [path, all, asked]);
  useEffect(() => setPicked(new Set()), [path, all, asked]);
  const pieces = path.split('/');
  const open = (to: string) => hrefHere('/storages?' + new URLSearchParams({path: to}));
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
      </form>
      <Body loaded={loaded}>
        {(found) => {
          const {folders, here} = split(found.items, path);
          const below = (name: string) => found.items.filter((file) => file.path.startsWith(`${path}/${name}/`));
          const toggle = (names: string[], on: boolean) => setPicked((before) => {
            const next = new Set(before);
            for (const name of names) on ? next.add(name) : next.delete(name);
            return next;
          });
          const chosen = found.items.filter((file) => picked.has(file.path));
          return (
            <>
              <p>
                {`${plural(found.total, 'file')} here and below.`}
                {found.items.length < found.total && ` The first ${plural(found.items.length, 'file')} are looked at; a filter finds the others.`}
                {!found.complete && ' The folder holds more than was looked at: go further down.'}
                {found.skipped > 0 && ` ${plural(found.skipped, 'entry', 'entries')} cannot be uploaded: no UTF-8 name, too long a path, or not readable.`}
              </p>
              {found.total === 0 && <Empty title="No files"><p>{all ? 'The folder is empty.' : 'No file has the extension of a video. “All files” shows the others.'}</p></Empty>}
              {found.total > 0 && (
                <Table caption="Folders and files" head={[['Select', 'tools'], 'Name', ['Size', 'figure'], 'Changed', 'Type']}>
                  {[...folders].map(([name, one]) => (
                    <tr key={name} data-row tabIndex={-1}>
                      <td class="pick">
                        <input type="checkbox" aria-label={`Select folder ${name}`} checked={below(name).every((file) => picked.has(file.path))} onChange={(event) => toggle(below(name).map((file) => file.path), event.currentTarget.checked)} />
                      </td>
                      <td><a href={open(`${path}/${name}`)}><bdi>{name}</bdi>/</a></td>
                      <td class="figure"><Bytes count={one.size} /></td>
                      <td>{plural(one.files, 'file')}</td>
                      <td class="faint">folder</td>
                    </tr>
                  ))}
                  {here.map((file) => (
                    <tr key={file.path} data-row tabIndex={-1}>
                      <td class="pick">
                        <input type="checkbox" aria-label={`Select ${nameOf(file.path)}`} checked={picked.has(file.path)} onChange={(event) => toggle([file.path], event.currentTarget.checked)} />
                      </td>
                      <td><bdi>{nameOf(file.path)}</bdi></td>
                      <td class="figure"><Bytes count={file.size} /></td>
                      <td><When at={file.modified} slow /></td>
                      <td class="faint">{file.type}</td>
                    </tr>
                  ))}
                </Table>
              )}
              {chosen.length > 0 && (
                <div class="bar" role="region" aria-label="Selected files">
                  <span>{`${plural(chosen.length, 'file')} (${bytes(chosen.reduce((sum, file) => sum + file.size, 0))})`}</span>
                  <button type="button" class="primary" onClick={() => setQueue(chosen)}>Queue …</button>
                  <button type="button" class="quiet" onClick={() => setPicked(new Set())}>Clear</button>
                </div>
              )}
              {queue && <QueueForm files={queue} cdn={cdn} onClose={(done) => (setQueue(null), done && setPicked(new Set()))} />}
            </>
          );
        }}
      </Body>
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
      actions={path ? <AsCall name="file.list" fields={{path}} /> : <AsCall name="storage.list" fields={{}} />}
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
