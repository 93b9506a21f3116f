// An upload is seen moving.
import {must} from './browser.mjs';

const kParts = 8;

// Collects what the bars of the page say, from now on.
const watchBars = (page) =>
  page.evaluate(() => {
    globalThis.percents = [];
    const look = () => {
      const value = document.querySelector('main progress')?.value;
      if (value !== undefined && value !== globalThis.percents.at(-1)) globalThis.percents.push(value);
    };
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
  });

// Not waitForFunction(): it evaluates a text in the page, which the page's policy forbids.
async function mustShow(page, percent) {
  for (const end = Date.now() + 30_000; (await page.evaluate(() => globalThis.percents.at(-1) ?? 0)) < percent; ) {
    must(Date.now() < end, `${page.url()} did not come to ${percent} %`);
    await page.waitForTimeout(20);
  }
}

async function mustNotGoBack(page) {
  const percents = await page.evaluate(() => globalThis.percents);
  must(percents.every((one, i) => i === 0 || one > percents[i - 1]), `${page.url()} went back: ${percents}`);
}

export async function upload(world) {
  const list = await world.open('/uploads');
  const overview = await world.open('/');
  await list.getByText('No upload yet').waitFor();
  const id = await world.ask('queue');
  await list.getByRole('button', {name: /new uploads?: show/}).click();
  const row = list.getByRole('row').filter({hasText: 'film.mp4'});
  await row.getByText('queued').waitFor();
  const page = await world.open(`/uploads/${id}`);
  await page.getByText('Waits for its turn').waitFor();
  const pages = [list, page, overview];
  for (const one of pages) await watchBars(one);
  await world.ask('begin');

  await row.getByText('uploading').waitFor();
  await page.getByText('Attempt 1 goes on').waitFor();
  await overview.getByRole('listitem').filter({hasText: 'film.mp4'}).waitFor();
  for (let part = 1; part < kParts; part++) {
    await world.ask('confirm');
    for (const one of pages) await mustShow(one, (100 * part) / kParts - 1);
  }
  await page.getByText(/parts of .* are confirmed by the store/).waitFor();
  for (const one of pages) await mustNotGoBack(one);
  await world.ask('confirm');

  await row.getByText('completed').waitFor();
  await page.getByText('completed and verified').first().waitFor();
  await page.locator('.verdict.yes').waitFor();
  await page.getByText('The store computed the same checksum').waitFor();
  await page.getByText('delivered').first().waitFor();
  await page.getByRole('cell', {name: 'HTTP 200'}).waitFor();
  await list.getByRole('button', {name: 'completed 1'}).waitFor();
}

// The overview reads itself again each half minute anyway; the list of buckets does not.
export async function attention(world) {
  const overview = await world.open('/');
  const buckets = await world.open('/buckets');
  await overview.getByText('All is well').waitFor();
  await buckets.getByText('1 bucket; none needs a person.').waitFor();
  await world.ask('refuse');
  await overview.getByRole('heading', {name: 'Bucket videos refuses us: access denied.'}).waitFor({timeout: 15_000});
  await buckets.getByText('1 bucket needs a person.').waitFor();
  await buckets.getByRole('row').filter({hasText: 'videos'}).getByText('access denied').waitFor();
  await world.ask('mend');
  await overview.getByText('All is well').waitFor({timeout: 15_000});
  await buckets.getByText('1 bucket; none needs a person.').waitFor();
  await world.ask('add');
  await buckets.getByText('2 buckets; none needs a person.').waitFor();
}
