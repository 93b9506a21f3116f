// Everything without a mouse.
import {must} from './browser.mjs';

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
