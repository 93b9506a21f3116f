// A client of vodlift: signs calls, waits for uploads, verifies callbacks. Node.js 18 or newer, no packages.

import {createHmac, createSecretKey, timingSafeEqual} from 'node:crypto';
import {setTimeout as sleep} from 'node:timers/promises';

const ENDED = ['completed', 'failed', 'cancelled'];
const WINDOW_S = 240; // the same signed bytes are sent again for this long; the server takes them for 300 s
const MOST_BYTES = 16 * 1024 * 1024; // of an answer
const now = () => performance.now() / 1000;

// `code`: four digits of the server, or "network", "answer", "http_NNN", "timeout" (of wait), "callback" (of verify).
// `retryable`: the same call may succeed later. `retryAfter`: seconds that the server asks to wait; 0: it did not ask.
export class VodliftError extends Error {
  constructor(code, message, retryable = false, retryAfter = 0) {
    super(`${code}: ${message}`);
    Object.assign(this, {name: 'VodliftError', code, retryable, retryAfter});
  }
}

export class Vodlift {
  #url; #cdn; #apiKey; #key; #timeout; #retries;

  // `url` ends with /stable/. `timeout`: seconds for one attempt. `retries`: attempts after the first.
  constructor({url, cdn, apiKey, secret, timeout = 30, retries = 4}) {
    this.#url = url;
    this.#cdn = cdn;
    this.#apiKey = apiKey;
    this.#key = createSecretKey(secret, 'utf8');
    this.#timeout = timeout;
    this.#retries = retries;
  }

  // The answer's `data`. Throws VodliftError. Sends the same bytes again where that can help: it never acts twice.
  call(command, fields = {}) {
    return this.#call(command, fields, now() + WINDOW_S);
  }

  // Queues a file; gives the upload's id. `options`: other fields, such as metadata, callback and priority.
  upload(path, destinationPath, bucket, options = {}) {
    return this.call('aws.upload', {path, destination_path: destinationPath, bucket, ...options});
  }

  // The upload object of one id; of an array of ids, an array of those that exist, newest first.
  async status(ids) {
    const uploads = await this.call('aws.status', {id: ids});
    return Array.isArray(ids) ? uploads : uploads[0];
  }

  // The upload object when the upload has ended: look at its `state`. Throws "timeout" after `timeout` seconds.
  async wait(id, timeout = 3600) {
    const deadline = now() + timeout;
    for (let pause = 0.5; ; pause = Math.min(pause * 1.5, 10)) {
      let asked = 0;
      try {
        const [upload] = await this.#call('aws.status', {id}, Math.min(deadline, now() + WINDOW_S));
        if (ENDED.includes(upload.state)) return upload;
      } catch (error) {
        if (!error.retryable) throw error;
        asked = error.retryAfter;
      }
      const left = deadline - now();
      if (left <= 0) throw new VodliftError('timeout', `upload ${id} has not ended within ${timeout} s`, true);
      await sleep(1000 * Math.min(Math.max(pause, asked), left));
    }
  }

  async #call(command, fields, deadline) {
    const timestamp = Math.floor(Date.now() / 1000);
    const text = this.#sign({command, api_key: this.#apiKey, timestamp, cdn: this.#cdn, ...fields});
    for (let attempt = 0; ; ++attempt) {
      try {
        return await this.#post(text, Math.max(1, Math.min(this.#timeout, deadline - now())));
      } catch (error) {
        const pause = Math.max(error.retryAfter, (0.5 + Math.random() / 2) * Math.min(8, 0.5 * 2 ** attempt));
        if (!error.retryable || attempt >= this.#retries || now() + pause >= deadline) throw error;
        await sleep(1000 * pause);
      }
    }
  }

  #sign(request) {
    // The server takes integers as digits in a string too; a BigInt has no other form in JSON.
    const text = JSON.stringify(request, (_, value) => typeof value === 'bigint' ? String(value) : value);
    const signature = createHmac('sha256', this.#key).update(text).digest('base64');
    return `${text.slice(0, -1)},"signature":"${signature}"}`;
  }

  async #post(text, timeout) {
    const signal = AbortSignal.timeout(Math.ceil(1000 * timeout)); // takes whole numbers only
    const request = new Request(this.#url, {method: 'POST', body: new URLSearchParams({json: text}), redirect: 'manual', signal});
    const chunks = [];
    let response, size = 0;
    try {
      response = await fetch(request);
      for await (const chunk of response.body ?? []) {
        chunks.push(chunk);
        if ((size += chunk.length) > MOST_BYTES) throw new VodliftError('answer', 'the answer is too large');
      }
    } catch (error) {
      if (error instanceof VodliftError) throw error;
      throw new VodliftError('network', `no answer: ${error.cause?.message || error.message}`, true);
    }
    return dataOf(response, Buffer.concat(chunks).toString());
  }
}

function dataOf({status, headers}, text) {
  const retryAfter = /^[0-9]{1,6}$/.test(headers.get('retry-after') ?? '') ? Number(headers.get('retry-after')) : 0;
  const transient = [408, 429].includes(status) || status >= 500;
  let answer;
  try {
    answer = JSON.parse(text);
  } catch { /* said below */ }
  if (answer?.status === 'success') return answer.data;
  if (!answer?.code) {
    throw new VodliftError(status === 200 ? 'answer' : `http_${status}`, 'this is no answer of vodlift', transient || status === 200, retryAfter);
  }
  throw new VodliftError(answer.code, answer.message, transient || ['0004', '1000'].includes(answer.code), retryAfter);
}

// The event that a callback brings: message, status, code (of failures), data (the upload object), test.
// `headers`: those of node:http or of fetch, in any case. `body`: a Buffer with the bytes as they came. `secrets`: one "whsec_…"
// or several. `tolerance`: seconds that the message's time may be away from now. Throws VodliftError "callback": answer with 401.
export function verify(headers, body, secrets, tolerance = 300) {
  const pairs = typeof headers.entries === 'function' ? [...headers.entries()] : Object.entries(headers);
  const all = new Map(pairs.map(([name, value]) => [name.toLowerCase(), String(value)]));
  const id = all.get('webhook-id'), timestamp = all.get('webhook-timestamp') ?? '';
  if (!id || !/^[0-9]{1,15}$/.test(timestamp)) throw new VodliftError('callback', 'webhook-id or webhook-timestamp is missing');
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > tolerance) {
    throw new VodliftError('callback', 'the message is too old, or this clock is wrong');
  }
  const given = (all.get('webhook-signature') ?? '').split(' ').map((one) => Buffer.from(one));
  let genuine = false;
  for (const secret of [secrets].flat()) {
    const mac = createHmac('sha256', webhookKey(secret)).update(`${id}.${timestamp}.`).update(body).digest('base64');
    const wanted = Buffer.from(`v1,${mac}`);
    for (const one of given) genuine = (one.length === wanted.length && timingSafeEqual(one, wanted)) || genuine;
  }
  if (!genuine) throw new VodliftError('callback', 'no signature is by one of these secrets');
  const text = String(body);
  try {
    return JSON.parse(text.startsWith('json=') ? new URLSearchParams(text).get('json') : text);
  } catch {
    throw new VodliftError('callback', 'the body is not JSON');
  }
}

function webhookKey(secret) {
  const text = secret.replace(/^whsec_/, '');
  if (!/^[A-Za-z0-9+/]{22,}={0,2}$/.test(text)) throw new VodliftError('callback', 'a webhook secret is not whsec_ and base64');
  return Buffer.from(text, 'base64');
}
