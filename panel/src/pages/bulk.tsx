// Actions for many uploads: for those that are selected, or for all that a filter holds.
import {useEffect, useState} from 'preact/hooks';
import {call, may} from '../api';
import {bytes, number, plural} from '../format';
import type {Action, Operations, Upload} from '../schema';
import {note} from '../store';
import {AsCall, Dialog, Field, Form, ProblemNote, useLoad} from '../ui';
import {type LiveRow, pick, picked as pickedRows, uploadOf} from './rows';

type Bulk = Operations['upload.bulk'];
export type UploadFilter = Omit<Operations['upload.list']['fields'], 'ids' | 'limit' | 'cursor'>;

const kPages = 100; // requests of one action, 1,000 uploads each
const kIds = 400; // of one request
export const kPriorities: [string, string][] = Array.from({length: 10}, (_, i) => [String(9 - i), `${9 - i}${i === 0 ? ': first' : i === 9 ? ': last' : i === 4 ? ': usual' : ''}`]);

const kActions: Record<Action, [string, string]> = {
  cancel: ['Cancel', 'This cannot be undone. What was sent of them is removed from the bucket.'],
  pause: ['Pause', 'They can be resumed. Their parts stay in the bucket meanwhile.'],
  resume: ['Resume', 'They return to their place in the queue.'],
  retry: ['Try again', 'Those that wait are tried now. Those that ended are queued again as new uploads.'],
  set_priority: ['Set priority', 'It counts when the next upload is chosen.'],
};

interface Sum {
  matched: number;
  bytes: number;
  changed: number;
  refused: number;
  refusals: Bulk['answer']['refusals'];
  complete: boolean;
}

// The same request page by page, or for so many of the ids at a time, and what its answers say together.
async function inPages(fields: Bulk['fields'], ids: number[] | null, told: (sum: Sum) => void, signal?: AbortSignal): Promise<Sum> {
  const sum: Sum = {matched: 0, bytes: 0, changed: 0, refused: 0, refusals: [], complete: false};
  const token = crypto.randomUUID();
  const left = [...(ids ?? [])];
  let cursor: string | undefined;
  for (let page = 0; page < kPages; ++page) {
    const part = ids ? {ids: left.splice(0, kIds)} : {cursor};
    const answer = await call('upload.bulk', {...fields, ...part}, {...(signal ? {signal} : {}), ...(fields.dry_run ? {} : {key: `${token}-${page}`})});
    for (const name of ['matched', 'bytes', 'changed', 'refused'] as const) sum[name] += answer[name];
    sum.refusals = [...sum.refusals, ...answer.refusals].slice(0, 20);
    sum.complete = answer.next === null && left.length === 0;
    told({...sum});
    if (sum.complete) break;
    cursor = answer.next ?? undefined;
  }
  return sum;
}

function Refusals({sum}: {sum: Sum}) {
  if (sum.refused === 0) return null;
  return (
    <div role="status">
      <p>
        <strong>{`${plural(sum.refused, 'upload')} could not be changed.`}</strong>
      </p>
      <ul>
        {sum.refusals.map((refusal) => (
          <li key={refusal.id}>{`${refusal.id}: ${refusal.detail}`}</li>
        ))}
      </ul>
    </div>
  );
}

interface Chosen {
  action: Action;
  uploads: Upload[] | null; // null: all that the filter holds
}

