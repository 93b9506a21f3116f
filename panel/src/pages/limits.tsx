// Bandwidth limits: each with its week as a grid of hours.
import {useState} from 'preact/hooks';
import {asProblem, call} from '../api';
import {plural} from '../format';
import type {Limit} from '../schema';
import {accounts, buckets, note} from '../store';
import {ask, AsCall, Body, Dialog, Empty, Field, Form, Page, useLoad} from '../ui';
import {fitsGrid, gridOf, kDays, readWindow, Week, type Window, windowsOf, writeWindow} from './week';

function WindowForm({one, onChange, onRemove}: {one: Window; onChange: (next: Window) => void; onRemove: () => void}) {
  return (
    <fieldset class="window">
      <legend class="unseen">{writeWindow(one)}</legend>
      <div class="days">
        {kDays.map((name, i) => (
          <button key={name} type="button" aria-pressed={one.days[i]} onClick={() => onChange({...one, days: one.days.map((on, day) => (day === i ? !on : on))})}>{name}</button>
        ))}
      </div>
      <Field label="From" value={one.from} onValue={(from) => onChange({...one, from})} pattern="([01]\d|2[0-3]):[0-5]\d" required />
      <Field label="To" value={one.to} onValue={(to) => onChange({...one, to})} pattern="([01]\d|2[0-4]):[0-5]\d" required />
      <Field label="Rate" value={one.rate} onValue={(rate) => onChange({...one, rate})} required />
      <button type="button" class="quiet" onClick={onRemove}>Remove</button>
    </fieldset>
  );
}

const keyOf = (limit: Limit): {cdn?: number; bucket?: string; storage?: string} => ({...(limit.cdn ? {cdn: limit.cdn} : {}), ...(limit.bucket ? {bucket: limit.bucket} : {}), ...(limit.storage ? {storage: limit.storage} : {})});

