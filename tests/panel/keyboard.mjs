// Everything without a mouse.
import {must, unfitFor} from './browser.mjs';

async function mustShowFocus(page, what) {
  const seen = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return document.activeElement !== document.body && (style.outlineStyle !== 'none' || style.boxShadow !== 'none');
  });
  must(seen, `the focus cannot be seen on ${what}`);
}

// Tab until the focus is on what has this name.
async function tabTo(page, name) {
  for (let i = 0; i < 60; ++i) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(() => document.activeElement.ariaLabel ?? document.activeElement.textContent.trim());
    if (here === name) return mustShowFocus(page, name);
  }
  throw new Error(`no way to ${name} by Tab`);
}

export async function all(world) {
  world.allow(401, '/api/v1/');
  const page = await (await world.newContext('')).newPage();
  const {keyboard} = page;
  await page.goto(world.facts.panel);
  await page.getByRole('heading', {name: 'Sign in to vodlift'}).waitFor();
  await page.locator('input:focus').waitFor();
  await mustShowFocus(page, 'the first field');
  await keyboard.type('root');
  await keyboard.press('Tab');
  await keyboard.type(world.facts.password);
  await keyboard.press('Enter');
  await page.locator('.connection.live').waitFor();

  await keyboard.press('?');
  await page.getByRole('dialog').getByText('next and previous row').waitFor();
  await keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({state: 'detached'});

  await keyboard.press('g');
  await keyboard.press('u');
  await page.getByRole('link', {name: 'b.mp4'}).waitFor();
  for (const key of ['j', 'j', 'k', 'j']) await keyboard.press(key);
  await page.locator('[data-row]:focus').filter({hasText: 'a.mp4'}).waitFor();
  await mustShowFocus(page, 'a row');
  await keyboard.press('x');
  await page.getByText('1 upload selected').waitFor();
  await keyboard.press('x');
  await page.getByText('1 upload selected').waitFor({state: 'detached'});
  await keyboard.press('Enter');
  await page.getByRole('heading', {name: 'a.mp4'}).waitFor();

  await tabTo(page, 'Cancel');
  await keyboard.press('Enter');
  await page.getByRole('dialog').getByText('Cancel this upload?').waitFor();
  await mustShowFocus(page, 'the answer that changes nothing');
  await tabTo(page, 'Cancel the upload');
  await keyboard.press('Enter');
  await page.locator('.first').getByText('cancelled').waitFor();

  await keyboard.press('/');
  await page.locator('#search:focus').waitFor();
  await keyboard.type(String(world.facts.other));
  await keyboard.press('Enter');
  await page.getByRole('heading', {name: 'b.mp4'}).waitFor();
  await page.goBack();
  await page.getByRole('heading', {name: 'a.mp4'}).waitFor();
}

// A bucket that two uploads use: drained, kept after all, and then removed with its uploads.
export async function remove(world) {
  for (const path of ['/api/v1/uses', '/api/v1/buckets/158/videos']) world.allow(404, path); // asked for until it is gone
  const page = await world.open('/buckets/158/videos', await world.newContext(undefined, {bypassCSP: true}));
  const {keyboard} = page;
  const dialog = page.getByRole('dialog');
  const begin = async () => {
    await page.getByRole('button', {name: 'Remove', exact: true}).waitFor();
    await tabTo(page, 'Remove');
    await keyboard.press('Enter');
    await dialog.getByText('It has 2 uploads (1 queued, 1 uploading).').waitFor();
  };
  await begin();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({colorScheme});
    const wrong = await unfitFor(page);
    must(wrong.length === 0, wrong.join('\n'));
  }
  await keyboard.press('Escape');
  await dialog.waitFor({state: 'detached'});
  must((await page.getByText('It is being removed').count()) === 0, 'a dialog that was closed has removed something');

  await begin();
  await tabTo(page, 'Remove');
  await keyboard.press('Enter');
  await page.getByText('It waits for 2 uploads (1 queued, 1 uploading).').waitFor();
  await tabTo(page, 'Keep it');
  await keyboard.press('Enter');
  await page.locator('.note').filter({hasText: 'Bucket videos stays.'}).waitFor();
  await page.getByText('It is being removed').waitFor({state: 'detached'});

  await begin();
  for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement.type)) !== 'radio'; ++i) await keyboard.press('Tab');
  await mustShowFocus(page, 'the choice');
  await keyboard.press('ArrowDown');
  await tabTo(page, 'Cancel 2 uploads and remove');
  await keyboard.press('Enter');
  await page.locator('.note').filter({hasText: '2 uploads cancelled.'}).waitFor();
  await world.ask('release');
  await page.locator('.note').filter({hasText: 'Bucket videos is removed.'}).waitFor();
  await page.getByRole('heading', {name: 'No bucket yet'}).waitFor();

  await page.goto(world.facts.panel + 'accounts/158');
  await page.getByRole('region', {name: 'Keys'}).getByRole('button', {name: 'Remove'}).click();
  await dialog.getByText('No upload or callback of it waits for its end.').waitFor();
  await tabTo(page, 'Remove');
  await keyboard.press('Enter');
  await page.getByRole('heading', {name: 'No key'}).waitFor();
}
