// Calls of the REST API by the names of their operations.
import {signal} from '@preact/signals';
import type {Answer} from './begin';
import {type Operations, type Problem, roles, routes, type Session} from './schema';

export const kBase = '/api/v1';

export class Failure extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfter: number | null = null,
  ) {
    super(problem.detail);
  }
}

// undefined: not asked yet; null: nobody is signed in.
export const session = signal<Session | null | undefined>(undefined);

// Whether the person who is signed in may use it at all.
export function may(name: keyof Operations): boolean {
  const allowed = roles[name];
  return !allowed || allowed.split(' ').includes(session.value?.role ?? '');
}

export interface Request {
  method: string;
  url: string; // path and query
  body: Record<string, unknown> | undefined;
}

// Puts fields where the API wants them: into the path, and then into the query or the body.
export function requestOf<Name extends keyof Operations>(name: Name, fields: Operations[Name]['fields']): Request {
  const [method = '', path = ''] = routes[name].split(' ');
  const left = Object.entries(fields as Record<string, unknown>).filter(([, value]) => value !== undefined);
  let url = kBase + path;
  const others = left.filter(([field, value]) => {
    const word = `{${field}}`;
    if (!url.includes(word)) return true;
    url = url.replace(word, encodeURIComponent(String(value)));
    return false;
  });
  if (method === 'GET' || method === 'DELETE') {
    const query = new URLSearchParams();
    for (const [field, value] of others) query.set(field, Array.isArray(value) ? value.join(',') : String(value));
    return {method, url: query.size > 0 ? `${url}?${query}` : url, body: undefined};
  }
  return {method, url, body: Object.fromEntries(others)};
}

function problemOf(status: number, text: string): Problem {
  try {
    const read: unknown = JSON.parse(text);
    if (read !== null && typeof read === 'object' && 'detail' in read && 'code' in read) return read as Problem;
  } catch {
    // Not from our server, but from something between.
  }
  return {type: '', title: 'No answer from vodlift', status, code: 'network', detail: `Something between this browser and vodlift answered ${status}.`};
}

// Whether the first data of the page is painted. What the page can do without comes behind it.
export const painted = signal(false);
let soon = false;
// The data is there: it is on the screen when the frame after the next begins.
function paintedSoon(): void {
  if (soon) return;
  soon = true;
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => (painted.value = true))));
}

export interface CallOptions {
  signal?: AbortSignal;
  key?: string; // Idempotency-Key
}

// The answer that begin.ts asked for, where there is one and it is good. It counts once.
async function early(request: Request): Promise<Answer | null> {
  const asked = globalThis.begun?.get(request.url);
  if (request.method !== 'GET' || !asked) return null;
  globalThis.begun?.delete(request.url);
  const answer = await asked.catch(() => null);
  return answer?.ok ? answer : null;
}

async function ask(request: Request, headers: Record<string, string>, signal: AbortSignal | null): Promise<Answer> {
  const response = await fetch(request.url, {method: request.method, headers, body: request.body ? JSON.stringify(request.body) : null, signal, credentials: 'same-origin'});
  return {ok: response.ok, status: response.status, retryAfter: response.headers.get('Retry-After'), text: await response.text()};
}

export async function call<Name extends keyof Operations>(name: Name, fields: Operations[Name]['fields'], options: CallOptions = {}): Promise<Operations[Name]['answer']> {
  const request = requestOf(name, fields);
  const headers: Record<string, string> = {Accept: 'application/json'};
  if (request.body) headers['Content-Type'] = 'application/json';
  if (options.key) headers['Idempotency-Key'] = options.key;
  const csrf = session.peek()?.csrf;
  if (request.method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf;
  let answer: Answer;
  try {
    answer = (await early(request)) ?? (await ask(request, headers, options.signal ?? null));
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Failure({type: '', title: 'No connection', status: 0, code: 'network', detail: 'vodlift does not answer. Check that it runs, and try again.'});
  }
  if (!name.startsWith('session.')) paintedSoon();
  if (answer.ok) return JSON.parse(answer.text) as Operations[Name]['answer'];
  const failure = new Failure(problemOf(answer.status, answer.text), Number(answer.retryAfter) || null);
  if (answer.status === 401 && !name.startsWith('session.') && name !== 'setup.run') session.value = null;
  throw failure;
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Failure) return error.problem;
  return {type: '', title: 'Fault in this page', status: 0, code: 'page', detail: error instanceof Error ? error.message : String(error)};
}

export async function findSession(): Promise<void> {
  try {
    session.value = await call('session.show', {});
  } catch (error) {
    if (error instanceof Failure && error.problem.status === 401) session.value = null;
    else throw error;
  }
}
