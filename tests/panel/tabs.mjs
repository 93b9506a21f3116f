// Ten tabs of one browser share one stream of events.
import {must} from './browser.mjs';

export async function ten(world) {
  const context = await world.newContext();
  const streams = new Set();
  let begun = 0;
  context.on('request', (request) => {
    if (!request.url().endsWith('/api/v1/events')) return;
    ++begun;
    streams.add(request);
    if (streams.size > 1) world.faults.push(`${streams.size} streams at once`);
  });
  for (const event of ['requestfinished', 'requestfailed']) context.on(event, (request) => streams.delete(request));
  const tabs = [];
  const close = async (tab) => {
    await tab.close();
    for (const request of streams) if (request.frame().page() === tab) streams.delete(request);
  };
  for (let i = 0; i < 10; ++i) tabs.push(await world.open('/uploads', context));
  must(begun === 1, `ten tabs began ${begun} streams`);
  await world.ask('queue');
  for (const tab of tabs) await tab.getByRole('button', {name: '1 new upload: show'}).waitFor();

  const next = context.waitForEvent('request', (request) => request.url().endsWith('/api/v1/events'));
  await close(tabs.shift());
  await next;
  await tabs[0].locator('.connection.live').waitFor();
  await world.ask('queue');
  for (const tab of tabs) await tab.getByRole('button', {name: '2 new uploads: show'}).waitFor();
  must(begun === 2 && streams.size === 1, `${begun} streams were begun, ${streams.size} are open`);
}
