// What several pages share.
import {computed, effect, signal} from '@preact/signals';
import {call, session} from './api';
import {href, place} from './router';
import type {Account, Bucket} from './schema';

function kept<T extends string>(name: string, otherwise: T) {
  let first = otherwise;
  try {
    first = (localStorage.getItem(name) as T | null) ?? otherwise;
  } catch {
    // Storage may be switched off.
  }
  const value = signal<T>(first);
  let written = first;
  effect(() => {
    if (value.value === written) return;
    written = value.value;
    try {
      localStorage.setItem(name, written);
    } catch {
      // As above.
    }
  });
  return value;
}

const signedIn = kept<'yes' | 'no'>('signed-in', 'no'); // for begin.ts
effect(() => {
  if (session.value !== undefined) signedIn.value = session.value ? 'yes' : 'no';
});

export const theme = kept<'system' | 'light' | 'dark'>('theme', 'system');
export const density = kept<'usual' | 'compact'>('density', 'usual');
export const language = kept<string>('language', 'curl');
effect(() => {
  document.documentElement.dataset['theme'] = theme.value;
  document.documentElement.dataset['density'] = density.value;
});

// The account that an operator looks at; 0: all.
export const account = computed(() => Number(place.value.query.get('cdn')) || 0);
// A link that keeps the account.
export const hrefHere = (path: string): string => href(path + (account.value ? `${path.includes('?') ? '&' : '?'}cdn=${account.value}` : ''));
export const cdnIfGiven = (): {cdn?: number} => (account.value ? {cdn: account.value} : {});

// Where programs reach the API; "": where this page came from.
export const apiElsewhere = computed(() => session.value?.api_url ?? '');
export const apiOrigin = (): string => apiElsewhere.value || location.origin;

// Events tell the numbers of all that the reader may see. Those of one account among several are asked for.
export const isOfView = (counts: {cdn: number | null}[]): boolean => !account.value || counts.every((one) => one.cdn === account.value);

// How many things need a person; null: not known yet.
export const attention = signal<number | null>(null);

export const accounts = signal<Account[]>([]);
export const buckets = signal<Bucket[]>([]);
export async function readAccounts(): Promise<void> {
  accounts.value = (await call('account.list', {})).items;
}
export async function readBuckets(): Promise<void> {
  buckets.value = (await call('bucket.list', cdnIfGiven())).items;
}

// What a screen reader hears. One message in five seconds at most; the last one wins.
export const said = signal('');
let nextSaid = '';
let timer = 0;
export function say(text: string): void {
  nextSaid = text;
  if (timer) return;
  said.value = text;
  timer = window.setTimeout(() => {
    timer = 0;
    if (nextSaid !== said.peek()) say(nextSaid);
  }, 5000);
}

// Short notes of what was done.
export interface Note {
  id: number;
  text: string;
  bad: boolean;
}
export const notes = signal<Note[]>([]);
let noteId = 0;
export function note(text: string, bad = false): void {
  const id = ++noteId;
  notes.value = [...notes.value.slice(-2), {id, text, bad}];
  say(text);
  setTimeout(() => (notes.value = notes.value.filter((one) => one.id !== id)), bad ? 12_000 : 5000);
}
