// Tests of what needs no browser: node --test test.mjs
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {build} from 'esbuild';
import {reference} from './reference.mjs';
import {readApi, writeTypes} from './types.mjs';

writeTypes();
// What the modules expect of a browser.
globalThis.setInterval = () => 0;
globalThis.location = {pathname: '/panel/', search: '', origin: 'http://127.0.0.1:8080'};
globalThis.addEventListener = () => {};
globalThis.document = {documentElement: {dataset: {}}};
globalThis.BroadcastChannel = class {};

async function load(file) {
  const built = await build({entryPoints: [new URL(file, import.meta.url).pathname], bundle: true, write: false, format: 'esm', jsx: 'automatic', jsxImportSource: 'preact', define: {REFERENCE: '""'}, logLevel: 'silent'});
  return import('data:text/javascript;base64,' + Buffer.from(built.outputFiles[0].contents).toString('base64'));
}

test('bytes have three digits and a binary unit', async () => {
  const {bytes} = await load('src/format.ts');
  assert.deepEqual([0, 999, 1000, 1024, 1048576, 41231686041, 2 ** 53].map(bytes), ['0 B', '999 B', '0.98 KiB', '1.00 KiB', '1.00 MiB', '38.4 GiB', '8.00 PiB']);
});

test('numbers have commas, and a date has its zone', async () => {
  const {absolute, number} = await load('src/format.ts');
  assert.deepEqual([0, 999, 1000, 1234567, -1000, 1234.5678].map(number), ['0', '999', '1,000', '1,234,567', '-1,000', '1,234.5678']);
  assert.match(absolute(1_700_000_000), /^1[45] Nov 2023, \d\d:\d\d:20 \S+$/);
});

test('durations and times', async () => {
  const {duration, relative} = await load('src/format.ts');
  assert.deepEqual([0, 59, 61, 3599, 3840, 90_000].map(duration), ['0 s', '59 s', '1 min 01 s', '59 min', '1 h 04 min', '1 d 1 h']);
  assert.equal(relative(100, 160), '1 min ago');
  assert.equal(relative(160, 100), 'in 1 min');
  assert.equal(relative(100, 102), 'now');
});

test("what does not fit is cut before a file's name, or in the middle of a long one", async () => {
  const {cutAt} = await load('src/format.ts');
  const cut = (path) => [path.slice(0, cutAt(path)), path.slice(cutAt(path))];
  assert.deepEqual(cut('film.mp4'), ['', 'film.mp4']);
  assert.deepEqual(cut('videos/2026/film.mp4'), ['videos/2026', '/film.mp4']);
  assert.deepEqual(cut('x'.repeat(40) + '-episode-12.mp4'), ['x'.repeat(39), 'x-episode-12.mp4']);
});

test("a long path is cut in its middle, and never in the file's name", async () => {
  const {shortPath} = await load('src/format.ts');
  assert.equal(shortPath('a/b.mp4'), 'a/b.mp4');
  assert.equal(shortPath('sestore4/jb/one/two/three/film.mp4', 24), 'sestore4/jb/on…/film.mp4');
  assert.match(shortPath('a/' + 'x'.repeat(90) + '.mp4'), /^…\/x{90}\.mp4$/);
});

test('fields go into the path, and then into the query or the body', async () => {
  const {requestOf} = await load('src/api.ts');
  assert.deepEqual(requestOf('bucket.show', {cdn: 158, bucket: 'a/b'}), {method: 'GET', url: '/api/v1/buckets/158/a%2Fb', body: undefined});
  assert.equal(requestOf('upload.list', {state: ['failed', 'queued'], text: 'a&b', cursor: undefined}).url, '/api/v1/uploads?state=failed%2Cqueued&text=a%26b');
  assert.deepEqual(requestOf('upload.set', {id: 17, priority: 9}), {method: 'PATCH', url: '/api/v1/uploads/17', body: {priority: 9}});
});

test('every operation has a route', async () => {
  const {requestOf} = await load('src/api.ts');
  const {routes} = await load('src/schema.ts');
  for (const [path, item] of Object.entries(readApi().paths)) {
    for (const [method, one] of Object.entries(item)) {
      if (method === 'parameters') continue;
      assert.equal(routes[one.operationId], `${method.toUpperCase()} ${path}`);
      assert.equal(requestOf(one.operationId, {}).method, method.toUpperCase());
    }
  }
});

test('windows of a timetable are read as the server writes them', async () => {
  const {readWindow} = await load('src/pages/week.tsx');
  const days = (text) => readWindow(text)?.days.map(Number).join('');
  assert.equal(days('Mon-Fri 08:00-18:00 10MB'), '1111100');
  assert.equal(days('Sat,Sun 00:00-24:00 none'), '0000011');
  assert.equal(days('Sat-Mon 00:00-24:00 none'), '1000011');
  assert.equal(days('daily 22:00-06:00 none'), '1111111');
  assert.equal(readWindow('Mon-Fri 08:00-18:00 10MB').rate, '10MB');
  assert.equal(readWindow('Foo 08:00-18:00 10MB'), null);
});

test('a grid of hours becomes the fewest windows, and they become the same grid', async () => {
  const {gridOf, readWindow, windowsOf, writeWindow} = await load('src/pages/week.tsx');
  const windows = ['Mon-Fri 08:00-18:00 10MB', 'daily 22:00-06:00 none'].map(readWindow);
  const grid = gridOf('50MB', windows);
  assert.equal(grid[0].slice(6, 9).join(' '), '50MB 50MB 10MB');
  assert.equal(grid[6][23], 'none');
  const written = windowsOf(grid, '50MB').map(writeWindow);
  assert.deepEqual(written, ['daily 00:00-06:00 none', 'Mon,Tue,Wed,Thu,Fri 08:00-18:00 10MB', 'daily 22:00-24:00 none']);
  assert.deepEqual(gridOf('50MB', written.map(readWindow)), grid);
  assert.deepEqual(windowsOf(gridOf('50MB', []), '50MB'), []);
});

test('a body is laid out without a change of its values', async () => {
  const {laidOut} = await load('src/pages/deliveries.tsx');
  assert.equal(laidOut('{"id":9007199254740993,"a":["x,{","\\"}"]}'), '{\n  "id": 9007199254740993,\n  "a": [\n    "x,{",\n    "\\"}"\n  ]\n}');
  assert.equal(laidOut('no json'), 'no json');
});

test('the documentation has every command of the page that is implemented, and every operation', () => {
  const {legacy, rest} = reference();
  assert.deepEqual(legacy.commands.map((one) => one.name), ['aws.upload', 'aws.status', 'aws.cancel', 'aws.pause', 'aws.resume', 'aws.retry', 'files.getstorage', 'files.list']);
  assert.equal(legacy.commands[0].fields.length, 14);
  assert.match(legacy.commands[0].result, /^the upload's id/);
  assert.equal(legacy.codes.length, 13);
  assert.deepEqual(rest.operations.map((one) => one.name), Object.values(readApi().paths).flatMap((path) => Object.values(path).map((one) => one.operationId).filter(Boolean)));
});
