// Texts that others wrote are shown as they are, and do nothing.
import {readFileSync} from 'node:fs';
import {must} from './browser.mjs';

async function mustShow(page, path, text) {
  await page.goto(path);
  await page.locator('.connection.live').waitFor();
  await page.locator('main').getByText(text, {exact: false}).or(page.locator(`main [title*=${JSON.stringify(text)}]`)).first().waitFor({state: 'attached'});
}

export async function texts(world) {
  const {panel, ids, name, message, key, bucket} = world.facts;
  const page = await world.open('/');
  await mustShow(page, `${panel}uploads`, name);
  await mustShow(page, `${panel}uploads/${ids.failed}`, message);
  await page.getByText('The request as it came').click();
  await page.locator('pre').filter({hasText: world.facts.metadata}).last().waitFor();
  await mustShow(page, `${panel}uploads/${ids.completed}`, key);
  await mustShow(page, `${panel}storages?path=sestore4/jb`, name);
  await mustShow(page, `${panel}callbacks`, world.facts.callback);
  await mustShow(page, `${panel}uploads?${new URLSearchParams({text: name})}`, name);
  await mustShow(page, `${panel}buckets/158/${bucket}`, bucket);
  await mustShow(page, `${panel}?${new URLSearchParams({range: '<img src=x onerror=alert(1)>'})}`, 'Throughput');
  for (const path of ['audit', 'settings', `audit?${new URLSearchParams({who: name})}`, `no/${encodeURIComponent(name)}`, `setup?${new URLSearchParams({for: name})}`]) {
    await page.goto(panel + path);
    await page.locator('main h1').waitFor();
  }
  await mustShow(page, `${panel}audit`, world.facts.metadata);
  await mustShow(page, `${panel}settings`, world.facts.metadata);
  for (const path of ['', 'uploads', `uploads/${ids.failed}`, `uploads/${ids.completed}`, 'audit', 'settings', 'callbacks']) {
    await page.goto(panel + path);
    await page.locator('.connection.live').waitFor();
    must((await page.locator('main img, main script, main iframe, main marquee, main svg[onload]').count()) === 0, `/${path}: a foreign text became an element`);
  }

  await page.goto(`${panel}uploads`);
  await page.getByRole('row').nth(1).waitFor();
  const saving = page.waitForEvent('download');
  await page.getByRole('button', {name: 'CSV'}).click();
  const saved = readFileSync(await (await saving).path(), 'utf8');
  must(saved.includes(`"'=cmd|`), `the formula is as it was: ${saved}`);
  must(!/(^|,)"?[=+@]/m.test(saved), `a cell begins as a formula: ${saved}`);
}
