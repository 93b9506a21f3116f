// One upload: may the source be deleted, what happened, what was verified, and what can be done now.
import {useEffect, useState} from 'preact/hooks';
import {asProblem, call} from '../api';
import {bytes, duration, exactBytes, number, words} from '../format';
import {on} from '../live';
import {go} from '../router';
import type {Action, CallbackDetail, Upload, UploadDetail} from '../schema';
import {hrefHere, note} from '../store';
import {ask, AsCall, Body, Bytes, Code, Copy, Facts, FilePath, Form, Field, Page, StateMark, useLoad, When, WithBytes, Dialog} from '../ui';
import {kPriorities} from './bulk';
import {Deliveries} from './deliveries';
import {History, Machine} from './history';
import {PartMap} from './parts';
import {liveRow, type LiveRow, nameOf, Standing, update} from './rows';
import {Uploads} from './uploads';

const kWords: Record<Action, string> = {cancel: 'Cancel', pause: 'Pause', resume: 'Resume', retry: 'Try again', set_priority: 'Priority'};

async function carryOut(action: Exclude<Action, 'set_priority'>, upload: Upload, reload: () => void): Promise<void> {
  if (action === 'cancel') {
    const sure = await ask('Cancel this upload?', `${nameOf(upload.path)} is not sent any further, and its parts are removed from the bucket. This cannot be undone; the file can be queued again.`, 'Cancel the upload', true);
    if (!sure) return;
  }
  try {
    const after = await call(`upload.${action}`, {id: upload.id}, {key: crypto.randomUUID()});
    if (after.id === upload.id) return reload();
    note(`Queued again as upload ${after.id}.`);
    go(`/uploads/${after.id}`);
  } catch (error) {
    note(asProblem(error).detail, true);
  }
}

function Priority({upload, onClose}: {upload: Upload; onClose: () => void}) {
  const [priority, setPriority] = useState(String(upload.priority));
  return (
    <Dialog title="Priority" onClose={onClose}>
      <Form
        button="Set"
        onClose={onClose}
        submit={async () => {
          await call('upload.set', {id: upload.id, priority: Number(priority)});
          onClose();
        }}
      >
        {() => <Field label="Priority" value={priority} onValue={setPriority} options={kPriorities} about="9 is sent first, 0 last." />}
      </Form>
    </Dialog>
  );
}

function Actions({upload, reload}: {upload: Upload; reload: () => void}) {
  const [priority, setPriority] = useState(false);
  return (
    <>
      {upload.actions.map((action) =>
        action === 'set_priority' ? (
          <button key={action} type="button" onClick={() => setPriority(true)}>
            Priority {upload.priority}
          </button>
        ) : (
          <button key={action} type="button" class={action === 'cancel' ? 'danger' : action === 'retry' || action === 'resume' ? 'primary' : ''} onClick={() => void carryOut(action, upload, reload)}>
            {kWords[action]}
          </button>
        ),
      )}
      {priority && <Priority upload={upload} onClose={() => (setPriority(false), reload())} />}
      <AsCall name="upload.show" fields={{id: upload.id}} />
    </>
  );
}

function Callbacks({upload}: {upload: UploadDetail}) {
  const id = upload.callback_id;
  const loaded = useLoad<CallbackDetail | null>(async (signal) => (id === null ? null : call('callback.show', {id}, {signal})), [id, upload.callback_state]);
  useEffect(() => on('callback', (one) => one.id === id && loaded.reload()), [id]);
  if (!upload.callback) return <p class="faint">The request asked for no callback.</p>;
  if (id === null) return <p>{`Will be sent to ${upload.callback} when the upload ends.`}</p>;
  return <Body loaded={loaded}>{(one) => one && <Deliveries callback={one} onSent={loaded.set} />}</Body>;
}

// The request as it came, without what the server made of it.
function requestOf(upload: Upload): string {
  const {path, destination_path, bucket, acl, metadata, callback, priority, options} = upload;
  return JSON.stringify({path, destination_path, bucket, acl, metadata, callback, priority, ...options}, null, 2);
}

