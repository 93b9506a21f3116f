// The pieces that pages are made of.
import {computed, type Signal, signal} from '@preact/signals';
import type {ComponentChildren, JSX} from 'preact';
import {useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useRef, useState} from 'preact/hooks';
import {asProblem} from './api';
import {absolute, bytes, duration, exactBytes, isoTime, now, relative, shortPath, slowNow, words} from './format';
import {type Noun, on} from './live';
import type {Operations, Problem, State} from './schema';
import {note} from './store';

const kIcons = {
  overview: 'M3 13h6V3H3zm8 4h6V9h-6zM3 17h6v-2H3zM11 3v4h6V3z',
  uploads: 'M10 15V5m0 0L6 9m4-4 4 4M4 17h12',
  storages: 'M3 4h14v5H3zm0 7h14v5H3zm3-4.5h.1M6 13.500h.1',
  buckets: 'M4 5h12l-1.500 12h-9zM3 5a7 2 0 0 1 14 0',
  limits: 'M3 15a7 7 0 1 1 14 0m-7 0 4-5',
  callbacks: 'M8 4 4 8l4 4M4 8h8a4 4 0 0 1 0 8h-2',
  accounts: 'M10 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6m-6 7a6 6 0 0 1 12 0',
  docs: 'M4 4h5l1 1 1-1h5v12h-5l-1 1-1-1H4zm6 1v12',
  audit: 'M5 3h10v14H5zm3 4h4m-4 3h4m-4 3h2',
  settings: 'M3 6h8m4 0h2M3 14h2m4 0h8M13 4v4M7 12v4',
  theme: 'M10 3a7 7 0 1 0 0 14zm0 0a7 7 0 0 1 0 14',
  search: 'M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12m4-2 4 4',
  copy: 'M7 7V3h10v10h-4M3 7h10v10H3z',
  close: 'm5 5 10 10M15 5 5 15',
  code: 'm7 6-4 4 4 4m6-8 4 4-4 4',
} as const;
export type IconName = keyof typeof kIcons;

export function Icon({name}: {name: IconName}) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={kIcons[name]} />
    </svg>
  );
}

const kStateShapes: Record<State, string> = {
  queued: 'M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11',
  uploading: 'M8 13V3m0 0L4 7m4-4 4 4',
  completed: 'm3 8.500 3.500 3.500L13 4.500',
  failed: 'm4 4 8 8m0-8-8 8',
  paused: 'M5.500 3v10m5-10v10',
  cancelled: 'M3 13 13 3M3 8l5-5m0 10 5-5',
};

export function StateMark({state}: {state: State}) {
  return (
    <span class={`state ${state}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={kStateShapes[state]} />
      </svg>
      {state}
    </span>
  );
}

// A word with the colour of a state, for what has no states of an upload.
export function Mark({tone, children}: {tone: State; children: ComponentChildren}) {
  return (
    <span class={`state ${tone}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={kStateShapes[tone]} />
      </svg>
      {children}
    </span>
  );
}

export const Bytes = ({count}: {count: number}) => <data value={count} title={exactBytes(count)}>{bytes(count)}</data>;

// `clock`: what the text follows; rows of long lists have one that stands while they are out of sight.
export function When({at, slow, clock = slow ? slowNow : now, otherwise = '–'}: {at: number | null | undefined; slow?: boolean; clock?: Signal<number>; otherwise?: string}) {
  // A text that depends on the clock changes alone: nothing is drawn again, and ten thousand of them cost little.
  const text = useMemo(() => computed(() => (at === null || at === undefined ? otherwise : relative(at, clock.value))), [at, clock, otherwise]);
  if (at === null || at === undefined) return <>{otherwise}</>;
  return (
    <time dateTime={isoTime(at)} title={absolute(at)}>
      {text}
    </time>
  );
}

// For how long, by the slow clock.
export function Age({since, clock = slowNow}: {since: number; clock?: Signal<number>}) {
  const text = useMemo(() => computed(() => duration(clock.value - since)), [since, clock]);
  return <span class="figure">{text}</span>;
}

export const FilePath = ({path, most}: {path: string; most?: number}) => (
  <span class="path" title={path}>
    <bdi>{shortPath(path, most)}</bdi>
  </span>
);

export function Copy({text, name = 'Copy'}: {text: string; name?: string}) {
  return (
    <button
      type="button"
      class="quiet small"
      title={name}
      aria-label={name}
      onClick={() => {
        navigator.clipboard?.writeText(text).then(
          () => note('Copied.'),
          () => note('The browser does not let this page copy. Select the text instead.', true),
        );
      }}
    >
      <Icon name="copy" />
    </button>
  );
}

export const Code = ({text, label}: {text: string; label?: string}) => (
  <div class="code">
    <pre tabIndex={0} aria-label={label ?? 'Code'}>
      <code>{text}</code>
    </pre>
    <Copy text={text} />
  </div>
);

// Words between back quotes are code, those between two stars are strong.
export const Rich = ({text}: {text: string}) => (
  <>
    {text.split(/(``.+?``|`[^`]+`|\*\*.+?\*\*)/).map((piece, i) => {
      if (i % 2 === 0) return piece;
      return piece.startsWith('`') ? <code key={i}>{piece.replace(/^`+|`+$/g, '')}</code> : <strong key={i}>{piece.slice(2, -2)}</strong>;
    })}
  </>
);

