// Each page in both themes and on a phone: axe-core finds nothing, and nothing is too wide.
import {must, unfitFor} from './browser.mjs';

async function look(world, paths) {
  world.allow(401, '/api/v1/');
  const context = await world.newContext(undefined, {bypassCSP: true});
  const page = await world.open('/', context);
  const wrong = [];
  for (const path of paths) {
    await page.setViewportSize({width: 1280, height: 800});
    await page.goto(world.facts.panel + path);
    await page.locator('main h1').waitFor();
    await page.locator('[aria-busy=true]').first().waitFor({state: 'detached'});
    for (const [name, width, colorScheme] of [['light', 1280, 'light'], ['dark', 1280, 'dark'], ['phone', 390, 'dark']]) {
      await page.setViewportSize({width, height: 800});
      await page.emulateMedia({colorScheme});
      wrong.push(...(await unfitFor(page)).map((one) => `/${path} ${name}: ${one}`));
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) wrong.push(`/${path} ${name}: ${over} px too wide`);
    }
  }
  must(wrong.length === 0, wrong.join('\n'));
}

export const uploads = (world) => look(world, ['', '?wall=1', 'uploads', 'uploads?state=failed', `uploads/${world.facts.completed}`, `uploads/${world.facts.failed}`, 'storages?path=sestore4/jb', 'buckets', 'buckets/158/videos']);
export const others = (world) => look(world, ['limits', 'callbacks', `callbacks/1`, 'accounts', 'accounts/158', 'docs', 'docs/aws.upload', 'docs/upload.bulk', 'audit', 'settings', 'setup#token', 'no/such/page']);
