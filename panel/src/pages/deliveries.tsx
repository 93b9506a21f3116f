// One callback with its attempts.
import {asProblem, call} from '../api';
import {number} from '../format';
import type {CallbackDetail, CallbackState, State} from '../schema';
import {note} from '../store';
import {Code, Mark, Table, When} from '../ui';

const kTones: Record<CallbackState, State> = {none: 'cancelled', waiting: 'queued', pending: 'queued', delivered: 'completed', failed: 'failed', stopped: 'cancelled'};
export const CallbackMark = ({state}: {state: CallbackState}) => <Mark tone={kTones[state]}>{state}</Mark>;

// A body that is JSON is shown with line breaks; its numbers and texts stay as they were sent.
export function laidOut(body: string): string {
  if (!/^\s*[{[]/.test(body)) return body;
  let depth = 0;
  let quoted = false;
  let shown = '';
  for (let i = 0; i < body.length && shown.length < 100_000; ++i) {
    const c = body[i] ?? '';
    if (quoted) {
      shown += c;
      if (c === '\\') shown += body[++i] ?? '';
      else if (c === '"') quoted = false;
    } else if (c === '"') {
      quoted = true;
      shown += c;
    } else if (c === '{' || c === '[') shown += c + '\n' + '  '.repeat(++depth);
    else if (c === '}' || c === ']') shown += '\n' + '  '.repeat((depth = Math.max(0, depth - 1))) + c;
    else if (c === ',') shown += ',\n' + '  '.repeat(depth);
    else if (c === ':') shown += ': ';
    else if (c.trim()) shown += c;
  }
  return shown;
}

export function Deliveries({callback, onSent}: {callback: CallbackDetail; onSent: (after: CallbackDetail) => void}) {
  const send = () =>
    call('callback.send', {id: callback.id}).then(
      (after) => {
        note('It is sent again now.');
        onSent(after);
      },
      (error: unknown) => note(asProblem(error).detail, true),
    );
  return (
    <>
      <p>
        <CallbackMark state={callback.state} /> to <code>{callback.url}</code>
        {callback.under_way && ' It is being delivered.'}
        {callback.next_attempt !== null && <> Next attempt <When at={callback.next_attempt} />.</>}{' '}
        {callback.actions.includes('send') && (
          <button type="button" onClick={() => void send()}>
            Send again
          </button>
        )}
      </p>
      <Table caption="Attempts" head={[['Attempt', 'figure'], 'When', 'Answer', ['Took', 'figure'], 'Error']}>
        {[...callback.tries].reverse().map((one) => (
          <tr key={one.number}>
            <td class="figure">{number(one.number)}</td>
            <td>
              <When at={one.at} />
            </td>
            <td>{one.http_status === null ? 'no answer' : `HTTP ${one.http_status}`}</td>
            <td class="figure">{number(one.took_ms)} ms</td>
            <td>{one.error ?? ''}</td>
          </tr>
        ))}
      </Table>
      <details>
        <summary>Body</summary>
        <Code text={laidOut(callback.body)} label="Body of the callback" />
      </details>
    </>
  );
}
