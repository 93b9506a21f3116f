// Receives vodlift's callbacks. Run behind a web server that ends TLS: WEBHOOK_SECRETS="whsec_…" PORT=8000 node receiver.mjs
// While your secret is replaced, WEBHOOK_SECRETS has both, with a space between them.
import {createServer} from 'node:http';
import {verify, VodliftError} from '../node/vodlift.mjs';

const SECRETS = process.env.WEBHOOK_SECRETS.split(' ');
const MOST_BYTES = 1024 * 1024;

const server = createServer({requestTimeout: 15_000}, async (request, response) => {
  const answer = (status) => response.writeHead(status).end();
  const chunks = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      if ((size += chunk.length) > MOST_BYTES) return answer(413);
      chunks.push(chunk);
    }
    const event = verify(request.headers, Buffer.concat(chunks), SECRETS);
    // Do your work here, once for each webhook-id: a callback may come again. Then answer; any 2xx ends it.
    console.log(`upload ${event.data.id}: ${event.message}`);
    answer(204);
  } catch (error) {
    console.log(String(error));
    answer(error instanceof VodliftError ? 401 : 500);
  }
});
server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}/`));