export function ProblemNote({problem, again}: {problem: Problem; again?: () => void}) {
  return (
    <div class="problem" role="alert">
      <strong>{problem.detail}</strong>
      {problem.operator_detail && <p>{problem.operator_detail}</p>}
      <p class="faint">{words(problem.code)}</p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

export interface Loaded<T> {
  data: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  reload: () => void;
  set: (data: T) => void;
}

// Reads data, and again where `dependencies` change, and where anybody changes settings of these nouns. What is shown stays until the new data is there.
export function useLoad<T>(read: (signal: AbortSignal) => Promise<T>, dependencies: unknown[], ...nouns: Noun[]): Loaded<T> {
  const [state, setState] = useState<{data?: T; problem?: Problem; loading: boolean}>({loading: true});
  const [round, setRound] = useState(0);
  useLayoutEffect(() => {
    const control = new AbortController();
    setState((before) => ({...before, loading: true}));
    read(control.signal).then(
      (data) => !control.signal.aborted && setState({data, loading: false}),
      (error: unknown) => !control.signal.aborted && setState((before) => ({...before, problem: asProblem(error), loading: false})),
    );
    return () => control.abort();
  }, [...dependencies, round]);
  useEffect(() => {
    const off = [on('settings', (change) => nouns.includes(change.noun) && setRound((n) => n + 1)), on('reset', () => nouns.length > 0 && setRound((n) => n + 1))];
    return () => off.forEach((one) => one());
  }, nouns);
  return {
    data: state.data,
    problem: state.problem,
    loading: state.loading,
    reload: () => setRound((n) => n + 1),
    set: (data) => setState({data, loading: false}),
  };
}

interface PageProps {
  title: string;
  first?: ComponentChildren; // the sentence that answers before the data
  actions?: ComponentChildren;
  children?: ComponentChildren;
}

export function Page({title, first, actions, children}: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · vodlift`;
  }, [title]);
  const [error, retry] = useErrorBoundary();
  return (
    <>
      <header class="page">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <div class="actions">{actions}</div>
        <p class="first">{first}</p>
      </header>
      {error ? <ProblemNote problem={asProblem(error)} again={retry} /> : children}
    </>
  );
}

export function Body<T>({loaded, children}: {loaded: Loaded<T>; children: (data: T) => ComponentChildren}) {
  return (
    <div class={loaded.loading ? 'loading' : ''} aria-busy={loaded.loading}>
      {loaded.problem && <ProblemNote problem={loaded.problem} again={loaded.reload} />}
      {loaded.data !== undefined && children(loaded.data)}
    </div>
  );
}

export function Dialog({title, onClose, children, wide}: {title: string; onClose: () => void; children: ComponentChildren; wide?: boolean}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? 'wide' : ''}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet small" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

// One question at a time. Resolves to whether the reader agreed.
interface Question {
  title: string;
  text: ComponentChildren;
  yes: string;
  danger?: boolean;
  answer: (agreed: boolean) => void;
}
const question = signal<Question | null>(null);
export function ask(title: string, text: ComponentChildren, yes: string, danger = false): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      title,
      text,
      yes,
      danger,
      answer: (agreed) => {
        question.value = null;
        resolve(agreed);
      },
    };
  });
}
export function Questions() {
  const asked = question.value;
  if (!asked) return null;
  return (
    <Dialog title={asked.title} onClose={() => asked.answer(false)}>
      <div class="prose">{asked.text}</div>
      <footer>
        <button type="button" onClick={() => asked.answer(false)} autofocus>
          No, go back
        </button>
        <button type="button" class={asked.danger ? 'danger' : 'primary'} onClick={() => asked.answer(true)}>
          {asked.yes}
        </button>
      </footer>
    </Dialog>
  );
}

// A secret that is shown once. It closes only when the reader has stored it.
export const secret = signal<{title: string; rows: [string, string][]; about?: string} | null>(null);
export function Secrets() {
  const [stored, setStored] = useState(false);
  const shown = secret.value;
  useEffect(() => setStored(false), [shown]);
  if (!shown) return null;
  return (
    <Dialog title={shown.title} onClose={() => stored && (secret.value = null)}>
      <p>{shown.about ?? 'It is shown only now. Nobody can show it again, not even an admin.'}</p>
      <dl class="facts">
        {shown.rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code class="secret">{value}</code> <Copy text={value} name={`Copy ${name}`} />
            </dd>
          </div>
        ))}
      </dl>
      <footer>
        <label class="check">
          <input type="checkbox" checked={stored} onChange={(event) => setStored(event.currentTarget.checked)} /> I have stored it
        </label>
        <button type="button" class="primary" disabled={!stored} onClick={() => (secret.value = null)}>
          Close
        </button>
      </footer>
    </Dialog>
  );
}

interface FieldProps extends Omit<JSX.InputHTMLAttributes, 'onChange' | 'value' | 'label' | 'about' | 'type' | 'name' | 'pattern' | 'required' | 'min' | 'max' | 'maxLength' | 'autocomplete' | 'placeholder'> {
  label: string;
  about?: ComponentChildren;
  value: string;
  onValue: (value: string) => void;
  options?: readonly (string | [string, string])[];
  type?: string;
  rows?: number;
  required?: boolean;
  pattern?: string;
  min?: number | string;
  max?: number | string;
  maxLength?: number;
  autocomplete?: string;
  placeholder?: string;
  problem?: Problem | undefined; // shown here when it begins with the field's name
  name?: string;
}

export function Field({label, about, value, onValue, options, type = 'text', rows, problem, name, ...rest}: FieldProps) {
  const id = useId();
  const wrong = problem && name && problem.detail.startsWith(name + ':') ? problem.detail.slice(name.length + 1) : '';
  const common = {id, name, 'aria-describedby': about || wrong ? id + 'a' : undefined, 'aria-invalid': wrong ? true : undefined};
  return (
    <div class="field">
      <label for={id}>
        {label}
        {rest.required && <span class="faint"> required</span>}
      </label>
      {options ? (
        <select {...common} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {options.map((one) => {
            const [word, text] = typeof one === 'string' ? [one, one] : one;
            return (
              <option key={word} value={word} selected={word === value}>
                {text}
              </option>
            );
          })}
        </select>
      ) : rows ? (
        <textarea {...common} rows={rows} value={value} required={rest.required} maxLength={rest.maxLength} onInput={(event) => onValue(event.currentTarget.value)} />
      ) : (
        <input {...rest} {...common} type={type} value={value} onInput={(event) => onValue(event.currentTarget.value)} />
      )}
      {(about || wrong) && (
        <p id={id + 'a'} class={wrong ? 'wrong' : 'about'}>
          {wrong || about}
        </p>
      )}
    </div>
  );
}

export function Check({label, value, onValue}: {label: string; value: boolean; onValue: (value: boolean) => void}) {
  return (
    <label class="check">
      <input type="checkbox" checked={value} onChange={(event) => onValue(event.currentTarget.checked)} /> {label}
    </label>
  );
}

// A form that shows what went wrong beside its button.
export function Form({submit, button, back = 'Cancel', danger, children, onClose}: {submit: () => Promise<void>; button: string; back?: string; danger?: boolean; children: (problem: Problem | undefined) => ComponentChildren; onClose?: () => void}) {
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setBusy(true);
        setProblem(undefined);
        submit()
          .catch((error: unknown) => setProblem(asProblem(error)))
          .finally(() => setBusy(false));
      }}
    >
      {children(problem)}
      {problem && <ProblemNote problem={problem} />}
      <footer>
        {onClose && (
          <button type="button" onClick={onClose}>
            {back}
          </button>
        )}
        <button type="submit" class={danger ? 'danger' : 'primary'} disabled={busy}>
          {busy ? 'Working …' : button}
        </button>
      </footer>
    </form>
  );
}

export function Facts({rows}: {rows: [string, ComponentChildren][]}) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Table({head, children, caption, empty}: {head: (string | [string, string])[]; children: ComponentChildren; caption: string; empty?: ComponentChildren}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {head.map((one) => {
              const [text, kind] = typeof one === 'string' ? [one, ''] : one;
              return (
                <th key={text} scope="col" class={kind}>
                  {kind === 'tools' ? <span class="unseen">{text}</span> : text}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
      {empty}
    </div>
  );
}

export const Empty = ({title, children}: {title: string; children?: ComponentChildren}) => (
  <div class="empty">
    <h2>{title}</h2>
    {children}
  </div>
);

// Opens "as API call" of the view. Loaded when it is asked for.
export const apiCall = signal<{name: keyof Operations; fields: Record<string, unknown>} | null>(null);
export function AsCall<Name extends keyof Operations>({name, fields}: {name: Name; fields: Operations[Name]['fields']}) {
  return (
    <button type="button" class="quiet" onClick={() => (apiCall.value = {name, fields: fields as Record<string, unknown>})}>
      <Icon name="code" /> As API call
    </button>
  );
}

export function More({next, loading, onMore, searchedTo}: {next: string | null; loading: boolean; onMore: () => void; searchedTo?: number | null}) {
  if (!next) return null;
  return (
    <div class="more">
      {searchedTo ? (
        <span>
          Searched back to <When at={searchedTo} slow />. Older ones may match.
        </span>
      ) : null}
      <button type="button" onClick={onMore} disabled={loading}>
        {searchedTo ? 'Search further back' : 'Show more'}
      </button>
    </div>
  );
}

export const text = (value: Signal<string>) => ({value: value.value, onValue: (next: string) => (value.value = next)});
