// What happened to an upload: the states it was in as a picture, and its attempts one by one.
import {absolute, bytes, duration, isoTime, now, plural, words} from '../format';
import type {State, UploadAttempt, UploadDetail} from '../schema';
import {When} from '../ui';

interface Stay {
  state: State;
  from: number;
  until: number | null; // null: it is there now
}

// Runs, and what was between them. A run that is under way is in no attempt yet.
function staysOf(upload: UploadDetail): Stay[] {
  const stays: Stay[] = [{state: 'queued', from: upload.created, until: null}];
  const enter = (state: State, at: number) => {
    const last = stays.at(-1);
    if (!last || last.state === state) return;
    last.until = Math.max(last.from, at);
    stays.push({state, from: last.until, until: null});
  };
  for (const one of upload.history) {
    enter('uploading', one.started);
    if (one.end === 'paused') enter('paused', one.ended);
    else if (['requeued', 'interrupted', 'crashed'].includes(one.end)) enter('queued', one.ended);
  }
  const last = upload.history.at(-1);
  if (upload.started !== null && (upload.state === 'uploading' || upload.state === 'completed')) enter('uploading', last ? last.ended : upload.started);
  enter(upload.state, upload.finished ?? last?.ended ?? upload.created);
  return stays;
}

const kPlaces: Record<State, [number, number]> = {queued: [60, 40], uploading: [230, 40], completed: [410, 40], paused: [60, 120], failed: [410, 80], cancelled: [410, 120]};
const kMoves: [State, State][] = [['queued', 'uploading'], ['uploading', 'completed'], ['queued', 'paused'], ['uploading', 'failed'], ['uploading', 'cancelled'], ['paused', 'cancelled']];
const kEnds: State[] = ['completed', 'failed', 'cancelled'];

export function Machine({upload}: {upload: UploadDetail}) {
  const visits = new Map<State, {times: number; seconds: number}>();
  const moved = new Set<string>();
  let before: State | null = null;
  for (const {state, from, until} of staysOf(upload)) {
    const seen = visits.get(state) ?? {times: 0, seconds: 0};
    visits.set(state, {times: seen.times + 1, seconds: seen.seconds + (until ?? now.value) - from});
    if (before) moved.add(`${before} ${state}`);
    before = state;
  }
  const under = (state: State) => {
    const seen = visits.get(state);
    return seen && !kEnds.includes(state) ? `${duration(seen.seconds)}${seen.times > 1 ? ` · ${seen.times}×` : ''}` : '';
  };
  const told = [...visits.keys()].map((state) => `${state} ${under(state)}`).join('; ');
  return (
    <svg class="machine" viewBox="0 0 480 150" role="img" aria-label={`States: ${told}. It is ${upload.state} now.`}>
      {kMoves.map(([from, to]) => {
        const [x1, y1] = kPlaces[from];
        const [x2, y2] = kPlaces[to];
        const went = moved.has(`${from} ${to}`) || moved.has(`${to} ${from}`);
        return <path key={from + to} class={went ? 'went' : ''} d={x1 === x2 ? `M${x1} ${y1 + 14}V${y2 - 14}` : `M${x1 + 48} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2 - 48} ${y2}`} />;
      })}
      {(Object.keys(kPlaces) as State[]).map((state) => {
        const [x, y] = kPlaces[state];
        return (
          <g key={state} class={`${visits.has(state) ? state : ''} ${state === upload.state ? 'now' : ''}`}>
            <rect x={x - 48} y={y - 14} width="96" height="28" rx="14" />
            <text x={x} y={y + 4.5}>
              {state}
            </text>
            {under(state) && (
              <text class="under" x={x} y={y + 28}>
                {under(state)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

const kEndWords: Record<UploadAttempt['end'], string> = {
  requeued: 'will be tried again',
  interrupted: 'gave its place to others, or the server stopped; it goes on where it was',
  crashed: 'its worker was gone; it goes on where it was',
  paused: 'paused',
  cancelled: 'cancelled',
  failed: 'failed',
  completed: 'completed and verified',
};

function Moment({at}: {at: number}) {
  return (
    <time dateTime={isoTime(at)} title={absolute(at)}>
      {new Date(at * 1000).toLocaleTimeString('en-GB')}
    </time>
  );
}

function Attempt({one}: {one: UploadAttempt}) {
  const sent = one.last_byte - one.first_byte;
  return (
    <li class={one.end}>
      <Moment at={one.started} />
      <div>
        <strong>{`Attempt ${one.number}: ${kEndWords[one.end]}`}</strong>
        <span class="faint">{` ${duration(one.ended - one.started)}${one.runs > 1 ? `, ${plural(one.runs, 'run')} that ended alike` : ''}`}</span>
        <p class="faint">{sent > 0 ? `${bytes(sent)} confirmed in it, ${bytes(one.last_byte)} in all.` : `Nothing new was confirmed${one.first_byte > 0 ? `; ${bytes(one.first_byte)} were before` : ''}.`}</p>
        {one.error && (
          <p>
            {one.error.message} <span class="faint">{words(one.error.code)}</span>
          </p>
        )}
      </div>
    </li>
  );
}

// The last line: what is so now, or how it ended where no attempt tells.
function Now({upload}: {upload: UploadDetail}) {
  const last = upload.history.at(-1);
  if (upload.state === 'completed' && last?.end === 'completed') return null;
  const at = upload.finished ?? (upload.state === 'uploading' ? (last?.ended ?? upload.started) : null);
  if (upload.finished !== null && last && ['failed', 'cancelled'].includes(last.end)) return null;
  const text = {
    queued: upload.next_attempt !== null && upload.next_attempt > now.value ? <>Next attempt <When at={upload.next_attempt} /></> : 'Waits for its turn',
    uploading: `Attempt ${upload.attempts} goes on`,
    paused: 'Paused: it waits until it is resumed',
    completed: 'Completed and verified at its first run',
    failed: 'Failed',
    cancelled: 'Cancelled',
  }[upload.state];
  return (
    <li class={upload.state === 'uploading' ? 'started' : upload.state}>
      {at === null ? <span class="faint">now</span> : <Moment at={at} />}
      <div>
        <strong>{text}</strong>
      </div>
    </li>
  );
}

export const History = ({upload}: {upload: UploadDetail}) => (
  <ol class="history">
    <li>
      <Moment at={upload.created} />
      <div>
        <strong>Queued</strong>
      </div>
    </li>
    {upload.history.map((one, i) => (
      <Attempt key={i} one={one} />
    ))}
    <Now upload={upload} />
  </ol>
);
