// Takes a picture of each page, light and dark, wide and as on a phone, and asks axe-core about each.
//   PANEL=http://127.0.0.1:8080/panel NAME=anna PASSWORD=… node dev/look.mjs [FOLDER] [--pages uploads,upload] ; CHROMIUM
// names the browser.
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {chromium} from 'playwright-core';

const folder = process.argv[2] ?? 'pictures';
const only = process.argv.includes('--pages') ? process.argv[process.argv.indexOf('--pages') + 1].split(',') : null;
const base = process.env.PANEL ?? 'http://127.0.0.1:8090/panel';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
mkdirSync(folder, {recursive: true});

const kPages = {
  overview: '/', uploads: '/uploads', failed: '/uploads?state=failed', upload: '/uploads/3', running: 'running', storages: '/storages?path=sestore4/jb', buckets: '/buckets', bucket: '/buckets/158/films', limits: '/limits',
  callbacks: '/callbacks', callback: '/callbacks/11', accounts: '/accounts', account: '/accounts/158', minute: '/docs', docs: '/docs/aws.upload', rest: '/docs/upload.bulk', audit: '/audit', settings: '/settings', setup: '/setup#token', invited: '/setup?for=anna#token', wall: '/?wall=1',
};
const kScreens = {light: [1440, 900, 'light'], dark: [1440, 900, 'dark'], phone: [390, 844, 'light'], 'phone-dark': [390, 844, 'dark']};

const browser = await chromium.launch({executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']});
let bad = 0;
let storageState;
if (process.env.NAME) {
  const page = await browser.newPage();
  await page.goto(base + '/');
  await page.getByLabel('Name').fill(process.env.NAME);
  await page.getByLabel('Password').fill(process.env.PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.frame');
  storageState = await page.context().storageState();
}
for (const [screen, [width, height, colorScheme]] of Object.entries(kScreens)) {
  // The scripts of axe need to get past the policy of the page; violations of the panel itself are looked for without it.
  const context = await browser.newContext({viewport: {width, height}, locale: 'en-GB', colorScheme, storageState, bypassCSP: true});
  for (const [name, path] of Object.entries(kPages)) {
    if (only && !only.includes(name)) continue;
    const page = await context.newPage();
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && (++bad, console.log(`${name} ${screen}: ${message.text()}`)));
    page.on('pageerror', (error) => (++bad, console.log(`${name} ${screen}: ${error.stack}`)));
    let to = path;
    if (path === 'running') {
      const found = await (await context.request.get(base.replace('/panel', '/api/v1/uploads?state=uploading&limit=1'))).json();
      to = `/uploads/${found.items?.[0]?.id ?? 1}`;
    }
    await page.goto(base + to);
    await page.waitForLoadState('load');
    await page.waitForTimeout(900);
    await page.screenshot({path: `${folder}/${name}-${screen}.png`, fullPage: false});
    if (process.argv.includes('--full')) await page.screenshot({path: `${folder}/${name}-${screen}-full.png`, fullPage: true});
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) ++bad, console.log(`${name} ${screen}: ${wide} px too wide`);
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}));
    for (const one of found.violations) {
      ++bad;
      console.log(`${name} ${screen}: ${one.id} (${one.nodes.length}): ${one.nodes.slice(0, 2).map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')).join(' | ')}`);
    }
    await page.close();
  }
  await context.close();
}
await browser.close();
console.log(bad === 0 ? 'nothing to mend' : `${bad} things to mend`);
