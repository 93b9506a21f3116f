// A page, and the data that it reads.
import type {ComponentChildren} from 'preact';
import {useEffect, useErrorBoundary, useLayoutEffect, useRef, useState} from 'preact/hooks';
import {asProblem} from '../api';
import type {Problem} from '../schema';
import {type Noun, on} from '../live';
import {ProblemNote} from './texts';

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
    setState((before) => (before.loading ? before : {...before, loading: true}));
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
