// Removing an account, a key or a bucket: what uses it, how to go about it, and how it stands meanwhile.
import {useEffect, useState} from 'preact/hooks';
import {asProblem, call, may} from '../api';
import {number, plural, slowNow} from '../format';
import {go} from '../router';
import type {Operations, Removal, RemovalOutcome, Uses} from '../schema';
import {note, readAccounts, readBuckets} from '../store';
import {Dialog, Form, Mark, ProblemNote, useLoad, When} from '../ui';

type Mode = NonNullable<Operations['account.remove']['fields']['mode']>;
export type Removable = Pick<Removal, 'kind' | 'cdn' | 'name'>;

const kMostUses = 100_000; // of each kind; then there may be more
const kMostCancelled = 500; // uploads of one request
const kMostRequests = 2000;

const nameOf = (one: Removable) => (one.kind === 'account' ? `account ${one.cdn}` : `${one.kind} ${one.name}`);
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

export const mayRemove = (one: Removable): boolean => may(`${one.kind}.remove`);

function request(one: Removable, mode: Mode): Promise<RemovalOutcome> {
  if (one.kind === 'account') return call('account.remove', {cdn: one.cdn, mode});
  if (one.kind === 'key') return call('key.remove', {api_key: one.name, mode});
  return call('bucket.remove', {cdn: one.cdn, bucket: one.name, mode});
}

// One request cancels a bounded number of uploads.
async function carryOut(one: Removable, mode: Mode): Promise<RemovalOutcome> {
  let cancelled = 0;
  for (let i = 1; ; ++i) {
    const outcome = await request(one, mode);
    cancelled += outcome.cancelled;
    if (outcome.removed || outcome.cancelled < kMostCancelled || i === kMostRequests) return {...outcome, cancelled};
  }
}

function changed(one: Removable): void {
  if (one.kind === 'account') void readAccounts().catch(() => undefined);
  if (one.kind === 'bucket') void readBuckets().catch(() => undefined);
}

const usesOf = (one: Removable, signal: AbortSignal) => call('removal.uses', {...one, name: one.name || undefined}, {signal});
const uploadsOf = (uses: Uses) => uses.queued + uses.paused + uses.uploading;
const inTotal = (count: number, one: string) => `${plural(count, one)}${count >= kMostUses ? ' or more' : ''}`;

