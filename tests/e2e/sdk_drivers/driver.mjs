// As driver.py, with sdk/node/vodlift.mjs.
import {inspect} from 'node:util';

const {Vodlift, VodliftError, verify} = await import(`${process.env.SDK}/node/vodlift.mjs`);
let text = '';
for await (const piece of process.stdin) text += piece;
const {url, cdn, api_key: apiKey, secret, timeout, retries, calls} = JSON.parse(text);
const client = new Vodlift({url, cdn, apiKey, secret, timeout, retries});
const dump = (what) => inspect(what, {depth: 9, showHidden: true});
for (const [name, ...rest] of calls) {
  try {
    const result = name === 'dump' ? dump(client) : await (name === 'verify' ? verify(...rest) : client[name](...rest));
    console.log(JSON.stringify({result}));
  } catch (error) {
    if (!(error instanceof VodliftError)) throw error;
    console.log(JSON.stringify({code: error.code, message: error.message, retryable: error.retryable, dump: dump(error)}));
  }
}
