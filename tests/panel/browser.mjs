// Carries out one scenario of the Control Panel in Chromium:   node browser.mjs FILE SCENARIO
// tests/e2e/panel.py starts it. Standard input: one line with the facts as JSON; then one line for each answer.
// Standard output: a line that begins with U+0001, "NAME JSON", asks the test for something (World.ask); all other lines are for people.
//
// A scenario fails when the page reports an error, breaks its content security policy, opens a dialog of the browser, asks
// another host, or gets an answer of 400 or more that the scenario did not allow.
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

const require = createRequire(new URL('../../panel/package.json', import.meta.url));
const {chromium} = require('playwright-core');

const kFlags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const kWait = 30_000; // ms, for what is to be seen; the machine may be busy
const kLongest = 120_000; // ms, for a scenario
const kPictures = new URL('../../build/panel-pictures/', import.meta.url).pathname;

export const launch = () => chromium.launch({executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: kFlags});

export function must(good, what) {
  if (!good) throw new Error(what);
}

// Of axe-core: what is wrong with the page, one line each. The page's context needs bypassCSP, for axe's own scripts.
export async function unfitFor(page) {
  await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const {violations} = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}));
  return violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
}

export class World {
  faults = [];
  allowed = [];
  contexts = [];

  constructor(browser, facts, lines) {
    this.browser = browser;
    this.facts = facts;
    this.lines = lines;
    this.host = new URL(facts.panel).host;
  }

  // Asks the test, which answers with what its function of that name returned.
  async ask(name, ...words) {
    console.log(`\u0001${name} ${JSON.stringify(words)}`);
    const {value} = await this.lines.next();
    return JSON.parse(value);
  }

  // Answers of `status` to requests whose path begins with `path` are no fault.
  allow(status, path) {
    this.allowed.push([status, path]);
  }

  // A browser of somebody's own: signed in with `cookie`, or not at all.
  async newContext(cookie = this.facts.cookie, options = {}) {
    const context = await this.browser.newContext({viewport: {width: 1280, height: 800}, locale: 'en-GB', ...options});
    context.setDefaultTimeout(kWait);
    if (cookie) {
      const [name, value] = cookie.split('=');
      await context.addCookies([{name, value, url: this.facts.panel.replace('/panel/', '/')}]);
    }
    await context.addInitScript(() => addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`)));
    this.watch(context);
    this.contexts.push(context);
    return context;
  }

  watch(context) {
    const fault = (what) => this.faults.push(what);
    // What could not be loaded is judged where the answer comes in.
    context.on('console', (message) => message.type() === 'error' && !message.text().startsWith('Failed to load resource') && fault(`console: ${message.text()}`));
    context.on('weberror', (error) => fault(`error in the page: ${error.error().stack}`));
    context.on('request', (request) => /^(http|ws)s?:/.test(request.url()) && new URL(request.url()).host !== this.host && fault(`request to ${request.url()}`));
    context.on('requestfailed', (request) => request.failure()?.errorText !== 'net::ERR_ABORTED' && fault(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`));
    context.on('response', (response) => {
      const {pathname} = new URL(response.url());
      if (response.status() >= 400 && !this.allowed.some(([status, path]) => status === response.status() && pathname.startsWith(path))) fault(`${response.request().method()} ${pathname}: ${response.status()}`);
    });
    context.on('page', (page) => {
      page.on('crash', () => fault('the page crashed'));
      page.on('dialog', (dialog) => {
        fault(`dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
    });
  }

  // Opens a page below /panel and waits until it is live.
  async open(path, context) {
    const page = await (context ?? this.contexts[0] ?? (await this.newContext())).newPage();
    await page.goto(this.facts.panel + path.slice(1));
    await page.locator('.connection.live').waitFor({state: 'attached'});
    return page;
  }

  async tell(name) {
    mkdirSync(kPictures, {recursive: true});
    for (const page of this.contexts.flatMap((context) => context.pages())) {
      const file = `${kPictures}${name}-${this.contexts.flatMap((context) => context.pages()).indexOf(page)}.png`;
      await page.screenshot({path: file, timeout: 5000}).catch(() => undefined);
      const text = await page.locator('body').innerText({timeout: 2000}).catch(() => '');
      console.log(`--- ${page.url()}, ${file}\n${text.slice(0, 4000)}`);
    }
  }
}

async function main([file, name]) {
  const lines = createInterface({input: process.stdin})[Symbol.asyncIterator]();
  const facts = JSON.parse((await lines.next()).value);
  const scenario = (await import(new URL(file, import.meta.url).href))[name];
  const browser = await launch();
  const world = new World(browser, facts, lines);
  let failed = false;
  const tooLong = new Promise((_, reject) => setTimeout(() => reject(new Error('the scenario takes too long')), kLongest));
  try {
    await Promise.race([scenario(world), tooLong]);
    // What came last shall be told, too.
    for (const page of world.contexts.flatMap((context) => context.pages())) await page.evaluate(() => 0);
  } catch (error) {
    failed = true;
    console.log(error.stack);
  }
  for (const fault of world.faults) console.log(`FAULT ${fault}`);
  failed ||= world.faults.length > 0;
  if (failed) await world.tell(`${file.replace('.mjs', '')}-${name}`);
  await browser.close();
  process.exit(failed ? 1 : 0);
}

// Not awaited: the scenarios import this file.
if (process.argv[1] === new URL(import.meta.url).pathname) void main(process.argv.slice(2));
