// Draws throughput and ends of uploads over time.
import uPlot from 'uplot';
import {bytes} from '../format';
import type {Operations} from '../schema';

type Statistics = Operations['statistics.show']['answer'];

// Steps of time, how the labels look, and how where a day begins.
const kTimes: (string | number | null)[][] = [
  [86_400, '{D} {MMM}', null, null, null, null, null, null, 1],
  [60, '{HH}:{mm}', null, null, '\n{D} {MMM}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', null, null, '\n{D} {MMM}', null, null, null, 1],
];
const kSteps = Array.from({length: 60}, (_, i) => 2 ** i); // of bytes per second, so that labels are round

export function draw(into: HTMLElement, data: Statistics): () => void {
  const style = getComputedStyle(into);
  const color = (name: string) => style.getPropertyValue('--' + name).trim();
  const axis = {stroke: color('faint'), grid: {stroke: color('line'), width: 1}, ticks: {show: false}, font: '12px system-ui'};
  const column = (read: (slot: Statistics['items'][number]) => number | null) => data.items.map(read);
  const bars = uPlot.paths.bars?.({size: [0.6, 24]});
  const size = () => ({width: into.clientWidth, height: into.closest('.wall') ? 360 : 220});
  const plot = new uPlot(
    {
      ...size(),
      cursor: {y: false, points: {size: 6}},
      legend: {live: true},
      scales: {n: {range: (_, __, most) => [0, Math.max(4, most * 3)]}, y: {range: (_, __, most) => [0, most * 1.1 || 1]}},
      axes: [{...axis, values: kTimes}, {...axis, size: 80, incrs: kSteps, values: (_, all) => all.map((value) => bytes(value) + '/s')}, {...axis, scale: 'n', side: 1, size: 40, grid: {show: false}, values: (_, all) => all.map((value) => (Number.isInteger(value) ? String(value) : ''))}],
      series: [
        {},
        {label: 'Sent', stroke: color('uploading'), fill: color('uploading-soft'), width: 1.5, value: (_, value) => (value === null ? '–' : bytes(value) + '/s'), points: {show: false}},
        {label: 'Completed', scale: 'n', stroke: color('completed'), width: 1, points: {show: false}},
        {label: 'Failed', scale: 'n', stroke: color('failed'), fill: color('failed'), width: 0, paths: bars, points: {show: false}},
        {label: 'Waiting at most', scale: 'n', stroke: color('queued'), width: 1, dash: [4, 4], points: {show: false}},
      ],
    },
    [data.items.map((slot) => slot.begins), column((slot) => slot.bytes_sent / data.slot_s), column((slot) => slot.completed), column((slot) => slot.failed || null), column((slot) => slot.most_queued)],
    into,
  );
  const watch = new ResizeObserver(() => plot.setSize(size()));
  watch.observe(into);
  return () => {
    watch.disconnect();
    plot.destroy();
  };
}
