// The parts of a multipart upload, one cell a part, and the same as a table.
import {useEffect, useRef, useState} from 'preact/hooks';
import {bytes, duration, number} from '../format';
import type {UploadDetail} from '../schema';
import {theme} from '../store';

type Parts = NonNullable<UploadDetail['parts']>; // `confirmed` are ranges: first, last, first, last …

// For how long the parts from the first to the last have been confirmed, in words; empty: not known.
function agesOf(parts: Parts, first: number, last: number): string {
  let before = 0; // confirmed parts of lower numbers
  for (let i = 0; i + 1 < parts.confirmed.length; i += 2) {
    const [from = 1, to = 0] = [parts.confirmed[i], parts.confirmed[i + 1]];
    before += Math.max(0, Math.min(first, to + 1) - from);
  }
  const known = parts.ages.slice(before, before + last - first + 1).filter((age) => age !== null);
  if (known.length === 0) return '';
  const [newest, oldest] = [Math.min(...known), Math.max(...known)].map(duration);
  return newest === oldest ? `${newest} ago` : `${oldest} to ${newest} ago`;
}
const isConfirmed = (parts: Parts, part: number): boolean => parts.confirmed.some((from, i) => i % 2 === 0 && part >= from && part <= (parts.confirmed[i + 1] ?? 0));

export function PartMap({parts, size}: {parts: Parts; size: number}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const sent = parts.confirmed.reduce((sum, one, i) => sum + (i % 2 === 1 ? one + 1 : -one), 0);
  const cell = parts.count > 2000 ? 5 : parts.count > 400 ? 8 : 14;
  const across = Math.max(1, Math.floor(width / cell));
  const down = Math.ceil(parts.count / across);
  useEffect(() => {
    const to = canvas.current;
    const context = to?.getContext('2d');
    if (!to || !context || width === 0) return;
    const scale = devicePixelRatio || 1;
    to.width = across * cell * scale;
    to.height = down * cell * scale;
    to.style.width = `${across * cell}px`;
    to.style.height = `${down * cell}px`;
    const style = getComputedStyle(to);
    context.scale(scale, scale);
    context.clearRect(0, 0, across * cell, down * cell);
    const paint = (from: number, until: number) => {
      for (let i = from; i < until; ++i) context.fillRect((i % across) * cell, Math.floor(i / across) * cell, cell - 1, cell - 1);
    };
    context.fillStyle = style.getPropertyValue('--line');
    paint(0, parts.count);
    context.fillStyle = style.getPropertyValue('--uploading');
    for (let i = 0; i + 1 < parts.confirmed.length; i += 2) paint((parts.confirmed[i] ?? 1) - 1, parts.confirmed[i + 1] ?? 0);
  }, [parts, width, theme.value]);
  const gaps: [string, number, number][] = [];
  let at = 1;
  for (let i = 0; i + 1 < parts.confirmed.length; i += 2) {
    const [first = 1, last = 0] = [parts.confirmed[i], parts.confirmed[i + 1]];
    if (first > at) gaps.push(['not sent yet', at, first - 1]);
    gaps.push(['confirmed', first, last]);
    at = last + 1;
  }
  if (at <= parts.count) gaps.push(['not sent yet', at, parts.count]);
  return (
    <section>
      <h2>Parts</h2>
      <p>
        {`${number(sent)} of ${number(parts.count)} parts of ${bytes(parts.size)} are confirmed by the store.`} <span class="faint">{bytes(size)} in all.</span>
      </p>
      <div class="parts">
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Map of parts: ${sent} of ${parts.count} confirmed. The table below has the same.`}
          onMouseMove={(event) => {
            const part = Math.floor(event.offsetY / cell) * across + Math.floor(event.offsetX / cell) + 1;
            const state = isConfirmed(parts, part) ? `confirmed ${agesOf(parts, part, part)}` : 'not sent yet';
            event.currentTarget.title = part <= parts.count ? `Part ${number(part)}: ${state}` : '';
          }}
        />
      </div>
      <details>
        <summary>As a table</summary>
        <table class="slim">
          <thead>
            <tr>
              <th scope="col">Parts</th>
              <th scope="col">State</th>
              <th scope="col">Since</th>
            </tr>
          </thead>
          <tbody>
            {gaps.slice(0, 500).map(([state, first, last]) => (
              <tr key={first}>
                <td class="figure">{first === last ? number(first) : `${number(first)} to ${number(last)}`}</td>
                <td>{state}</td>
                <td>{state === 'confirmed' ? agesOf(parts, first, last) : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}