function LimitForm({limit, onClose}: {limit?: Limit; onClose: (changed: boolean) => void}) {
  const [kind, setKind] = useState('all');
  const [name, setName] = useState('');
  const [rate, setRate] = useState(limit?.rate ?? '50MB');
  const [zone, setZone] = useState(limit?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [windows, setWindows] = useState<Window[]>(() => (limit?.timetable ?? []).map(readWindow).filter((one) => one !== null));
  const [brush, setBrush] = useState('10MB');
  const paint = (cells: {day: number; hour: number}[]) =>
    setWindows((all) => {
      const grid = gridOf(rate, all);
      for (const {day, hour} of cells) (grid[day] ?? [])[hour] = brush;
      return windowsOf(grid, rate);
    });
  const choices: Record<string, [string, string][]> = {
    account: accounts.value.map((one) => [String(one.cdn), `${one.cdn} ${one.user}`]),
    bucket: buckets.value.map((one) => [`${one.cdn}/${one.bucket}`, `${one.bucket} of ${one.cdn}`]),
  };
  const chosen = name || choices[kind]?.[0]?.[0] || '';
  const scope = (): ReturnType<typeof keyOf> => {
    if (limit) return keyOf(limit);
    if (kind === 'account') return {cdn: Number(chosen)};
    if (kind === 'bucket') return {cdn: Number(chosen.split('/')[0]), bucket: chosen.slice(chosen.indexOf('/') + 1)};
    return kind === 'storage' ? {storage: name} : {};
  };
  return (
    <Dialog title={limit ? `Limit of ${limit.scope}` : 'Set a limit'} onClose={() => onClose(false)} wide>
      <Form
        button="Set"
        onClose={() => onClose(false)}
        submit={async () => {
          const after = await call('limit.set', {...scope(), rate, time_zone: zone, timetable: windows.map(writeWindow)});
          note(`The limit of ${after.scope} is set. It holds from now on.`);
          onClose(true);
        }}
      >
        {(problem) => (
          <>
            {!limit && (
              <div class="pair">
                <Field label="Whose uploads share it" value={kind} onValue={(value) => (setKind(value), setName(''))} options={[['all', 'all uploads'], ['account', 'one account'], ['bucket', 'one bucket'], ['storage', 'one storage']]} />
                {kind === 'storage' && <Field label="Storage" name="storage" problem={problem} value={name} onValue={setName} required />}
                {choices[kind] && <Field label={kind === 'account' ? 'Account' : 'Bucket'} value={chosen} onValue={setName} options={choices[kind]} />}
              </div>
            )}
            <div class="pair">
              <Field label="Rate outside of the timetable" name="rate" problem={problem} value={rate} onValue={setRate} required about="Per second: 50MB, 400Mbit, 48MiB, or none." />
              <Field label="Time zone" name="time_zone" problem={problem} value={zone} onValue={setZone} required about="Such as Europe/Berlin." />
            </div>
            <h3>Timetable</h3>
            <div class="pair">
              <Field label="Paint with" value={brush} onValue={setBrush} about={fitsGrid(windows) ? 'A rate. Drag over hours, or use the arrows and the space bar.' : 'The timetable has times within an hour: change it below.'} />
            </div>
            <div class="chips" role="group" aria-label="Rates to paint with">
              {[...new Set([rate, ...[...windows.map((one) => one.rate), 'none'].sort()])].map((one) => (
                <button key={one} type="button" class="chip" aria-pressed={one === brush} onClick={() => setBrush(one)}>
                  {one === rate ? `${one} (as outside)` : one}
                </button>
              ))}
            </div>
            <Week rate={rate} windows={windows} zone={zone} {...(fitsGrid(windows) && brush ? {onPaint: paint} : {})} />
            <details>
              <summary>{`As a list: ${plural(windows.length, 'window')}, 32 at most`}</summary>
              <p class="faint">The first that holds the hour applies. An end that is not after the beginning lies on the next day.</p>
              {windows.map((one, i) => (
                <WindowForm key={i} one={one} onChange={(next) => setWindows((all) => all.map((old, j) => (j === i ? next : old)))} onRemove={() => setWindows((all) => all.filter((_, j) => j !== i))} />
              ))}
              <p>
                <button type="button" disabled={windows.length >= 32} onClick={() => setWindows((all) => [...all, {days: [true, true, true, true, true, false, false], from: '08:00', to: '18:00', rate: '10MB'}])}>Add hours</button>
              </p>
            </details>
          </>
        )}
      </Form>
    </Dialog>
  );
}

export function Limits() {
  const loaded = useLoad((signal) => call('limit.list', {}, {signal}), [], 'limit');
  const [edit, setEdit] = useState<Limit | 'new' | null>(null);
  const remove = async (limit: Limit) => {
    if (!(await ask('Remove this limit?', `Uploads of ${limit.scope} are then sent as fast as they can. It can be set again.`, 'Remove', true))) return;
    await call('limit.remove', keyOf(limit)).catch((error: unknown) => note(asProblem(error).detail, true));
    loaded.reload();
  };
  const count = loaded.data?.items.length ?? 0;
  return (
    <Page
      title="Limits"
      first={loaded.data && (count === 0 ? 'No limit is set: uploads are sent as fast as they can.' : `${plural(count, 'limit')} ${count === 1 ? 'is' : 'are'} set. Each that fits an upload holds for it.`)}
      actions={
        <>
          <button type="button" class="primary" onClick={() => setEdit('new')}>Set a limit</button>
          <AsCall name="limit.list" fields={{}} />
        </>
      }
    >
      <Body loaded={loaded}>
        {(all) =>
          all.items.length === 0 ? (
            <Empty title="No limit"><p>A limit holds for all uploads, a storage, an account or a bucket, and may change with the hours of the week.</p></Empty>
          ) : (
            <>
              {all.items.map((limit) => (
                <section key={limit.scope} class="card">
                  <header>
                    <h2>{limit.scope}</h2>
                    <div class="actions">
                      <button type="button" onClick={() => setEdit(limit)}>Change</button>
                      <button type="button" class="danger" onClick={() => void remove(limit)}>Remove</button>
                    </div>
                  </header>
                  <p>{limit.rate === 'none' ? 'No limit' : `${limit.rate} per second`}{limit.timetable.length > 0 && ' outside of the timetable'}</p>
                  {limit.timetable.length > 0 && <Week rate={limit.rate} windows={limit.timetable.map(readWindow).filter((one) => one !== null)} zone={limit.time_zone} />}
                </section>
              ))}
            </>
          )
        }
      </Body>
      {edit && <LimitForm {...(edit === 'new' ? {} : {limit: edit})} onClose={(changed) => (setEdit(null), changed && loaded.reload())} />}
    </Page>
  );
}
