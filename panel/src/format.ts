// Figures as people read them.
import {signal} from '@preact/signals';

// Unix seconds now. The slow one is for lists: what it shows is coarse, and it costs little.
export const now = signal(Math.floor(Date.now() / 1000));
export const slowNow = signal(now.peek());
setInterval(() => {
  now.value = Math.floor(Date.now() / 1000);
  if (now.peek() - slowNow.peek() >= 10) slowNow.value = now.peek();
}, 1000);

const kUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

// Three digits and a binary unit: "38.4 GiB".
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < kUnits.length - 1) {
    value /= 1024;
    ++unit;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${kUnits[unit]}`;
}

export const number = (count: number): string => String(count).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',');
export const exactBytes = (count: number): string => `${number(count)} bytes`;
export const plural = (count: number, one: string, many = one + 's'): string => `${number(count)} ${count === 1 ? one : many}`;

// "40 s", "3 min 20 s", "1 h 04 min", "2 d 3 h".
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  if (s < 60) return `${s} s`;
  if (s < 600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

export function relative(at: number, from: number): string {
  const past = from - at;
  if (Math.abs(past) < 5) return 'now';
  const s = Math.abs(past);
  const text = s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min` : s < 86_400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86_400)} d`;
  return past > 0 ? `${text} ago` : `in ${text}`;
}

// Made when it is asked for: that takes longer than all else that a first page does.
let dates: Intl.DateTimeFormat | undefined;
export function absolute(at: number): string {
  dates ??= new Intl.DateTimeFormat('en-GB', {dateStyle: 'medium', timeStyle: 'medium'});
  return `${dates.format(at * 1000)} ${dates.resolvedOptions().timeZone}`;
}
export const isoTime = (at: number): string => new Date(at * 1000).toISOString();

// Cuts a path in its middle, never in the file's name.
export function shortPath(path: string, most = 60): string {
  if (path.length <= most) return path;
  const name = path.slice(path.lastIndexOf('/'));
  const left = most - name.length - 1;
  return left < 4 ? `…${name}` : `${path.slice(0, left)}…${name}`;
}

// Where a text is cut that does not fit: what comes before may be cut at its end, what comes after is always shown. That
// is a file's name, or the end of a long one.
export function cutAt(path: string): number {
  const name = path.lastIndexOf('/') + 1;
  const kMost = 32; // characters that find room beside a beginning
  return path.length - name <= kMost ? Math.max(0, name - 1) : path.length - kMost / 2;
}

export const words = (code: string): string => code.replaceAll('_', ' ');