// "3 uploads (2 queued, 1 paused) and 1 callback"; empty: nothing waits for its end.
function waitsFor(uses: Uses): string {
  const states = (['queued', 'paused', 'uploading'] as const).filter((state) => uses[state] > 0).map((state) => `${number(uses[state])} ${state}`);
  const parts = [
    states.length > 0 && `${inTotal(uploadsOf(uses), 'upload')} (${states.join(', ')})`,
    uses.callbacks > 0 && `${inTotal(uses.callbacks, 'callback')} to be delivered`,
    uses.multiparts > 0 && `${inTotal(uses.multiparts, 'multipart upload')} to be removed at the store`,
  ].filter((part): part is string => !!part);
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

const goesAlong = (uses: Uses): string => [uses.keys > 0 && plural(uses.keys, 'key'), uses.buckets > 0 && plural(uses.buckets, 'bucket'), uses.tokens > 0 && plural(uses.tokens, 'token')].filter(Boolean).join(' and ');

const kStays = {
  account: 'Its uploads that have ended stay in the lists. Its folder, its files and its objects stay.',
  key: 'Programs that sign with it are refused. Uploads that have ended stay in the lists.',
  bucket: 'The bucket at the store and its objects stay, and so do uploads that have ended in the lists.',
};
const kNothingNew = {account: 'Nothing new is accepted for it', key: 'It queues nothing new', bucket: 'It takes nothing new'};

function Choice({mode, value, onValue, name, about}: {mode: Mode; value: Mode; onValue: (mode: Mode) => void; name: string; about: string}) {
  return (
    <label class="check choice">
      <input type="radio" name="mode" checked={value === mode} onChange={() => onValue(mode)} />
      <span>
        {name}
        <span class="faint">{about}</span>
      </span>
    </label>
  );
}

export function RemoveDialog({one, onClose}: {one: Removable; onClose: (outcome?: RemovalOutcome) => void}) {
  const loaded = useLoad((signal) => usesOf(one, signal), []);
  const [mode, setMode] = useState<Mode>('drain');
  const uses = loaded.data;
  const waits = uses ? waitsFor(uses) : '';
  const along = uses ? goesAlong(uses) : '';
  const submit = async () => {
    try {
      const outcome = await carryOut(one, waits || along ? mode : 'unused');
      const cancelled = outcome.cancelled > 0 ? `${plural(outcome.cancelled, 'upload')} cancelled. ` : '';
      note(`${cancelled}${capital(nameOf(one))} ${outcome.removed ? 'is removed.' : 'is removed when nothing uses it any more.'}`);
      changed(one);
      onClose(outcome);
    } catch (error) {
      loaded.reload(); // it may be used by now
      throw error;
    }
  };
  return (
    <Dialog title={`Remove ${nameOf(one)}?`} onClose={() => onClose()}>
      {loaded.problem && <ProblemNote problem={loaded.problem} again={loaded.reload} />}
      {!uses && !loaded.problem && <p>Looking what uses it …</p>}
      {uses && (
        <Form button={waits && mode === 'cancel' && uploadsOf(uses) > 0 ? `Cancel ${plural(uploadsOf(uses), 'upload')} and remove` : 'Remove'} back="No, go back" danger onClose={() => onClose()} submit={submit}>
          {() => (
            <>
              {waits ? <p><strong>{`It has ${waits}.`}</strong></p> : <p>No upload or callback of it waits for its end.</p>}
              {along && <p><strong>{`Its ${along} are removed with it.`}</strong></p>}
              {waits && (
                <fieldset>
                  <legend>How</legend>
                  <Choice mode="drain" value={mode} onValue={setMode} name="Drain" about={`${kNothingNew[one.kind]}. It is removed when all of this has ended.${uses.paused > 0 ? ' Paused uploads do not end by themselves.' : ''}`} />
                  {uploadsOf(uses) > 0 && <Choice mode="cancel" value={mode} onValue={setMode} name="Cancel" about={`Its ${plural(uploadsOf(uses), 'upload')} are cancelled first, which cannot be undone. Callbacks are still delivered.`} />}
                </fieldset>
              )}
              <p class="faint">{kStays[one.kind]}</p>
            </>
          )}
        </Form>
      )}
    </Dialog>
  );
}

// Takes a removal back. What came of it is said.
export async function keep(one: Removable): Promise<void> {
  try {
    await request(one, 'keep');
    note(`${capital(nameOf(one))} stays.`);
    changed(one);
  } catch (error) {
    note(asProblem(error).detail, true);
  }
}

// Tells what a removal that is under way waits for, and takes it back. When it has ended, the reader goes to the list.
export function BeingRemoved({one, since, onKept}: {one: Removable; since: number; onKept: () => void}) {
  const loaded = useLoad((signal) => usesOf(one, signal), [slowNow.value], one.kind);
  const gone = loaded.problem?.status === 404;
  useEffect(() => {
    if (!gone) return;
    note(`${capital(nameOf(one))} is removed.`);
    changed(one);
    go(`/${one.kind}s`);
  }, [gone]);
  if (gone) return null;
  return (
    <div class="card attention warning">
      <p>
        <strong>It is being removed</strong>, since <When at={since} slow />. {kNothingNew[one.kind]}.
      </p>
      {loaded.data && <p>{waitsFor(loaded.data) ? `It waits for ${waitsFor(loaded.data)}.` : 'Nothing uses it any more: it goes within seconds.'}</p>}
      {mayRemove(one) && (
        <button type="button" onClick={() => void keep(one).then(onKept)}>
          Keep it
        </button>
      )}
    </div>
  );
}

export const Leaving = () => <Mark tone="paused">being removed</Mark>;
