// Buckets: what they need, settings, the doctor with its fixes, and the policy to paste.
import {useEffect, useState} from 'preact/hooks';
import {asProblem, call, may} from '../api';
import {number, plural} from '../format';
import {on} from '../live';
import {go, place} from '../router';
import type {Bucket, BucketReport, BucketSettings, Problem} from '../schema';
import {account, accounts, cdnIfGiven, hrefHere, note, readBuckets} from '../store';
import {AsCall, Body, Check, Code, Dialog, Empty, Facts, Field, Form, Mark, Page, ProblemNote, Rich, Table, useLoad, When} from '../ui';
import {BeingRemoved, Leaving, mayRemove, type Removable, RemoveDialog} from './remove';

type Texts = Record<string, string>;
function textsOf(bucket?: Bucket): Texts {
  if (!bucket) return {credentials: 'static', acl_policy: 'fail', sse: 'default'};
  return Object.fromEntries(Object.entries(bucket).map(([name, value]) => [name, String(value)]));
}

function BucketForm({bucket, onClose}: {bucket?: Bucket; onClose: (changed?: Bucket) => void}) {
  const [texts, setTexts] = useState(textsOf(bucket));
  const [flags, setFlags] = useState({path_style: bucket?.path_style ?? false, sse_bucket_key: bucket?.sse_bucket_key ?? false});
  const first = textsOf(bucket);
  const cdn = texts['cdn'] ?? String(account.value || accounts.value[0]?.cdn || ''); // the accounts may become known after the form
  const field = (name: string, label: string, about?: string, more: object = {}) => (problem: Problem | undefined) => (
    <Field key={name} label={label} name={name} problem={problem} about={about} value={texts[name] ?? ''} onValue={(value) => setTexts((all) => ({...all, [name]: value}))} {...more} />
  );
  // Only what was changed is sent.
  const settings = (): BucketSettings => {
    const sent: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(texts)) {
      if (['cdn', 'bucket', 'created', 'trouble', 'path_style', 'sse_bucket_key'].includes(name)) continue;
      if (bucket ? value !== (first[name] ?? '') : value !== '') sent[name] = name === 'max_parts' || name === 'part_size' ? Number(value) : value;
    }
    for (const [name, value] of Object.entries(flags)) if (value !== ((bucket as Record<string, unknown> | undefined)?.[name] ?? false)) sent[name] = value;
    return sent as BucketSettings;
  };
  const source = texts['credentials'] ?? 'static';
  return (
    <Dialog title={bucket ? `Settings of ${bucket.bucket}` : 'Add a bucket'} onClose={() => onClose()} wide>
      <Form
        button={bucket ? 'Change' : 'Add'}
        onClose={() => onClose()}
        submit={async () => {
          const after = bucket
            ? await call('bucket.set', {cdn: bucket.cdn, bucket: bucket.bucket, ...settings()})
            : await call('bucket.add', {cdn: Number(cdn), bucket: texts['bucket'] ?? '', ...settings()});
          void readBuckets();
          note(bucket ? 'Changed. What waits is tried again with the new settings.' : 'Added. Check it now.');
          onClose(after);
        }}
      >
        {(problem) => (
          <>
            {!bucket && (
              <div class="pair">
                {field('cdn', 'Account', undefined, {value: cdn, options: accounts.value.map((one): [string, string] => [String(one.cdn), `${one.cdn} ${one.user}`])})(problem)}
                {field('bucket', 'Bucket', undefined, {required: true})(problem)}
              </div>
            )}
            <div class="pair">
              {field('region', 'Region', 'Such as eu-west-1.')(problem)}
              {field('endpoint', 'Endpoint', "Empty: AWS's own of the region.")(problem)}
            </div>
            {field('credentials', 'Credentials', 'Where the key pair comes from.', {options: ['static', 'environment', 'profile', 'container', 'instance', 'web-identity', 'default']})(problem)}
            {source === 'static' && (
              <div class="pair">
                {field('access_key', 'Access key')(problem)}
                {field('secret_key', 'Secret key', bucket ? 'Empty: it stays. It is never shown.' : undefined, {type: 'password', autocomplete: 'off'})(problem)}
              </div>
            )}
            {source === 'profile' && field('profile', 'Profile')(problem)}
            <details>
              <summary>More settings</summary>
              <div class="pair">
                {field('role_arn', 'Role to assume')(problem)}
                {field('external_id', 'External id')(problem)}
              </div>
              <div class="pair">
                {field('acl_policy', 'If the bucket refuses public-read', undefined, {options: [['fail', 'the upload fails'], ['private', 'the object is private']]})(problem)}
                {field('sse', 'Encryption', undefined, {options: [['default', "the bucket's own"], ['s3', 'keys of the store'], ['kms', 'key of KMS']]})(problem)}
              </div>
              {texts['sse'] === 'kms' && (
                <>
                  {field('kms_key', 'Key of KMS')(problem)}
                  <Check label="One call to KMS serves many objects" value={flags.sse_bucket_key} onValue={(value) => setFlags((all) => ({...all, sse_bucket_key: value}))} />
                </>
              )}
              <div class="pair">
                {field('max_parts', 'Parts at most', '100 to 10,000', {type: 'number'})(problem)}
                {field('part_size', 'Bytes of a part', '0: by the measured rate', {type: 'number'})(problem)}
              </div>
              <Check label="The bucket's name stands in the path, not in the host" value={flags.path_style} onValue={(value) => setFlags((all) => ({...all, path_style: value}))} />
            </details>
          </>
        )}
      </Form>
    </Dialog>
  );
}

