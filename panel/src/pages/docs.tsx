// The API documentation: the commands in the order of the page that vodlift implements, the REST API beside them, and
// "in a minute" first. All of it comes from the server's own tables.
import {useEffect, useState} from 'preact/hooks';
import {asProblem, call, type Request, session} from '../api';
import {account, accounts, apiOrigin, buckets, hrefHere, language} from '../store';
import type {Problem} from '../schema';
import {Code, Field, Page, ProblemNote, Rich, Table} from '../ui';
import {go, place} from '../router';
import {Languages} from './apicall';
import {legacyCode, restCode} from './code';
import {TryIt} from './tryit';

declare const REFERENCE: string;

interface DocField {
  name: string;
  type: string;
  otherwise?: string;
  required?: boolean;
  about: string;
}
// A paragraph, or something else.
type Block = string | {title: string} | {list: string[]} | {code: string} | {head: string[]; rows: string[][]};
export interface Command {
  name: string;
  permission: string;
  mutating: boolean;
  about: string;
  fields: DocField[];
  result: string;
  intro: Block[];
  more: Block[];
  samples: string[];
}
interface Operation {
  name: string;
  method: string;
  path: string;
  tag: string;
  summary: string;
  about: string;
  roles: string[];
  fields: DocField[];
  example?: Record<string, unknown>;
  answer: string;
  result: DocField[];
  sample?: unknown;
}
interface Reference {
  legacy: {commands: Command[]; codes: {code: string; meaning: string; fix: string}[]; upload: DocField[]; sample: string; callbacks: Block[]; sent: Block[]};
  rest: {about: string; tags: string[]; operations: Operation[]};
}

const kExamples: Record<string, Record<string, unknown>> = {
  'aws.upload': {path: 'sestore4/jb/path/to/file.mp4', destination_path: 'path/to/file.mp4', metadata: {param1: 'value1'}, acl: 'private', bucket: 'my_bucket', callback: 'http://www.mycallbackurl.com/'},
  'aws.status': {id: 1},
  'aws.cancel': {id: 1},
  'aws.pause': {id: 1},
  'aws.resume': {id: 1},
  'aws.retry': {id: 1},
  'files.getstorage': {},
  'files.list': {path: 'sestore4/jb'},
};
const kAlways: DocField[] = [
  {name: 'command', type: 'string', otherwise: 'required', about: 'what to do'},
  {name: 'cdn', type: 'integer', otherwise: 'required', about: "your account's number; `cdn_id` is the same"},
  {name: 'api_key', type: 'string', otherwise: 'required', about: 'your key'},
  {name: 'timestamp', type: 'integer', otherwise: 'required', about: 'now, in Unix seconds; a request that is too old is refused'},
  {name: 'signature', type: 'string', otherwise: 'required', about: 'base64 of HMAC-SHA256 over the JSON without `signature`, with the secret as key'},
];
const kData: Record<string, string> = {'aws.upload': 'integer', 'aws.status': 'list', 'files.getstorage': 'list', 'files.list': 'list'};
const kEnvelope: DocField[] = [
  {name: 'message', type: 'string', about: 'for people; do not compare it'},
  {name: 'status', type: 'string', about: '`success` or `failure`'},
  {name: 'code', type: 'string', about: 'on failure only: one of the codes below'},
  {name: 'handle_time', type: 'number', about: 'seconds the server took'},
];

// What the reader has: the own account, key and bucket.
function useOwn() {
  const cdn = account.value || session.value?.cdn || accounts.value[0]?.cdn || 158;
  const [key, setKey] = useState('YOUR_API_KEY');
  useEffect(() => {
    void call('key.list', {cdn})
      .then((all) => setKey(all.items.find((one) => one.revoked === null)?.api_key ?? 'YOUR_API_KEY'))
      .catch(() => undefined);
  }, [cdn]);
  const user = accounts.value.find((one) => one.cdn === cdn)?.user;
  const bucket = buckets.value.find((one) => one.cdn === cdn)?.bucket;
  const own = (fields: Record<string, unknown>) => {
    const mine = {...fields};
    if (bucket && 'bucket' in mine) mine['bucket'] = bucket;
    if (user && typeof mine['path'] === 'string') mine['path'] = mine['path'].replace('sestore4/jb', `sestore4/${user}`);
    return mine;
  };
  return {cdn, key, own};
}

