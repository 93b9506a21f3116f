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
