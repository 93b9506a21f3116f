// What each role sees.
import {must} from './browser.mjs';

const kPages = ['/', '/uploads', '/uploads/ID', '/storages?path=sestore4/jb', '/buckets', '/buckets/158/videos', '/callbacks', '/accounts', '/accounts/158', '/docs', '/settings'];
const kChanges = /^(Pause|Resume|Cancel|Try again|Priority|Queue|Add|Settings|Check the bucket|Only the policy|Set|Change$|Make a key|Rotate|Revoke|Remove|Send|Invite|Share|New)/;

async function go(page, path) {
  await page.goto(path);
  await page.locator('.connection.live').waitFor();
  await page.locator('main h1').waitFor();
  await page.locator('main [aria-busy=true]').first().waitFor({state: 'detached'});
}

export async function viewer(world) {
  const page = await world.open('/');
  for (const path of kPages) {
    await go(page, world.facts.panel + path.slice(1).replace('ID', world.facts.id));
    for (const name of await page.locator('main button, main a.button').allInnerTexts()) must(!kChanges.test(name.trim()), `${path} has a button "${name}"`);
    must((await page.locator('main').getByRole('alert').count()) === 0, `${path}: ${await page.locator('main').getByRole('alert').allInnerTexts()}`);
  }
  must((await page.getByRole('heading', {name: 'People'}).count()) === 0, 'a viewer sees people');
}

export async function customer(world) {
  const {own, others} = world.facts;
  const page = await world.open('/uploads');
  await page.getByRole('row').filter({hasText: 'mine.mp4'}).first().waitFor();
  must((await page.getByText('theirs.mp4').count()) === 0, 'the upload of another account is listed');
  must((await page.getByLabel('Account', {exact: true}).count()) === 0, 'a customer may choose accounts');
  must((await page.getByRole('link', {name: 'Limits', exact: true}).count()) === 0, 'a customer sees limits');
  await go(page, `${world.facts.panel}uploads/${own}`);
  await page.getByRole('button', {name: 'Try again'}).waitFor();
  for (const path of [`uploads/${others}`, 'accounts/159', 'buckets/159/videos', 'storages?path=sestore4/kb']) {
    world.allow(404, '/api/v1/');
    await go(page, world.facts.panel + path);
    await page.locator('main').getByRole('alert').first().waitFor();
    must(!(await page.locator('main').innerText()).includes('theirs'), `${path} shows what is another's`);
  }
  await go(page, `${world.facts.panel}accounts`);
  await page.getByRole('heading', {name: '158 jb'}).waitFor();
}

export async function operator(world) {
  world.allow(403, '/api/v1/people');
  const page = await world.open('/settings');
  await page.getByText('You are olga, operator.').waitFor();
  must((await page.getByRole('heading', {name: 'People'}).count()) === 0, 'an operator sees people');
  await go(page, `${world.facts.panel}accounts/158`);
  must((await page.getByRole('button', {name: /Make a key|Rotate|Revoke|Share/}).count()) === 0, 'an operator may change keys');
  const status = await page.evaluate(async () => (await fetch('/api/v1/people')).status);
  must(status === 403, `the API answers an operator who asks for people with ${status}`);
}
