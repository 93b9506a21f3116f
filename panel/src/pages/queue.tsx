// The form that queues files and folders. The server says first what would become of each file.
import {useState} from 'preact/hooks';
import {call} from '../api';
import {bytes, number, plural} from '../format';
import type {Operations} from '../schema';
import {buckets, note} from '../store';
import {AsCall, Dialog, Field, Form} from '../ui';
import {kPriorities} from './bulk';

type Many = Operations['upload.add_many'];

// Files of one folder, or all that lies in and below one.
export interface Job {
  path: string;
  files?: string[];
  below: string; // what the keys have behind the common beginning: "" or "folder/"
}

const kMostNames = 80_000; // bytes of a request's names; the server takes 128 KiB

function pieces(job: Job): Job[] {
  if (!job.files) return [job];
  const found: Job[] = [];
  let size = kMostNames;
  for (const name of job.files) {
    size += new TextEncoder().encode(name).length + 8;
    if (size > kMostNames || (found.at(-1)?.files?.length ?? 0) >= 1000) {
      found.push({...job, files: []});
      size = 0;
    }
    found.at(-1)?.files?.push(name);
  }
  return found;
}

interface Sum {
  accepted: number;
  bytes: number;
  refused: number;
  skipped: number;
  problems: {path: string; detail: string}[];
}

async function send(requests: Many['fields'][], token: string, told: (sum: Sum) => void): Promise<Sum> {
  const sum: Sum = {accepted: 0, bytes: 0, refused: 0, skipped: 0, problems: []};
  for (const [i, request] of requests.entries()) {
    let cursor: string | undefined;
    for (let page = 0; ; ++page) {
      const answer = await call('upload.add_many', {...request, cursor}, request.dry_run ? {} : {key: `${token}-${i}-${page}`});
      sum.accepted += answer.accepted;
      sum.bytes += answer.bytes;
      sum.refused += answer.refused;
      if (page === 0) sum.skipped += answer.skipped;
      for (const one of answer.items) if (one.problem && sum.problems.length < 50) sum.problems.push({path: one.path, detail: one.problem.detail});
      told({...sum});
      if (answer.next === null) break;
      cursor = answer.next;
    }
  }
  return sum;
}

function Verdict({sum, done}: {sum: Sum; done: boolean}) {
  return (
    <div role="status">
      <p>
        <strong>{`${plural(sum.accepted, 'file')} (${bytes(sum.bytes)})`}</strong>
        {done ? ' queued.' : ' will be queued.'}
        {sum.refused > 0 && ` ${plural(sum.refused, 'file is', 'files are')} refused:`}
        {sum.skipped > 0 && ` ${plural(sum.skipped, 'entry', 'entries')} left out: no UTF-8 name, too long a path, or not readable.`}
      </p>
      {sum.problems.length > 0 && (
        <ul class="problems">
          {sum.problems.map((one) => (
            <li key={one.path}>
              <code>{one.path}</code> {one.detail}
            </li>
          ))}
          {sum.refused > sum.problems.length && <li>{`and ${number(sum.refused - sum.problems.length)} more`}</li>}
        </ul>
      )}
    </div>
  );
}

interface QueueProps {
  title: string;
  jobs: Job[];
  only: {type: 'video' | 'all'; filter?: string}; // of the files of folders
  cdn: number;
  onClose: (done: boolean) => void;
}

export function QueueForm({title, jobs, only, cdn, onClose}: QueueProps) {
  const mine = buckets.value.filter((one) => one.cdn === cdn).map((one) => one.bucket);
  const one = jobs.length === 1 && jobs[0]?.files?.length === 1 ? jobs[0] : null;
  const [values, setValues] = useState<Record<string, string>>({key: one?.files?.[0] ?? '', acl: 'private', overwrite: 'replace', callback: '', priority: '5'});
  const [would, setWould] = useState<Sum>();
  const [done, setDone] = useState<Sum>();
  const [token] = useState(() => crypto.randomUUID());
  const value = (name: string) => values[name] ?? (name === 'bucket' ? mine[0] : undefined) ?? ''; // the buckets may become known after the form
  const of = (name: string) => ({
    value: value(name),
    onValue: (next: string) => {
      setValues((all) => ({...all, [name]: next}));
      setWould(undefined);
    },
  });
  const options = () => ({cdn, bucket: value('bucket'), acl: value('acl') as 'private' | 'public-read', overwrite: value('overwrite') as 'replace' | 'keep' | 'fail', callback: value('callback'), priority: Number(value('priority'))});
  const requests = (dry: boolean): Many['fields'][] =>
    jobs.flatMap(pieces).map((job) => ({...options(), path: job.path, destination_path: value('key') && value('key') + job.below, dry_run: dry, ...(job.files ? {files: job.files} : {recursive: true, ...only})}));
  const submit = async () => {
    if (one) {
      const made = await call('upload.add', {...options(), path: `${one.path}/${one.files?.[0]}`, destination_path: value('key')}, {key: token});
      note(`Queued as upload ${made.id}.`);
      return onClose(true);
    }
    if (!would) return setWould(await send(requests(true), token, () => undefined));
    const sum = await send(requests(false), token, setDone);
    note(`${plural(sum.accepted, 'upload')} queued.`, sum.refused > 0);
    if (sum.refused === 0) onClose(true);
  };
  const first = requests(true)[0];
  return (
    <Dialog title={title} onClose={() => onClose(done !== undefined)}>
      <Form button={one ? 'Queue' : would ? `Queue ${plural(would.accepted, 'file')}` : 'Check'} onClose={() => onClose(done !== undefined)} submit={submit}>
        {(problem) => (
          <>
            <Field label="Bucket" name="bucket" problem={problem} {...of('bucket')} options={mine} required />
            <Field label={one ? 'Key' : 'Before each key'} name="destination_path" problem={problem} {...of('key')} required={!!one} about={one ? "The object's key." : 'Such as archive/. Empty: each key is the path below the folder of the account.'} />
            <div class="pair">
              <Field label="Visible" {...of('acl')} options={['private', 'public-read']} />
              <Field label="If the key exists" {...of('overwrite')} options={['replace', 'keep', 'fail']} />
              <Field label="Priority" name="priority" problem={problem} {...of('priority')} options={kPriorities} />
            </div>
            <Field label="Callback" name="callback" problem={problem} {...of('callback')} type="url" about="URL that is notified when an upload ends. Empty: no callback." />
            {would && !done && <Verdict sum={would} done={false} />}
            {done && <Verdict sum={done} done />}
            {!one && first && <AsCall name="upload.add_many" fields={first} />}
          </>
        )}
      </Form>
    </Dialog>
  );
}
