// What an operator does.
import {must} from './browser.mjs';

const dialog = (page) => page.getByRole('dialog');
const press = (page, name) => page.getByRole('button', {name, exact: true}).click();
const note = (page, text) => page.locator('.note').filter({hasText: text}).waitFor();

export async function queueAndSteer(world) {
  const page = await world.open('/storages?path=sestore4/jb');
  await page.getByRole('link', {name: 'films/'}).click();
  await page.getByLabel('Select file a.mp4').check();
  await page.getByLabel('Select file b.mp4').check();
  await press(page, 'Queue …');
  await dialog(page).getByText('Queue 2 files').waitFor();
  await press(dialog(page), 'Check');
  await dialog(page).getByText('will be queued.').waitFor();
  must((await world.ask('count')) === 1, 'the check alone has queued something');
  await press(dialog(page), 'Queue 2 files');
  await note(page, '2 uploads queued.');

  await page.getByRole('link', {name: 'Uploads', exact: true}).click();
  await page.getByRole('link', {name: 'a.mp4'}).click();
  await page.getByText('May the source be deleted?').waitFor();
  const first = page.locator('.first');
  await press(page, 'Pause');
  await first.getByText('paused').waitFor();
  await press(page, 'Resume');
  await first.getByText('queued', {exact: true}).waitFor();
  await press(page, 'Cancel');
  await press(dialog(page), 'No, go back');
  await first.getByText('queued', {exact: true}).waitFor();
  await press(page, 'Cancel');
  await press(dialog(page), 'Cancel the upload');
  await first.getByText('cancelled').waitFor();

  await page.getByRole('link', {name: 'Uploads', exact: true}).click();
  const row = page.getByRole('row').filter({hasText: 'b.mp4'});
  await row.getByRole('checkbox').check();
  await page.getByText('1 upload selected').waitFor();
  await press(page.locator('.bar'), 'Cancel');
  await dialog(page).getByRole('heading', {name: 'Cancel: 1 upload'}).waitFor();
  await press(dialog(page), 'Cancel 1');
  await row.getByText('cancelled').waitFor();
}

export async function retryAndCallback(world) {
  const page = await world.open('/uploads?state=failed');
  await page.getByText('3 in failed.').waitFor();
  await page.getByRole('row').nth(1).getByRole('checkbox').check();
  await press(page, 'Take all that match the filter');
  await press(page.locator('.bar'), 'Try again');
  await dialog(page).getByRole('heading', {name: 'Try again: 3 uploads'}).waitFor();
  await press(dialog(page), 'Try again 3');
  await note(page, 'Try again: 3 uploads.');

  await page.getByRole('link', {name: 'Callbacks', exact: true}).click();
  await page.getByRole('region', {name: 'Callbacks'}).getByRole('row').filter({hasText: 'HTTP 500'}).last().getByRole('link').first().click();
  await page.getByRole('cell', {name: 'HTTP 500'}).first().waitFor();
  await world.ask('mend');
  await press(page, 'Send again');
  await page.getByRole('cell', {name: 'HTTP 200'}).first().waitFor();
  await page.getByText('delivered').first().waitFor();
}

export async function bucketAndLimit(world) {
  const {endpoint, access_key, secret_key} = world.facts;
  const page = await world.open('/buckets');
  await press(page, 'Add a bucket');
  await page.getByLabel('Bucket required').fill('videos');
  await page.getByLabel('Region').fill('us-east-1');
  await page.getByLabel('Endpoint').fill(endpoint);
  await page.getByLabel('Access key').fill(access_key);
  await page.getByLabel('Secret key').fill(secret_key);
  await page.getByText('More settings').click();
  await page.getByLabel("The bucket's name stands in the path").check();
  await press(dialog(page), 'Add');
  await page.getByRole('heading', {name: 'videos'}).waitFor();
  await press(page, 'Check the bucket');
  const findings = page.getByRole('region', {name: 'Findings'});
  await findings.getByText('ok').first().waitFor();
  must((await findings.getByText('fails').count()) === 0, `the bucket is not well: ${await findings.innerText()}`);
  await page.getByText('"s3:PutObject"').waitFor();

  await page.getByRole('link', {name: 'Limits', exact: true}).click();
  await press(page, 'Set a limit');
  await page.getByLabel('Rate outside of the timetable').fill('50MB');
  await page.getByRole('textbox', {name: 'Paint with'}).fill('10MB');
  await page.getByRole('gridcell', {name: 'Mon 8:00 50MB'}).click();
  await page.keyboard.press('Shift+ArrowRight');
  await page.getByRole('gridcell', {name: 'Mon 9:00 10MB'}).waitFor();
  await press(dialog(page), 'Set');
  await note(page, 'is set. It holds from now on.');
  await page.reload();
  await page.getByTitle('Mon 9:00 10MB').waitFor();
  must((await page.getByTitle('Mon 10:00 50MB').count()) === 1, 'more hours than painted have the rate');
}

