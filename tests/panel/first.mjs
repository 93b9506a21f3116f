// What stands between the reader and the first data of a page: two scripts, two requests, and the rows that fit the screen.
import {must} from './browser.mjs';

const watchFirst = (context) =>
  context.addInitScript(() => {
    const asked = [];
    const ask = globalThis.fetch;
    globalThis.fetch = (url, options) => {
      asked.push(new URL(url, location.href).pathname.replace('/api/v1', ''));
      return ask(url, options);
    };
    const watch = new MutationObserver(() => {
      if (!document.querySelector('.figures, .group .row')) return;
      watch.disconnect();
      const scripts = performance.getEntriesByType('resource').filter((one) => one.name.endsWith('.js'));
      globalThis.first = {asked: asked.sort().join(' '), scripts: scripts.length, rows: document.querySelectorAll('.group .row').length, below: document.querySelectorAll('.chart, .columns').length};
    });
    watch.observe(document, {childList: true, subtree: true});
  });

export async function data(world) {
  const context = await world.newContext();
  await world.open('/', context); // from now on this browser knows that somebody is signed in
  await watchFirst(context);

  const list = await world.open('/uploads', context);
  const rows = await list.evaluate(() => globalThis.first);
  must(rows.asked === '/session /uploads', `the first rows needed ${rows.asked}`);
  must(rows.scripts === 2, `the first rows needed ${rows.scripts} scripts`);
  must(rows.rows > 0 && rows.rows <= 15, `${rows.rows} rows were drawn at once for a screen of 800 px`);
  await list.waitForFunction((all) => document.querySelectorAll('.group .row').length === all, world.facts.uploads);
  await list.getByText(`0 running, 0 waiting, 0 failed.`).waitFor();

  const overview = await world.open('/', context);
  const facts = await overview.evaluate(() => globalThis.first);
  must(facts.asked === '/overview /session', `the first figures needed ${facts.asked}`);
  must(facts.scripts === 2, `the first figures needed ${facts.scripts} scripts`);
  must(facts.below === 0, 'the charts were drawn with the first figures');
  await overview.locator('.chart canvas').waitFor();
  await overview.getByRole('heading', {name: 'Errors, 24 h'}).waitFor();
}