function Change({chosen, filter, onClose}: {chosen: Chosen; filter: UploadFilter; onClose: (changed: boolean) => void}) {
  const {action, uploads} = chosen;
  const [name, about] = kActions[action];
  const [priority, setPriority] = useState('5');
  const [done, setDone] = useState<Sum>();
  const [busy, setBusy] = useState(false);
  const ids = uploads && uploads.map((upload) => upload.id);
  const which = ids ? {} : Object.keys(filter).length > 0 ? filter : {all: true};
  const fields = (dry: boolean): Bulk['fields'] => ({...which, action, dry_run: dry, ...(action === 'set_priority' ? {new_priority: Number(priority)} : {})});
  const would = useLoad<Sum>(
    async (signal) => (uploads ? {matched: uploads.length, bytes: uploads.reduce((sum, upload) => sum + upload.size, 0), changed: 0, refused: 0, refusals: [], complete: true} : inPages(fields(true), null, () => undefined, signal)),
    [],
  );
  const found = would.data;
  const count = found ? plural(found.matched, 'upload') : '';
  const submit = async () => {
    setBusy(true);
    try {
      const sum = await inPages(fields(false), ids, setDone);
      setDone(sum);
      note(`${name}: ${plural(sum.changed, 'upload')}.${sum.complete ? '' : ' More match; repeat it.'}`, sum.refused > 0);
      if (sum.refused === 0) onClose(true);
    } finally {
      setBusy(false);
    }
  };
  const over = done !== undefined && !busy;
  return (
    <Dialog title={found ? `${name}: ${count}` : name} onClose={() => !busy && onClose(done !== undefined)}>
      {would.problem && <ProblemNote problem={would.problem} again={would.reload} />}
      {!found && !would.problem && <p>Looking which uploads match …</p>}
      {found && found.matched === 0 && <p>No upload that matches can be changed so.</p>}
      {found && (found.matched === 0 || over) ? (
        <>
          {done && <Refusals sum={done} />}
          <footer>
            <button type="button" class="primary" onClick={() => onClose(done !== undefined)}>
              Close
            </button>
          </footer>
        </>
      ) : (
        found && (
          <Form button={`${action === 'set_priority' ? 'Change' : name} ${number(found.matched)}`} back="Go back" danger={action === 'cancel'} onClose={() => onClose(false)} submit={submit}>
            {() => (
              <>
                <p>
                  <strong>{count}</strong> {`(${bytes(found.bytes)}) will be changed. ${found.complete ? '' : `There are more: this changes the newest ${number(found.matched)}. `}${about}`}
                </p>
                {action === 'set_priority' && <Field label="Priority" value={priority} onValue={setPriority} options={kPriorities} about="9 is sent first, 0 last." />}
                {done && <progress max={found.matched} value={done.changed + done.refused} aria-label={`${done.changed + done.refused} of ${found.matched}`} />}
                <AsCall name="upload.bulk" fields={{...fields(true), ...(ids ? {ids: ids.slice(0, kIds)} : {})}} />
              </>
            )}
          </Form>
        )
      )}
    </Dialog>
  );
}

export function Bar({filter, narrowed, onDone}: {filter: UploadFilter; narrowed: boolean; onDone: () => void}) {
  const [all, setAll] = useState(false);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const picked = [...pickedRows.value];
  useEffect(() => setAll(false), [picked.length]);
  if (picked.length === 0) return null;
  const possible = new Map<Action, LiveRow[]>();
  for (const live of picked) {
    for (const action of uploadOf(live).actions) {
      const fitting = possible.get(action) ?? [];
      fitting.push(live);
      possible.set(action, fitting);
    }
  }
  return (
    <div class="bar" role="region" aria-label="Selected uploads">
      <span>{all ? 'All that match the filter' : `${plural(picked.length, 'upload')} selected`}</span>
      {(Object.keys(kActions) as Action[])
        .filter((action) => (all ? may('upload.bulk') : possible.has(action)))
        .map((action) => (
          <button key={action} type="button" class={action === 'cancel' ? 'danger' : ''} onClick={() => setChosen({action, uploads: all ? null : (possible.get(action) ?? []).map(uploadOf)})}>
            {kActions[action][0]} {!all && possible.get(action)?.length !== picked.length ? number(possible.get(action)?.length ?? 0) : ''}
          </button>
        ))}
      {narrowed && !all && (
        <button type="button" class="quiet" onClick={() => setAll(true)}>
          Take all that match the filter
        </button>
      )}
      <button type="button" class="quiet" onClick={() => pick(picked, false)}>
        Clear
      </button>
      {chosen && (
        <Change
          chosen={chosen}
          filter={filter}
          onClose={(changed) => {
            setChosen(null);
            if (changed) onDone();
          }}
        />
      )}
    </div>
  );
}