// A choice that is not among its list, or whose list comes late: what is seen is what is sent.
export async function choices(world) {
  const context = await world.newContext();
  let goOn;
  const held = new Promise((resolve) => (goOn = resolve));
  await context.route('**/api/v1/accounts*', (route) => held.then(() => route.continue()));
  const page = await world.open('/buckets', context);
  const shown = (label) => page.getByLabel(label, {exact: true}).evaluate((select) => select.selectedOptions[0].text);
  await press(page, 'Add a bucket');
  for (const [label, words] of [['Bucket required', 'late'], ['Region', 'us-east-1'], ['Access key', 'K'], ['Secret key', 'not-a-secret']]) await page.getByLabel(label).fill(words);
  must((await shown('Account')) === 'choose', `no account is known, but the form shows ${await shown('Account')}`);
  await press(dialog(page), 'Add'); // the browser asks for an account; nothing is sent
  goOn();
  await dialog(page).getByRole('option', {name: '158 jb'}).waitFor({state: 'attached'});
  must((await shown('Account')) === '158 jb', 'the account that came is not chosen');
  await press(dialog(page), 'Add');
  await page.getByRole('heading', {name: 'late'}).waitFor();

  await page.goto(world.facts.panel + 'uploads?bucket=gone');
  await page.getByText('0 uploads').or(page.getByText('No upload')).first().waitFor();
  must((await shown('Bucket')) === 'gone', `the list is of bucket gone, but its filter shows ${await shown('Bucket')}`);
}

// Shown once: closes only when it is stored, and is gone after.
async function takeSecret(page, name) {
  const close = dialog(page).getByRole('button', {name: 'Close', exact: true}).last();
  const text = await dialog(page).locator('.secret').last().innerText();
  must(text.length > 20, `${name}: ${text}`);
  await page.keyboard.press('Escape');
  must(await close.isDisabled(), `${name} may be closed before it is stored`);
  await page.getByLabel('I have stored it').check();
  await close.click();
  await dialog(page).waitFor({state: 'detached'});
  return text;
}

export async function keysAndPeople(world) {
  const page = await world.open('/accounts/158');
  const key = page.getByRole('region', {name: 'Keys'}).getByRole('row').last();
  await press(page, 'Make a key');
  await press(dialog(page), 'Make the key');
  const made = await takeSecret(page, 'the secret');
  await page.reload();
  await key.getByText('active').waitFor();
  must(!(await page.content()).includes(made), 'the secret is shown again');
  await press(key, 'Rotate');
  await press(dialog(page), 'Make a new secret');
  must((await takeSecret(page, 'the new secret')) !== made, 'the secret is the old one');
  await key.getByText('two secrets').waitFor();
  await press(key, 'Revoke');
  await press(dialog(page), 'Revoke the key');
  await key.getByText('revoked').waitFor();

  await page.getByRole('link', {name: 'Settings', exact: true}).click();
  await press(page, 'Invite a person');
  await page.getByLabel('Name required').fill('vera');
  await page.getByLabel('Role').selectOption('viewer');
  await press(dialog(page), 'Invite');
  const link = await takeSecret(page, 'the link');
  world.allow(401, '/api/v1/');
  const guest = await (await world.newContext('')).newPage();
  await guest.goto(link);
  await guest.getByText('You were invited as vera.').waitFor();
  await guest.getByLabel('Password required', {exact: true}).fill(world.facts.password);
  await guest.getByLabel('The password again').fill(world.facts.password);
  await press(guest, 'Begin');
  await guest.getByRole('heading', {name: 'Overview'}).waitFor();
  await guest.getByRole('link', {name: 'vera'}).click();
  await guest.getByText('You are vera, viewer.').waitFor();
}

export async function auditChain(world) {
  const page = await world.open('/audit');
  await press(page, 'Check the chain');
  await page.getByText(/^As it was written: \d+ lines in 1 file fit/).waitFor();
  await world.ask('edit');
  await press(page, 'Check the chain');
  await page.getByText(/^Not as it was written: line 1 of audit\.log was edited/).waitFor();
}