function Doctor({bucket}: {bucket: Bucket}) {
  const [report, setReport] = useState<BucketReport>();
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const check = (policy: boolean) => {
    setBusy(true);
    setProblem(undefined);
    call('bucket.check', {cdn: bucket.cdn, bucket: bucket.bucket, ...(policy ? {policy_only: true, public_read: true} : {})})
      .then(setReport, (error: unknown) => setProblem(asProblem(error)))
      .finally(() => setBusy(false));
  };
  return (
    <section>
      <h2>Doctor</h2>
      <p>
        <button type="button" class="primary" disabled={busy} onClick={() => check(false)}>{busy ? 'Checking, a minute at most …' : 'Check the bucket'}</button>{' '}
        <button type="button" disabled={busy} onClick={() => check(true)}>Only the policy</button>{' '}
        <span class="faint">The check writes small objects under a random key and removes them again.</span>
      </p>
      {problem && <ProblemNote problem={problem} />}
      {report && (
        <>
          {report.findings.length > 0 && (
            <Table caption="Findings" head={['Topic', 'Result', 'What was found', 'What to do']}>
              {report.findings.map((one, i) => (
                <tr key={i}>
                  <td>{one.topic}</td>
                  <td><Mark tone={one.finding === 'ok' ? 'completed' : one.finding === 'warn' ? 'paused' : 'failed'}>{one.finding === 'FAIL' ? 'fails' : one.finding}</Mark></td>
                  <td>{one.message}</td>
                  <td>{one.fix}</td>
                </tr>
              ))}
            </Table>
          )}
          <h3>The smallest policy that uploads need</h3>
          {report.access_denied && <p>A permission is missing that this policy grants. Paste it at the store.</p>}
          <Code text={report.policy} label="Policy" />
        </>
      )}
    </section>
  );
}

function One({cdn, name}: {cdn: number; name: string}) {
  const loaded = useLoad((signal) => call('bucket.show', {cdn, bucket: name}, {signal}), [cdn, name], 'bucket');
  useEffect(() => on('attention', loaded.reload), []);
  const [edit, setEdit] = useState(false);
  const [remove, setRemove] = useState(false);
  const bucket = loaded.data;
  const removable: Removable = {kind: 'bucket', cdn, name};
  return (
    <Page
      title={name}
      first={bucket && (bucket.trouble ? <>This bucket takes no uploads: <Rich text={bucket.trouble} />.</> : 'Nothing is wrong with this bucket as far as uploads have shown.')}
      actions={
        <>
          {bucket && may('bucket.set') && <button type="button" onClick={() => setEdit(true)}>Settings</button>}
          {bucket && mayRemove(removable) && <button type="button" class="danger" onClick={() => setRemove(true)}>Remove</button>}
          <AsCall name="bucket.show" fields={{cdn, bucket: name}} />
        </>
      }
    >
      <Body loaded={loaded}>
        {(one) => (
          <>
            {one.removing !== null && <BeingRemoved one={removable} since={one.removing} onKept={loaded.reload} />}
            <Facts
              rows={[
                ['Account', <a href={hrefHere('/accounts/' + one.cdn)}>{one.cdn}</a>],
                ['Endpoint', <code>{one.endpoint}</code>],
                ['Region', one.region],
                ['Credentials', one.credentials === 'static' ? <>key <code>{one.access_key}</code></> : [one.credentials, one.profile, one.role_arn].filter(Boolean).join(', ')],
                ['Encryption', one.sse === 'default' ? "the bucket's own" : [one.sse, one.kms_key].filter(Boolean).join(', ')],
                ['If public-read is refused', one.acl_policy === 'fail' ? 'the upload fails' : 'the object is private'],
                ['Parts', `${number(one.max_parts)} at most${one.part_size ? `, of ${number(one.part_size)} bytes` : ''}`],
                ['Added', <When at={one.created} />],
              ]}
            />
            <p>
              <a href={hrefHere(`/uploads?bucket=${encodeURIComponent(one.bucket)}`)}>Its uploads</a>{may('limit.list') && <> · <a href={hrefHere('/limits')}>Its limits</a></>}
            </p>
            {edit && <BucketForm bucket={one} onClose={(after) => (setEdit(false), after && loaded.reload())} />}
          </>
        )}
      </Body>
      {bucket && may('bucket.check') && <Doctor bucket={bucket} />}
      {remove && <RemoveDialog one={removable} onClose={(outcome) => (setRemove(false), outcome?.removed ? go('/buckets') : outcome && loaded.reload())} />}
    </Page>
  );
}

