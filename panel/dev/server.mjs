// Serves dist/ as it lies there, and hands /api and /stable on to a real vodlift: for work on the pages without building
// the program.   node dev/server.mjs --to http://127.0.0.1:8080 [--port 8090]
// --to may also name the admin socket. There, nobody signs in: the mode of the socket's file is the credential.
// --rate N adds N changes of uploads a second to the event stream, to measure the list with.
import {existsSync, readFileSync} from 'node:fs';
import {createServer, request as ask} from 'node:http';

const option = (name, otherwise) => (process.argv.includes('--' + name) ? process.argv[process.argv.indexOf('--' + name) + 1] : otherwise);
const port = Number(option('port', '8090'));
const to = option('to', 'http://127.0.0.1:8080');
const rate = Number(option('rate', '0'));
const dist = new URL('../dist/', import.meta.url);
const where = to.startsWith('http') ? {host: new URL(to).hostname, port: new URL(to).port || 80} : {socketPath: to};

const kTypes = {html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml', json: 'application/json'};
const kHeaders = {
  'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'X-Content-Type-Options': 'nosniff',
};

// As if the page came from there: changes are taken from the server's own pages only.
function headersFor(request) {
  if (!to.startsWith('http')) return {...request.headers, host: 'vodlift'};
  return {...request.headers, host: new URL(to).host, ...(request.headers.origin ? {origin: new URL(to).origin} : {})};
}

function handOn(request, response) {
  const sent = ask({...where, method: request.method, path: request.url, headers: headersFor(request)}, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  sent.on('error', (error) => response.headersSent ? response.destroy() : response.writeHead(502, {'Content-Type': 'text/plain'}).end(`${to}: ${error.message}\n`));
  response.on('close', () => sent.destroy());
  request.pipe(sent);
}

const read = (path) => new Promise((resolve, reject) => {
  ask({...where, path, headers: {host: 'vodlift'}}, async (answer) => {
    let text = '';
    for await (const piece of answer) text += piece;
    resolve(JSON.parse(text));
  }).on('error', reject).end();
});

// Changes that never were, of uploads that are there.
const streams = new Set();
const uploads = [];
async function load(response) {
  response.writeHead(200, {'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store'});
  response.write(': begin\n\n');
  streams.add(response);
  response.on('close', () => streams.delete(response));
  for (let next = ''; uploads.length < 10_000 && next !== null; ) {
    const page = await read('/api/v1/uploads?limit=100' + (next ? `&cursor=${next}` : ''));
    uploads.push(...page.items);
    next = page.next;
  }
}
if (rate > 0) {
  setInterval(() => {
    for (let i = 0; i < rate / 50 && uploads.length > 0; ++i) {
      const upload = uploads[Math.floor(Math.random() * uploads.length)];
      const data = {...upload, state: 'uploading', finished: null, bytes_sent: Math.floor(Math.random() * upload.size), percent: Math.floor(Math.random() * 100)};
      for (const stream of streams) stream.write(`event: upload\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }, 20);
}

const server = createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/api/v1/events' && rate > 0) return void load(response);
  if (path === '/api/v1/session' && where.socketPath) return response.writeHead(200, {'Content-Type': 'application/json'}).end(JSON.stringify({name: 'operator', role: 'admin', cdn: null, csrf: '', expires: Math.floor(Date.now() / 1000) + 86_400}));
  if (/^\/(api|stable|dev)\//.test(path)) return handOn(request, response);
  if (!path.startsWith('/panel')) return response.writeHead(302, {Location: '/panel/'}).end();
  const name = path.slice('/panel/'.length);
  const known = /^(assets\/[\w.-]+|favicon\.svg)$/.test(name);
  if (known && !existsSync(new URL(name, dist))) return response.writeHead(404, {...kHeaders, 'Content-Type': 'text/plain; charset=utf-8'}).end('There is no such file.\n');
  const file = known ? name : 'index.html';
  const brotli = (request.headers['accept-encoding'] ?? '').includes('br');
  response.writeHead(200, {...kHeaders, 'Cache-Control': file.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache', 'Content-Type': kTypes[file.split('.').pop()], ...(brotli ? {'Content-Encoding': 'br'} : {})});
  response.end(readFileSync(new URL(file + (brotli ? '.br' : ''), dist)));
});
server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/panel/`));