function FieldTable({fields, caption}: {fields: DocField[]; caption: string}) {
  return (
    <Table caption={caption} head={['Field', 'Type', 'Default', 'Meaning']}>
      {fields.map((one) => (
        <tr key={one.name}>
          <td><code>{one.name}</code></td>
          <td><Rich text={one.type} /></td>
          <td>{one.otherwise === 'required' || one.required ? <strong>required</strong> : <Rich text={one.otherwise ?? ''} />}</td>
          <td class="about"><Rich text={one.about} /></td>
        </tr>
      ))}
    </Table>
  );
}

function Blocks({all}: {all: Block[]}) {
  return (
    <>
      {all.map((one, i) => {
        if (typeof one === 'string') return <p key={i} class="prose"><Rich text={one} /></p>;
        if ('title' in one) return <h3 key={i}>{one.title}</h3>;
        if ('code' in one) return <Code key={i} text={one.code} />;
        if ('list' in one) return <ul key={i} class="prose">{one.list.map((item) => <li key={item}><Rich text={item} /></li>)}</ul>;
        return (
          <Table key={i} caption={one.head.join(', ')} head={one.head}>
            {one.rows.map((row, j) => <tr key={j}>{row.map((cell, k) => <td key={k} class={k > 0 ? 'about' : ''}><Rich text={cell} /></td>)}</tr>)}
          </Table>
        );
      })}
    </>
  );
}

const resultOf = (name: string, sample: string): string => {
  const data = name === 'aws.upload' ? '1' : name === 'aws.status' ? `[${sample.trim()}]` : name.startsWith('aws.') ? sample.trim() : '';
  return data && `{\n"message": "${name === 'aws.upload' ? 'Queued file for upload' : 'Done'}",\n"status": "success",\n"data": ${data},\n"handle_time": 0.004211\n}`;
};

function CommandPage({command, all}: {command: Command; all: Reference}) {
  const {cdn, key, own} = useOwn();
  const fields = own(kExamples[command.name] ?? {});
  const url = `${apiOrigin()}/stable/`;
  const request = {command: command.name, api_key: key, timestamp: Math.floor(Date.now() / 1000), cdn, ...fields, signature: '…'};
  const sample = command.samples[0] ?? resultOf(command.name, all.legacy.sample);
  return (
    <>
      <h2>{command.name}</h2>
      <Blocks all={command.intro} />
      <h3>Example request (JSON)</h3>
      <Code text={JSON.stringify(request, null, 2)} />
      <h3>Example code</h3>
      <Languages />
      <Code text={legacyCode(language.value, url, command.name, key, cdn, fields)} />
      <h3>Request fields</h3>
      <FieldTable caption="Request fields" fields={[...kAlways, ...command.fields]} />
      <Blocks all={command.more} />
      <h3>Example result (JSON)</h3>
      <Code text={sample} />
      <h3>Result fields</h3>
      <FieldTable caption="Result fields" fields={[...kEnvelope, {name: 'data', type: kData[command.name] ?? 'object', about: command.result + ' 0 on failure.'}]} />
      <h3>Codes</h3>
      <Table caption="Codes" head={['Code', 'Meaning', 'What to do']}>
        {all.legacy.codes.map((one) => (
          <tr key={one.code}>
            <td><code>{one.code}</code></td>
            <td class="about"><Rich text={one.meaning} /></td>
            <td class="about"><Rich text={one.fix} /></td>
          </tr>
        ))}
      </Table>
      <TryIt key={command.name + key} command={command.name} apiKey={key} fields={{cdn, ...fields}} />
    </>
  );
}

function OperationPage({one}: {one: Operation}) {
  const {cdn} = useOwn();
  const words = /\{(\w+)\}/g;
  const url = '/api/v1' + one.path.replace(words, (_, name: string) => (name === 'cdn' ? String(cdn) : name === 'id' ? '17' : name.toUpperCase()));
  const body = one.method === 'GET' || one.method === 'DELETE' ? undefined : {...one.example, ...(one.example && 'cdn' in one.example ? {cdn} : {})};
  const request: Request = {method: one.method, url, body};
  return (
    <>
      <h2>{one.summary}</h2>
      <p><code>{one.method} /api/v1{one.path}</code> <span class="faint">{[one.name, one.roles.join(', ')].filter(Boolean).join(' · ')}</span></p>
      {one.about.split('\n\n').filter(Boolean).map((text) => (text.startsWith('|') ? <Code key={text} text={text} /> : <p key={text} class="prose"><Rich text={text.replaceAll('\n', ' ')} /></p>))}
      {one.fields.length > 0 && (
        <>
          <h3>Request fields</h3>
          <FieldTable caption="Request fields" fields={one.fields} />
        </>
      )}
      <h3>Example code</h3>
      <Languages />
      <Code text={restCode(language.value, request, location.origin)} />
      {one.sample !== undefined && (
        <>
          <h3>Example result</h3>
          <Code text={typeof one.sample === 'string' ? one.sample : JSON.stringify(one.sample, null, 2)} />
        </>
      )}
      {one.result.length > 0 && (
        <>
          <h3>Result fields</h3>
          <FieldTable caption="Result fields" fields={one.result} />
        </>
      )}
    </>
  );
}

