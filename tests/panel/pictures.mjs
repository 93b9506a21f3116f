// Pictures of all pages for docs/panel/: light, dark, and on a phone. tests/e2e/panel_pictures.py prepares what they show.
import {mkdirSync, writeFileSync} from 'node:fs';

const kFolder = new URL('../../docs/panel/', import.meta.url).pathname;
const kScreens = {light: [1280, 800, 'light'], dark: [1280, 800, 'dark'], phone: [390, 844, 'light']};
const kQuality = 60; // of 100

export async function all(world) {
  const {ids, panel, cookie} = world.facts;
  world.allow(401, '/api/v1/');
  const pages = {
    'sign-in': '', uploads: 'uploads', running: `uploads/${ids.running}`, completed: `uploads/${ids.completed}`, failed: `uploads/${ids.failed}`, storages: 'storages?path=sestore4/jb/films', buckets: 'buckets', bucket: 'buckets/158/films',
    limits: 'limits', callbacks: 'callbacks', account: 'accounts/158', docs: 'docs/aws.upload', rest: 'docs/upload.bulk', audit: 'audit', settings: 'settings', overview: '',
  };
  mkdirSync(kFolder, {recursive: true});
  for (const [screen, [width, height, colorScheme]] of Object.entries(kScreens)) {
    for (const [name, path] of Object.entries(pages)) {
      const context = await world.newContext(name === 'sign-in' ? '' : cookie, {viewport: {width, height}, colorScheme});
      const page = await context.newPage();
      await page.goto(panel + path);
      await page.locator('main h1').waitFor();
      if (name !== 'sign-in') await page.locator('.connection.live').waitFor({state: 'attached'});
      await page.locator('[aria-busy=true]').first().waitFor({state: 'detached'});
      // The figures are gathered every few seconds.
      for (const sums = page.getByText(/[1-9]\d* completed/).first(); name === 'overview' && !(await sums.waitFor({timeout: 2000}).then(() => true, () => false)); ) await page.reload();
      if (name === 'overview') await page.locator('.chart canvas').waitFor();
      if (name === 'bucket') {
        await page.getByRole('button', {name: 'Check the bucket'}).click();
        await page.getByRole('region', {name: 'Findings'}).waitFor();
      }
      await page.evaluate(() => scrollTo(0, 0));
      const session = await context.newCDPSession(page);
      const {data} = await session.send('Page.captureScreenshot', {format: 'webp', quality: kQuality});
      writeFileSync(`${kFolder}${name}-${screen}.webp`, Buffer.from(data, 'base64'));
      await context.close();
    }
  }
}
