// The stream of events: one for all tabs of a browser. The tab that holds the lock reads it and passes events on; the
// others wait for the lock. Each tab merges what came for the same object, and shows it once a frame.
import {batch, signal} from '@preact/signals';
import {kBase, session} from './api';
import type {Attention, Callback, Overview, RatePoint, Upload} from './schema';

export interface Events {
  upload: Upload;
  counts: {at: number; items: Overview['counts']};
  rate: RatePoint;
  attention: {at: number; items: Attention[]};
  callback: Callback;
  settings: {noun: Noun; cdn: number | null};
  reset: Record<string, never>;
}
export type Noun = 'account' | 'key' | 'bucket' | 'limit' | 'person';
type Topic = keyof Events;
type Message = {topic: Topic; data: Events[Topic]; id: string};

export type Connection = 'connecting' | 'live' | 'lost';
export const connection = signal<Connection>('connecting');
export const lostSince = signal(0); // ms

const kSilence = 40_000; // ms; a comment comes every 15 s
const kMostPending = 20_000; // objects; more: what is shown is read again
const kShownAtOnce = 120; // objects a frame

const listeners = new Map<Topic, Set<(data: never) => void>>();
const pending = new Map<string, Message>();
const channel = new BroadcastChannel('vodlift');
let lastId = '';
let scheduled = false;

export function on<T extends Topic>(topic: T, listener: (data: Events[T]) => void): () => void {
  const all = listeners.get(topic) ?? new Set();
  listeners.set(topic, all);
  all.add(listener as (data: never) => void);
  return () => all.delete(listener as (data: never) => void);
}

function tell(topic: Topic, data: unknown): void {
  for (const listener of listeners.get(topic) ?? []) listener(data as never);
}

function show(): void {
  scheduled = false;
  let left = kShownAtOnce;
  batch(() => {
    for (const [key, message] of pending) {
      if (left-- === 0) break;
      pending.delete(key);
      tell(message.topic, message.data);
    }
  });
  if (pending.size > 0) schedule();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  // A hidden tab has no frames.
  if (document.hidden) setTimeout(show, 1000);
  else requestAnimationFrame(show);
}

function receive(messages: Message[]): void {
  for (const message of messages) {
    lastId = message.id || lastId;
    const object = message.data as {id?: number; noun?: Noun; cdn?: number};
    const which = {upload: object.id, callback: object.id, settings: `${object.noun} ${object.cdn}`} as Partial<Record<Topic, unknown>>;
    const key = `${message.topic} ${which[message.topic] ?? ''}`;
    pending.set(key, message);
  }
  if (pending.size > kMostPending) {
    pending.clear();
    pending.set('reset', {topic: 'reset', data: {}, id: ''});
  }
  if (messages.length > 0) schedule();
}

function say(state: Connection): void {
  if (state === 'lost' && connection.peek() !== 'lost') lostSince.value = Date.now();
  const was = connection.peek();
  connection.value = state;
  // What was missed before this tab heard of a stream for the first time needs no second reading.
  if (was === 'lost' && state === 'live') tell('reset', {});
}

channel.onmessage = ({data}: MessageEvent<{messages?: Message[]; state?: Connection; ask?: boolean}>) => {
  if (data.messages) receive(data.messages);
  if (data.state) say(data.state);
  if (data.ask && reading) channel.postMessage({state: connection.peek()});
};

// Reads lines of a stream of server-sent events.
class Reader {
  private text = '';
  private topic = '';
  private data = '';
  private id = '';

  take(piece: string): Message[] {
    this.text += piece;
    const lines = this.text.split('\n');
    this.text = lines.pop() ?? '';
    const found: Message[] = [];
    for (const line of lines) {
      const [, name, value = ''] = /^(\w+): ?(.*)$/.exec(line.replace(/\r$/, '')) ?? [];
      if (name === 'event') this.topic = value;
      if (name === 'data') this.data += value;
      if (name === 'id') this.id = value;
      if (line === '' || line === '\r') {
        if (this.topic && this.data) found.push({topic: this.topic as Topic, data: JSON.parse(this.data) as Events[Topic], id: this.id});
        this.topic = this.data = '';
      }
    }
    return found;
  }
}

let reading = false;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function announce(state: Connection): void {
  say(state);
  channel.postMessage({state});
}

// Reads one stream until it ends. Answers for how many ms to wait before the next one.
async function readStream(): Promise<number> {
  const control = new AbortController();
  let silence = setTimeout(() => control.abort(), kSilence);
  try {
    const headers: Record<string, string> = {Accept: 'text/event-stream'};
    if (lastId) headers['Last-Event-ID'] = lastId;
    const response = await fetch(kBase + '/events', {headers, signal: control.signal, cache: 'no-store'});
    if (response.status === 401) session.value = null;
    if (!response.ok || !response.body) return Number(response.headers.get('Retry-After')) * 1000 || 3000;
    announce('live');
    const reader = new Reader();
    const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const {done, value} = await text.read();
      if (done) return 500;
      clearTimeout(silence);
      silence = setTimeout(() => control.abort(), kSilence);
      const messages = reader.take(value);
      if (messages.length === 0) continue;
      channel.postMessage({messages});
      receive(messages);
    }
  } catch {
    return 1500;
  } finally {
    clearTimeout(silence);
  }
}

async function readForAll(): Promise<void> {
  reading = true;
  for (;;) {
    if (!session.peek()) {
      await pause(500);
      continue;
    }
    const wait = await readStream();
    announce('lost');
    await pause(wait + Math.random() * 500);
  }
}

let begun = false;
export function follow(): void {
  if (begun) return;
  begun = true;
  // Without a secure context there are no locks, and each tab reads a stream of its own.
  if (!navigator.locks) return void readForAll();
  void navigator.locks.request('vodlift-events', readForAll);
  channel.postMessage({ask: true});
}
