// Try it: signs a request in this browser, shows the exact bytes that were signed, and the answer. The secret stays in
// this page and is never sent.
import {useState} from 'preact/hooks';
import {apiElsewhere} from '../store';
import {Code, Field, Form} from '../ui';

async function sign(text: string, secret: string): Promise<string> {
  const bytes = new TextEncoder();
  const key = await crypto.subtle.importKey('raw', bytes.encode(secret), {name: 'HMAC', hash: 'SHA-256'}, false, ['sign']);
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes.encode(text)));
  return btoa(String.fromCharCode(...mac));
}

export function TryIt({command, apiKey, fields}: {command: string; apiKey: string; fields: Record<string, unknown>}) {
  const [body, setBody] = useState(() => JSON.stringify(fields, null, 2));
  const [key, setKey] = useState(apiKey);
  const [secret, setSecret] = useState('');
  const [shown, setShown] = useState<{signed: string; sent: string; answer: string}>();
  if (apiElsewhere.value) return <p class="faint">{`Requests cannot be tried here: the API is at ${apiElsewhere.value}, and a page may only ask the server that it came from.`}</p>;
  if (!globalThis.crypto?.subtle) return <p class="faint">Trying requests needs HTTPS or a loopback address: only there may a page sign.</p>;
  return (
    <section class="card">
      <h3>Try it</h3>
      <Form
        button="Sign and send"
        submit={async () => {
          const given: unknown = JSON.parse(body);
          const signed = JSON.stringify({command, api_key: key, timestamp: Math.floor(Date.now() / 1000), ...(given as object)});
          const sent = `${signed.slice(0, -1)},"signature":"${await sign(signed, secret)}"}`;
          const response = await fetch('/stable/', {method: 'POST', body: new URLSearchParams({json: sent}), credentials: 'omit'});
          setShown({signed, sent, answer: `HTTP ${response.status}\n${await response.text()}`});
        }}
      >
        {() => (
          <>
            <p class="faint">{command === 'aws.upload' ? 'This queues a real upload.' : command.startsWith('files.') || command === 'aws.status' ? 'This changes nothing.' : 'This changes a real upload.'}</p>
            <div class="pair">
              <Field label="Key" value={key} onValue={setKey} required />
              <Field label="Secret" type="password" autocomplete="off" value={secret} onValue={setSecret} required about="It stays in this page." />
            </div>
            <Field label="Fields" rows={8} value={body} onValue={setBody} required />
          </>
        )}
      </Form>
      {shown && (
        <div role="status">
          <h4>What was signed</h4>
          <Code text={shown.signed} />
          <h4>What was sent in the form field json</h4>
          <Code text={shown.sent} />
          <h4>The answer</h4>
          <Code text={shown.answer} />
        </div>
      )}
    </section>
  );
}