// Multipart uploads that could not be removed yet. The server goes on trying.
function Litter() {
  const loaded = useLoad((signal) => call('bucket.litter', {...cdnIfGiven(), limit: 200}, {signal}), [account.value]);
  return (
    <section>
      <header class="with-actions">
        <h2>Left at the stores</h2>
        <AsCall name="bucket.litter" fields={cdnIfGiven()} />
      </header>
      <Body loaded={loaded}>
        {(all) =>
          all.items.length === 0 ? (
            <p class="faint">Nothing: no part of an upload that ended lies at a store.</p>
          ) : (
            <>
              <p>{`${plural(all.items.length, 'multipart upload')}${all.items.length === 200 ? ' or more' : ''} could not be removed yet. A store may charge for them. vodlift tries again by itself.`}</p>
              <Table caption="Multipart uploads left at the stores" head={['Bucket', 'Key', 'Upload', 'Left', ['Tries', 'figure'], 'Next try', 'Error']}>
                {all.items.map((one) => (
                  <tr key={one.multipart_id} data-row tabIndex={-1}>
                    <td><a href={hrefHere(`/buckets/${one.cdn}/${encodeURIComponent(one.bucket)}`)}>{one.bucket}</a></td>
                    <td class="cut" title={one.key}>{one.key}</td>
                    <td><a href={hrefHere(`/uploads/${one.upload}`)}>{one.upload}</a></td>
                    <td><When at={one.since} slow /></td>
                    <td class="figure">{number(one.tries)}</td>
                    <td><When at={one.next_try} slow /></td>
                    <td class="about">{one.error}</td>
                  </tr>
                ))}
              </Table>
            </>
          )
        }
      </Body>
    </section>
  );
}

function All() {
  const loaded = useLoad((signal) => call('bucket.list', cdnIfGiven(), {signal}), [account.value], 'bucket');
  useEffect(() => on('attention', loaded.reload), []);
  const [add, setAdd] = useState(false);
  const sick = loaded.data?.items.filter((one) => one.trouble) ?? [];
  return (
    <Page
      title="Buckets"
      first={loaded.data && (sick.length === 0 ? `${plural(loaded.data.items.length, 'bucket')}; none needs a person.` : `${plural(sick.length, 'bucket needs', 'buckets need')} a person.`)}
      actions={
        <>
          {may('bucket.add') && <button type="button" class="primary" onClick={() => setAdd(true)}>Add a bucket</button>}
          <AsCall name="bucket.list" fields={cdnIfGiven()} />
        </>
      }
    >
      <Body loaded={loaded}>
        {(all) => (
          <Table caption="Buckets" head={['Bucket', 'Account', 'State', 'Endpoint', 'Region', 'Credentials']} empty={all.items.length === 0 && <Empty title="No bucket yet"><p>A bucket is where an account's objects go. Add one, and check it.</p></Empty>}>
            {[...all.items].sort((a, b) => Number(!!b.trouble) - Number(!!a.trouble)).map((one) => (
              <tr key={`${one.cdn} ${one.bucket}`} data-row tabIndex={-1}>
                <td><a href={hrefHere(`/buckets/${one.cdn}/${encodeURIComponent(one.bucket)}`)}>{one.bucket}</a></td>
                <td class="figure">{one.cdn}</td>
                <td>{one.trouble ? <Mark tone="failed"><span><Rich text={one.trouble} /></span></Mark> : one.removing !== null ? <Leaving /> : <Mark tone="completed">ok</Mark>}</td>
                <td>{one.endpoint}</td>
                <td class="nowrap">{one.region}</td>
                <td>{one.credentials}</td>
              </tr>
            ))}
          </Table>
        )}
      </Body>
      {may('bucket.litter') && <Litter />}
      {add && <BucketForm onClose={(after) => (setAdd(false), after && go(`/buckets/${after.cdn}/${encodeURIComponent(after.bucket)}`))} />}
    </Page>
  );
}

export function Buckets() {
  const [, , cdn, name] = place.value.path.split('/');
  return cdn && name ? <One cdn={Number(cdn)} name={decodeURIComponent(name)} /> : <All />;
}