function Story({upload, live, reload}: {upload: UploadDetail; live: LiveRow; reload: () => void}) {
  const row = live.row.value;
  const shown = row.upload;
  const ended = shown.finished !== null;
  return (
    <>
      <p class={`verdict ${upload.source.may_delete ? 'yes' : 'no'}`}>
        <span class="faint">May the source be deleted?</span>
        <strong><WithBytes text={upload.source.reason} /></strong>
      </p>
      {!ended && (
        <p class="running">
          <Standing row={row} /> <span class="faint figure">{`${bytes(shown.bytes_sent)} of ${bytes(shown.size)}`}</span>
        </p>
      )}
      {shown.error && shown.state !== 'completed' && (
        <section class="cause">
          <h2>{shown.state === 'failed' ? 'Why it failed' : 'The last error'}</h2>
          <p>
            <strong>{shown.error.message}</strong>
          </p>
          {upload.advice && (
            <p>
              {upload.advice.cause} <strong>What to do:</strong> {upload.advice.fix}
            </p>
          )}
          {shown.error.detail && (
            <details>
              <summary>For operators</summary>
              <p>{shown.error.detail}</p>
            </details>
          )}
          <p class="faint">
            {words(shown.error.code)}
            {shown.state === 'failed' ? '' : shown.error.retryable ? ' · vodlift tries again by itself' : ''}
          </p>
        </section>
      )}
      <div class="columns">
        <section>
          <h2>What happened</h2>
          <Machine upload={upload} />
          <History upload={upload} />
        </section>
        <section>
          <h2>The object</h2>
          <Facts
            rows={[
              ['Source', <><FilePath path={shown.path} most={80} /> <Copy text={shown.path} name="Copy the path" /></>],
              ['Object', <><FilePath path={`${shown.bucket}/${shown.destination_path}`} most={80} /> <Copy text={`s3://${shown.bucket}/${shown.destination_path}`} name="Copy the address" /></>],
              ['Account', <a href={hrefHere('/accounts/' + shown.cdn)}>{shown.cdn}</a>],
              ['Size', <><Bytes count={shown.size} /> <span class="faint">{exactBytes(shown.size)}</span></>],
              ['Visible', shown.acl_applied ?? `${shown.acl} was asked for`],
              ['ETag', shown.etag ? <code>{shown.etag}</code> : '–'],
              ['Version', shown.version_id ? <code>{shown.version_id}</code> : '–'],
              ['Attempts', number(shown.attempts)],
              ['Queued', <When at={shown.created} />],
              ['Took', shown.finished !== null && shown.started !== null ? `${duration(shown.finished - shown.started)}${shown.state === 'completed' && !shown.kept ? `, ${bytes(shown.size / Math.max(1, shown.finished - shown.started))}/s` : ''}` : '–'],
            ]}
          />
          <h2>What was verified</h2>
          {shown.state === 'completed' && !shown.kept ? (
            <ul class="checks">
              <li>{`The store has confirmed all ${exactBytes(shown.size)}.`}</li>
              {shown.checksum && <li>The store computed the same checksum over them as vodlift: <code>{shown.checksum}</code> <Copy text={shown.checksum} name="Copy the checksum" /></li>}
            </ul>
          ) : (
            <p class="faint">{shown.kept ? 'Nothing was sent: the bucket had an object with this key already, and it was kept.' : ended ? 'Nothing: it did not complete.' : 'Nothing yet. All of it is verified when it ends.'}</p>
          )}
        </section>
      </div>
      {upload.parts && <PartMap parts={upload.parts} size={shown.size} />}
      <section>
        <h2>Callback</h2>
        <Callbacks upload={upload} />
      </section>
      <section>
        <h2>Related</h2>
        <ul>
          {upload.retry_of !== null && <li><a href={hrefHere(`/uploads/${upload.retry_of}`)}>Repeats upload {upload.retry_of}</a></li>}
          {upload.retried_as !== null && <li><a href={hrefHere(`/uploads/${upload.retried_as}`)}>Repeated as upload {upload.retried_as}</a></li>}
          <li><a href={hrefHere('/uploads?' + new URLSearchParams({text: shown.destination_path, bucket: shown.bucket}))}>Uploads to the same object</a></li>
          <li><a href={hrefHere('/uploads?' + new URLSearchParams({text: shown.path}))}>Uploads of the same file</a></li>
        </ul>
      </section>
      <details>
        <summary>The request as it came</summary>
        <Code text={requestOf(upload)} label="The request" />
        <p>
          {'Its trace, in the log and in what is sent to the store and to the callback\u2019s receiver: '}
          <code>{upload.trace_id}</code> <Copy text={upload.trace_id} name="Copy the trace" />
        </p>
      </details>
      <p class="unseen">
        <button type="button" onClick={reload}>
          Read this upload again
        </button>
      </p>
    </>
  );
}

export function UploadPage({id}: {id: number}) {
  const loaded = useLoad((signal) => call('upload.show', {id}, {signal}), [id]);
  const [live, setLive] = useState<LiveRow | null>(null);
  const upload = loaded.data?.id === id ? loaded.data : undefined;
  useEffect(() => setLive(upload ? liveRow(upload) : null), [upload]);
  useEffect(() => {
    if (!live) return;
    const off = on('upload', (next) => {
      if (next.id !== id) return;
      const before = live.row.peek().upload;
      update(live, next);
      // Its history, parts and verdict are read when it moved.
      if (before.state !== next.state || before.attempts !== next.attempts || before.callback_state !== next.callback_state || next.bytes_sent - before.bytes_sent > next.size / 100) loaded.reload();
    });
    const reset = on('reset', loaded.reload);
    return () => {
      off();
      reset();
    };
  }, [live]);
  const shown = live?.row.value.upload;
  const wide = matchMedia('(min-width: 1500px)').matches;
  return (
    <div class={wide ? 'split' : ''}>
      {wide && (
        <aside aria-label="Uploads" class="list">
          <Uploads beside={id} />
        </aside>
      )}
      <article>
        <Page
          title={shown ? nameOf(shown.path) : `Upload ${id}`}
          first={shown ? <><StateMark state={shown.state} /> Upload {id} to {shown.bucket}, queued <When at={shown.created} />.</> : ''}
          actions={upload && shown && <Actions upload={shown} reload={loaded.reload} />}
        >
          <Body loaded={loaded}>{() => upload && live && <Story upload={upload} live={live} reload={loaded.reload} />}</Body>
        </Page>
      </article>
    </div>
  );
}
