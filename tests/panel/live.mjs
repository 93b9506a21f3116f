// An upload is seen moving.
import {must} from './browser.mjs';

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

async function mustGrow(page, where) {
  const percents = await page.evaluate(() => globalThis.percents);
  must(percents.length >= 3, `${where} showed ${percents.length} steps only: ${percents}`);
  must(percents.every((one, i) => i === 0 || one > percents[i - 1]), `${where} went back: ${percents}`);
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
  for (const one of [list, overview, page]) await watchBars(one);
  await world.ask('begin');

  await row.getByText('uploading').waitFor();
  await page.getByText('Attempt 1 goes on').waitFor();
  await page.getByText(/parts of .* are confirmed by the store/).waitFor();
  await overview.getByRole('listitem').filter({hasText: 'film.mp4'}).waitFor();

  await row.getByText('completed').waitFor();
  await page.getByText('completed and verified').first().waitFor();
  await page.locator('.verdict.yes').waitFor();
  await page.getByText('The store computed the same checksum').waitFor();
  await page.getByText('delivered').first().waitFor();
  await page.getByRole('cell', {name: 'HTTP 200'}).waitFor();
  await list.getByRole('button', {name: 'completed 1'}).waitFor();
  await mustGrow(list, 'the list');
  await mustGrow(page, "the upload's page");
  await mustGrow(overview, 'the overview');
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
