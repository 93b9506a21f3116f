// Builds the panel into dist/: files with hashed names, each beside its compressed form, and index.html.
// Fails when the first load weighs more than it may.
import {createHash} from 'node:crypto';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {brotliCompressSync, constants} from 'node:zlib';
import {build} from 'esbuild';
import {reference} from './reference.mjs';
import {writeTypes} from './types.mjs';

const kMaxFirstLoad = 100 * 1024; // bytes, compressed
const kMaxScript = 60 * 1024; // the scripts among it

const root = new URL('./', import.meta.url).pathname;
const out = root + 'dist/';

const compressed = (bytes) => brotliCompressSync(bytes, {params: {[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length}});
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 8);

writeTypes();
rmSync(out, {recursive: true, force: true});
mkdirSync(out + 'assets', {recursive: true});

const docs = Buffer.from(JSON.stringify(reference()));
const docsName = `reference-${hash(docs)}.json`;

// Each page that is loaded later names the entry, so that all that the first page needs is one file: in a browser on a
// slow processor each request costs more than its bytes.
const firstInOne = {
  name: 'first-in-one',
  setup(builder) {
    const later = new Set();
    builder.onResolve({filter: /^\./}, async ({path, kind, importer, resolveDir, pluginData}) => {
      if (kind !== 'dynamic-import' || pluginData) return undefined;
      const found = await builder.resolve(path, {kind, importer, resolveDir, pluginData: true});
      later.add(found.path);
      return found;
    });
    builder.onLoad({filter: /\.tsx?$/}, ({path}) => (later.has(path) ? {contents: `${readFileSync(path, 'utf8')}\nimport '${root}src/main';`, loader: path.endsWith('x') ? 'tsx' : 'ts'} : undefined));
  },
};

const built = await build({
  absWorkingDir: root,
  plugins: [firstInOne],
  entryPoints: {app: 'src/main.tsx', style: 'src/style.css'},
  outdir: out + 'assets',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
  minify: true,
  legalComments: 'none',
  // For V8: compile all functions while the file arrives, beside the main thread, and not each one in it when it is first called.
  banner: {js: '//# allFunctionsCalledOnLoad'},
  jsx: 'automatic',
  jsxImportSource: 'preact',
  define: {REFERENCE: JSON.stringify('/panel/assets/' + docsName)},
  metafile: true,
  write: false,
});

const begin = await build({absWorkingDir: root, entryPoints: ['src/begin.ts'], bundle: true, format: 'iife', target: 'es2022', minify: true, write: false});

const files = new Map(built.outputFiles.map((file) => [file.path.slice(out.length), Buffer.from(file.contents)]));
files.set('assets/' + docsName, docs);
const beginBytes = Buffer.from(begin.outputFiles[0].contents);
files.set(`assets/begin-${hash(beginBytes)}.js`, beginBytes);
files.set('favicon.svg', readFileSync(root + 'src/favicon.svg'));

const named = (start) => [...files.keys()].find((name) => name.startsWith('assets/' + start));
const style = named('style-');
// The file that has the entry. What esbuild made of the entry itself only imports it.
const outputs = Object.entries(built.metafile.outputs).map(([name, one]) => [name.slice(name.indexOf('assets/')), one]);
const [app, {imports}] = outputs.find(([, one]) => 'src/main.tsx' in one.inputs && one.exports.length > 0);
if (imports.some((one) => one.kind === 'import-statement')) throw new Error('The first page needs more than one script.');
files.delete(named('app-'));
// The overview, where most people arrive, draws a chart.
const chart = named('chart-');
const index = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>vodlift</title>
<script src="/panel/${named('begin-')}"></script>
<link rel="icon" href="/panel/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/panel/${style}">
<script type="module" src="/panel/${app}"></script>
<body><div id="app"></div><noscript>This page needs JavaScript. The command line and the API do not: see <code>vodlift --help</code>.</noscript>
</html>
`;
files.set('index.html', Buffer.from(index));

const sizes = new Map();
for (const [name, bytes] of files) {
  const small = compressed(bytes);
  sizes.set(name, small.length);
  writeFileSync(out + name, bytes);
  writeFileSync(out + name + '.br', small);
}

const sum = (names) => [...names].reduce((total, name) => total + sizes.get(name), 0);
const all = sum(files.keys());
const script = sum([named('begin-'), app, chart]);
const firstLoad = script + sum([style, 'index.html', 'favicon.svg']);
for (const [name, size] of [...sizes].sort((a, b) => b[1] - a[1])) console.log(String(size).padStart(7), name);
console.log(`first load ${firstLoad} bytes, of ${kMaxFirstLoad}; its scripts ${script} bytes, of ${kMaxScript}; all files ${all} bytes`);
if (firstLoad > kMaxFirstLoad || script > kMaxScript) {
  console.error('The panel is too heavy.');
  process.exit(1);
}
