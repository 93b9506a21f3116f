// The week of a limit: windows of a timetable as the server writes them, and as a grid of hours to paint.
import {useRef, useState} from 'preact/hooks';

export const kDays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

export interface Window {
  days: boolean[]; // Monday first
  from: string; // "08:00"
  to: string;
  rate: string;
}

// "Mon-Fri 08:00-18:00 10MB", "Sat,Sun 00:00-24:00 none", "daily 22:00-06:00 none".
export function readWindow(text: string): Window | null {
  const [, days = '', from = '', to = '', rate = ''] = /^(\S+) (\d\d:\d\d)-(\d\d:\d\d) (.+)$/.exec(text) ?? [];
  if (!days) return null;
  const chosen = kDays.map(() => days === 'daily');
  if (days !== 'daily') {
    for (const piece of days.split(',')) {
      const [first = '', last = first] = piece.split('-');
      const [i, j] = [kDays.indexOf(first), kDays.indexOf(last)];
      if (i < 0 || j < 0) return null;
      for (let day = i; ; day = (day + 1) % 7) {
        chosen[day] = true;
        if (day === j) break;
      }
    }
  }
  return {days: chosen, from, to, rate};
}
export const writeWindow = (one: Window): string => `${one.days.every(Boolean) ? 'daily' : kDays.filter((_, i) => one.days[i]).join(',')} ${one.from}-${one.to} ${one.rate}`;

const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));
function holds(one: Window, day: number, minute: number): boolean {
  const [from, to] = [minutes(one.from), minutes(one.to)];
  if (to > from) return (one.days[day] ?? false) && minute >= from && minute < to;
  return ((one.days[day] ?? false) && minute >= from) || ((one.days[(day + 6) % 7] ?? false) && minute < to);
}

// The rate of each hour of the week; that of its middle.
export type Grid = string[][];
export const gridOf = (rate: string, windows: Window[]): Grid => kDays.map((_, day) => Array.from({length: 24}, (_, hour) => windows.find((one) => holds(one, day, hour * 60 + 30))?.rate ?? rate));

// The windows that make such a grid: days that are alike share one.
export function windowsOf(grid: Grid, rate: string): Window[] {
  const time = (hour: number) => `${String(hour).padStart(2, '0')}:00`;
  const found = new Map<string, Window>();
  grid.forEach((hours, day) => {
    for (let from = 0; from < 24; ) {
      let to = from + 1;
      while (to < 24 && hours[to] === hours[from]) ++to;
      const here = hours[from] ?? rate;
      if (here !== rate) {
        const key = `${from} ${to} ${here}`;
        const one = found.get(key) ?? {days: kDays.map(() => false), from: time(from), to: time(to), rate: here};
        one.days[day] = true;
        found.set(key, one);
      }
      from = to;
    }
  });
  return [...found.values()];
}

const isFullHour = (text: string): boolean => text.endsWith(':00');
// Whether a grid of hours says all that the windows say.
export const fitsGrid = (windows: Window[]): boolean => windows.every((one) => isFullHour(one.from) && isFullHour(one.to));

interface Cell {
  day: number;
  hour: number;
}
const cellOf = (element: Element | null): Cell | null => {
  const [day, hour] = element?.closest<HTMLElement>('[data-cell]')?.dataset['cell']?.split(' ').map(Number) ?? [];
  return day === undefined || hour === undefined ? null : {day, hour};
};

interface WeekProps {
  rate: string;
  windows: Window[];
  zone: string;
  onPaint?: (cells: Cell[]) => void; // absent: it is only shown
}

// Painted with the mouse or a finger, or with arrows and the space bar; with shift, arrows paint as they go.
export function Week({rate, windows, zone, onPaint}: WeekProps) {
  const grid = gridOf(rate, windows);
  const rates = [...new Set([rate, ...windows.map((one) => one.rate).sort()])]; // a rate keeps its colour while others are painted
  const [focus, setFocus] = useState<Cell>({day: 0, hour: 0});
  const [painting, setPainting] = useState(false);
  const table = useRef<HTMLTableElement>(null);
  const paint = (cell: Cell | null) => cell && onPaint?.([cell]);
  const go = (cell: Cell) => {
    setFocus(cell);
    table.current?.querySelector<HTMLElement>(`[data-cell="${cell.day} ${cell.hour}"]`)?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    const [down, right] = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]}[event.key] ?? [0, 0];
    const next = {day: Math.min(6, Math.max(0, focus.day + (down ?? 0))), hour: Math.min(23, Math.max(0, focus.hour + (right ?? 0)))};
    if (event.key === ' ' || event.key === 'Enter') paint(focus);
    else if (down || right) {
      if (event.shiftKey) onPaint?.([focus, next]);
      go(next);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const edit = onPaint !== undefined;
  return (
    <div class="scroll" tabIndex={edit ? undefined : 0} role="region" aria-label="The week, hour by hour">
      <table
        ref={table}
        class={edit ? 'week edit' : 'week'}
        role={edit ? 'grid' : undefined}
        onKeyDown={edit ? onKey : undefined}
        onPointerDown={(event) => {
          const cell = cellOf(event.target as Element);
          if (!edit || !cell || event.button !== 0) return;
          setPainting(true);
          setFocus(cell);
          paint(cell);
        }}
        onPointerMove={(event) => painting && event.buttons === 1 && paint(cellOf(document.elementFromPoint(event.clientX, event.clientY)))}
        onPointerUp={() => setPainting(false)}
      >
        <caption>{`Hours of ${zone}. ${fitsGrid(windows) ? '' : 'Each cell has the rate at half past the hour.'}`}</caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            {Array.from({length: 24}, (_, hour) => (
              <th key={hour} scope="col">
                {String(hour).padStart(2, '0')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {kDays.map((name, day) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {(grid[day] ?? []).map((here, hour) => (
                <td
                  key={hour}
                  class={`r${rates.indexOf(here) % 6}`}
                  title={`${name} ${hour}:00 ${here}`}
                  {...(edit ? {role: 'gridcell', 'data-cell': `${day} ${hour}`, tabIndex: focus.day === day && focus.hour === hour ? 0 : -1, 'aria-label': `${name} ${hour}:00 ${here}`, onFocus: () => setFocus({day, hour})} : {})}
                >
                  <span class={hour > 0 && grid[day]?.[hour - 1] === here ? 'unseen' : ''}>{here}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
