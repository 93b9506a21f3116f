// How people come in.
import {must} from './browser.mjs';

const fill = (page, label, text) => page.getByLabel(label, {exact: true}).fill(text);
const kName = 'Name required';
const kPassword = 'Password required';

async function setUp(page, link, name, password) {
  await page.goto(link);
  await page.getByRole('heading', {name: 'Welcome to vodlift'}).waitFor();
  await fill(page, kName, name);
  await fill(page, kPassword, password);
  await fill(page, 'The password again required', password);
  await page.getByRole('button', {name: 'Begin'}).click();
}

async function signIn(page, name, password) {
  await fill(page, kName, name);
  await fill(page, kPassword, password);
  await page.getByRole('button', {name: 'Sign in'}).click();
}

const overview = (page) => page.getByRole('heading', {name: 'Overview'}).waitFor();

export async function firstAdmin(world) {
  const {link, panel, password} = world.facts;
  world.allow(401, '/api/v1/'); // before somebody is signed in
  world.allow(404, '/api/v1/setup');
  const page = await (await world.newContext('')).newPage();
  await setUp(page, link, 'root', password);
  await overview(page);
  must(page.url() === panel, `the token is still in the address: ${page.url()}`);
  await page.reload();
  await overview(page);

  await page.getByRole('link', {name: 'Settings'}).click();
  await page.getByText('You are root, admin.').waitFor();
  await page.getByRole('button', {name: 'Sign out'}).click();
  await page.getByRole('heading', {name: 'Sign in to vodlift'}).waitFor();

  const second = await (await world.newContext('')).newPage();
  await setUp(second, link, 'eve', password);
  await second.getByRole('alert').waitFor();
  await second.goto(panel);
  await second.getByRole('heading', {name: 'Sign in to vodlift'}).waitFor();

  await signIn(page, 'root', 'not the password at all');
  await page.getByRole('alert').waitFor();
  await signIn(page, 'nobody', password);
  await page.getByRole('alert').waitFor();
  await signIn(page, 'root', password);
  await page.getByText('You are root, admin.').waitFor();
}