function Minute() {
  const {cdn, key, own} = useOwn();
  return (
    <>
      <h2>In a minute</h2>
      <ol class="steps">
        <li>You need the number of your account ({cdn}), a key with its secret, and a bucket. <a href={hrefHere('/accounts')}>Make a key</a>.</li>
        <li>Put the secret into the environment: <code>VODLIFT_SECRET</code>. Then run this.</li>
      </ol>
      <Languages />
      <Code text={legacyCode(language.value, `${apiOrigin()}/stable/`, 'aws.upload', key, cdn, own(kExamples['aws.upload'] ?? {}))} />
      <p class="prose">The answer has the upload's id. <a href={hrefHere('/docs/aws.status')}>aws.status</a> tells how it goes, and a <a href={hrefHere('/docs/callbacks')}>callback</a> how it ended.</p>
      <p class="prose">New programs may use the REST API instead: a token in a header, no signature.</p>
    </>
  );
}

export function Docs() {
  const [all, setAll] = useState<Reference>();
  const [problem, setProblem] = useState<Problem>();
  const [find, setFind] = useState('');
  useEffect(() => {
    fetch(REFERENCE)
      .then((response) => response.json())
      .then(setAll, (error: unknown) => setProblem(asProblem(error)));
    if (location.hash.length > 1) go('/docs/' + location.hash.slice(1), true);
  }, []);
  const name = decodeURIComponent(place.value.path.split('/')[2] ?? '');
  const command = all?.legacy.commands.find((one) => one.name === name);
  const operation = all?.rest.operations.find((one) => one.name === name);
  const match = (text: string) => text.toLowerCase().includes(find.toLowerCase());
  const link = (to: string, text: string) => (
    <li key={to}>
      <a href={hrefHere('/docs' + (to ? '/' + encodeURIComponent(to) : ''))} aria-current={to === name ? 'page' : undefined}>{text}</a>
    </li>
  );
  return (
    <Page title="API documentation" first="Written from the tables that the server itself checks requests by.">
      {problem && <ProblemNote problem={problem} again={() => location.reload()} />}
      {all && (
        <div class="docs">
          <nav aria-label="Documentation">
            <Field label="Find" type="search" value={find} onValue={setFind} />
            <ul>{link('', 'In a minute')}</ul>
            <h2>Commands</h2>
            <ul>
              {all.legacy.commands.filter((one) => match(one.name)).map((one) => link(one.name, one.name))}
              {link('requests', 'How a request is sent')}
              {link('upload-object', 'The upload object')}
              {link('callbacks', 'Callbacks')}
            </ul>
            <h2>REST API</h2>
            <ul>{link('rest', 'How it works')}</ul>
            {all.rest.tags.map((tag) => {
              const found = all.rest.operations.filter((one) => one.tag === tag && match(one.summary + one.name));
              return (
                found.length > 0 && (
                  <section key={tag} aria-label={tag}>
                    <h3>{tag}</h3>
                    <ul>{found.map((one) => link(one.name, one.summary))}</ul>
                  </section>
                )
              );
            })}
          </nav>
          <article key={name}>
            {command && <CommandPage command={command} all={all} />}
            {operation && <OperationPage one={operation} />}
            {name === '' && <Minute />}
            {name === 'rest' && <><h2>The REST API</h2>{all.rest.about.split('\n\n').map((text) => <p key={text} class="prose"><Rich text={text.replaceAll('\n', ' ')} /></p>)}</>}
            {name === 'requests' && <><h2>How a request is sent</h2><Blocks all={all.legacy.sent} /></>}
            {name === 'upload-object' && <><h2>The upload object</h2><Code text={all.legacy.sample} /><FieldTable caption="Members" fields={all.legacy.upload.map((one) => ({...one, name: one.name.replaceAll('`', '')}))} /></>}
            {name === 'callbacks' && <><h2>Callbacks</h2><Blocks all={all.legacy.callbacks} /><p><a href={hrefHere('/callbacks')}>Verify, test and follow callbacks</a></p></>}
          </article>
        </div>
      )}
    </Page>
  );
}
