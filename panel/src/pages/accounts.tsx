// Accounts and their keys. Secrets are shown once.
import {useState} from 'preact/hooks';
import {asProblem, call, may, session} from '../api';
import {absolute, plural} from '../format';
import {go, place} from '../router';
import type {Account, Key} from '../schema';
import {hrefHere, note, readAccounts} from '../store';
import {ask, AsCall, Body, Check, Copy, Dialog, Empty, Facts, Field, Form, Mark, Page, secret, Table, useLoad, When} from '../ui';
import {BeingRemoved, keep, Leaving, mayRemove, type Removable, RemoveDialog} from './remove';

const kPermissions = ['upload', 'status', 'files', 'manage'];
const kOverlaps: [string, string][] = [['0', 'not at all'], ['3600', '1 hour'], ['86400', '1 day'], ['604800', '7 days'], ['2592000', '30 days']];

function AccountForm({account, onClose}: {account?: Account; onClose: (changed?: Account) => void}) {
  const [cdn, setCdn] = useState('');
  const [user, setUser] = useState('');
  const [weight, setWeight] = useState(String(account?.weight ?? 1));
  const [atOnce, setAtOnce] = useState(String(account?.uploads_at_once ?? 0));
  const [format, setFormat] = useState(account?.callback_format ?? 'json');
  const [https, setHttps] = useState(account?.callback_https_only ?? false);
  return (
    <Dialog title={account ? `Account ${account.cdn}` : 'Add an account'} onClose={() => onClose()}>
      <Form
        button={account ? 'Change' : 'Add'}
        onClose={() => onClose()}
        submit={async () => {
          const settings = {weight: Number(weight), uploads_at_once: Number(atOnce), callback_format: format, callback_https_only: https};
          if (account) return onClose(await call('account.set', {cdn: account.cdn, ...settings}));
          const added = await call('account.add', {cdn: Number(cdn), user, ...settings});
          secret.value = {title: `Account ${added.cdn} is added`, rows: [['Webhook secret', added.webhook_secret]], about: "It signs the account's callbacks. It is shown only now."};
          void readAccounts();
          onClose(added);
        }}
      >
        {(problem) => (
          <>
            {!account && (
              <>
                <Field label="Number" name="cdn" problem={problem} type="number" min={1} value={cdn} onValue={setCdn} required about="What its programs send as cdn." />
                <Field label="Folder" name="user" problem={problem} value={user} onValue={setUser} required about="Its folder on each storage: letters, digits, . _ -" />
              </>
            )}
            <Field label="Share" name="weight" problem={problem} type="number" min={1} max={100} value={weight} onValue={setWeight} about="An account with 2 gets twice as much of a busy server as one with 1." />
            <Field label="Uploads at once" name="uploads_at_once" problem={problem} type="number" min={0} max={256} value={atOnce} onValue={setAtOnce} about="No more of its uploads run at once. 0: as many as there are places." />
            <Field label="Body of its callbacks" name="callback_format" problem={problem} value={format} onValue={(value) => setFormat(value as typeof format)} options={[['json', 'JSON'], ['form', 'a form whose field json has the JSON']]} />
            <Check label="Callbacks go to https only" value={https} onValue={setHttps} />
          </>
        )}
      </Form>
    </Dialog>
  );
}

function KeyForm({cdn, old, onClose}: {cdn: number; old?: Key; onClose: (changed: boolean) => void}) {
  const [permissions, setPermissions] = useState(new Set((old?.permissions ?? kPermissions.join(',')).split(',')));
  const [prefix, setPrefix] = useState(old?.path_prefix ?? '');
  const [buckets, setBuckets] = useState(old?.buckets.join('\n') ?? '');
  const [networks, setNetworks] = useState(old?.networks.join('\n') ?? '');
  const [expires, setExpires] = useState(old?.expires ? new Date(old.expires * 1000).toISOString().slice(0, 10) : '');
  const [imported, setImported] = useState(false);
  const [apiKey, setApiKey] = useState('');
  const [hidden, setHidden] = useState('');
  const lines = (text: string) => text.split(/[\s,]+/).filter(Boolean);
  return (
    <Dialog title={old ? 'What the key may do' : `A key for account ${cdn}`} onClose={() => onClose(false)}>
      <Form
        button={old ? 'Change' : imported ? 'Import' : 'Make the key'}
        onClose={() => onClose(false)}
        submit={async () => {
          const rules = {permissions: [...permissions].join(','), path_prefix: prefix, buckets: lines(buckets), networks: lines(networks), expires: expires ? Date.parse(expires + 'T23:59:59Z') / 1000 : 0};
          if (old) await call('key.set', {api_key: old.api_key, ...rules});
          else {
            const made = await call('key.add', {cdn, ...rules, ...(imported ? {api_key: apiKey, secret: hidden} : {})});
            if (made.secret) secret.value = {title: 'The key is made', rows: [['Key', made.api_key], ['Secret', made.secret]]};
          }
          onClose(true);
        }}
      >
        {(problem) => (
          <>
            <fieldset>
              <legend>It may</legend>
              {kPermissions.map((one) => (
                <Check key={one} label={one} value={permissions.has(one)} onValue={(value) => setPermissions((before) => {
                  const after = new Set(before);
                  value ? after.add(one) : after.delete(one);
                  return after;
                })} />
              ))}
            </fieldset>
            <Field label="Only source paths below" name="path_prefix" problem={problem} value={prefix} onValue={setPrefix} about="Such as sestore4/jb/films. Empty: all." />
            <Field label="Only these buckets" name="buckets" problem={problem} rows={2} value={buckets} onValue={setBuckets} about="One a line. Empty: all." />
            <Field label="Only from these networks" name="networks" problem={problem} rows={2} value={networks} onValue={setNetworks} about="Such as 192.0.2.0/24, one a line. Empty: from anywhere." />
            <Field label="Last day" name="expires" problem={problem} type="date" value={expires} onValue={setExpires} about="UTC. Empty: it does not expire." />
            {!old && <Check label="Import a key that exists" value={imported} onValue={setImported} />}
            {imported && (
              <>
                <Field label="Key" name="api_key" problem={problem} value={apiKey} onValue={setApiKey} required />
                <Field label="Secret" name="secret" problem={problem} type="password" autocomplete="off" value={hidden} onValue={setHidden} required />
              </>
            )}
          </>
        )}
      </Form>
    </Dialog>
  );
}

function Rotate({title, about, run, onClose}: {title: string; about: string; run: (overlap: number) => Promise<[string, string]>; onClose: (done: boolean) => void}) {
  const [overlap, setOverlap] = useState('86400');
  return (
    <Dialog title={title} onClose={() => onClose(false)}>
      <Form
        button="Make a new secret"
        onClose={() => onClose(false)}
        submit={async () => {
          const row = await run(Number(overlap));
          secret.value = {title: 'The new secret', rows: [row]};
          onClose(true);
        }}
      >
        {(problem) => (
          <>
            <p>{about}</p>
            <Field label="The old secret is accepted for" name="overlap_s" problem={problem} value={overlap} onValue={setOverlap} options={kOverlaps} />
          </>
        )}
      </Form>
    </Dialog>
  );
}

function Keys({cdn}: {cdn: number}) {
  const loaded = useLoad((signal) => call('key.list', {cdn}, {signal}), [cdn], 'key');
  const [edit, setEdit] = useState<Key | 'new' | null>(null);
  const [rotate, setRotate] = useState<Key | null>(null);
  const [remove, setRemove] = useState<Removable | null>(null);
  const revoke = async (key: Key) => {
    const used = key.last_used === null ? 'It was never used.' : `It was last used ${absolute(key.last_used)}.`;
    if (!(await ask('Revoke this key?', `Every later request with ${key.api_key} is refused. ${used} Uploads that are queued go on. This cannot be undone.`, 'Revoke the key', true))) return;
    await call('key.revoke', {api_key: key.api_key}).then(() => note('Revoked.'), (error: unknown) => note(asProblem(error).detail, true));
    loaded.reload();
  };
  return (
    <section>
      <header class="with-actions">
        <h2>Keys</h2>
        {may('key.add') && <button type="button" onClick={() => setEdit('new')}>Make a key</button>}
        <AsCall name="key.list" fields={{cdn}} />
      </header>
      <Body loaded={loaded}>
        {(all) => (
          <Table caption="Keys" head={['Key', 'State', 'May', 'Limited to', 'Last used', 'Made', ['Actions', 'tools']]} empty={all.items.length === 0 && <Empty title="No key"><p>A key and its secret sign the requests of a program.</p></Empty>}>
            {all.items.map((key) => (
              <tr key={key.api_key} data-row tabIndex={-1}>
                <td><code>{key.api_key}</code> <Copy text={key.api_key} name="Copy the key" /></td>
                <td>{key.removing !== null ? <Leaving /> : key.revoked !== null ? <Mark tone="cancelled">revoked</Mark> : key.expires !== null ? <Mark tone="paused">until {new Date(key.expires * 1000).toISOString().slice(0, 10)}</Mark> : <Mark tone="completed">active</Mark>}{key.previous_until !== null && <span class="faint"> two secrets, <When at={key.previous_until} slow /></span>}</td>
                <td>{key.permissions}</td>
                <td>{[key.path_prefix, ...key.buckets, ...key.networks].filter(Boolean).join(', ') || '–'}</td>
                <td><When at={key.last_used} slow otherwise="never" /></td>
                <td><When at={key.created} slow /></td>
                <td class="links">
                  {may('key.set') && key.revoked === null && (
                    <>
                      <button type="button" class="quiet" onClick={() => setEdit(key)}>Change</button>
                      <button type="button" class="quiet" onClick={() => setRotate(key)}>Rotate</button>
                      <button type="button" class="quiet bad" onClick={() => void revoke(key)}>Revoke</button>
                    </>
                  )}
                  {may('key.remove') && key.removing !== null && <button type="button" class="quiet" onClick={() => void keep({kind: 'key', cdn, name: key.api_key}).then(loaded.reload)}>Keep</button>}
                  {may('key.remove') && <button type="button" class="quiet bad" onClick={() => setRemove({kind: 'key', cdn, name: key.api_key})}>Remove</button>}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Body>
      {remove && <RemoveDialog one={remove} onClose={(outcome) => (setRemove(null), outcome && loaded.reload())} />}
      {edit && <KeyForm cdn={cdn} {...(edit === 'new' ? {} : {old: edit})} onClose={(changed) => (setEdit(null), changed && loaded.reload())} />}
      {rotate && (
        <Rotate
          title="A new secret"
          about={`Programs that use ${rotate.api_key} need the new secret before the old one ends.`}
          run={async (overlap_s) => ['Secret', (await call('key.rotate', {api_key: rotate.api_key, overlap_s})).secret]}
          onClose={(done) => (setRotate(null), done && loaded.reload())}
        />
      )}
    </section>
  );
}

function One({cdn}: {cdn: number}) {
  const loaded = useLoad((signal) => call('account.show', {cdn}, {signal}), [cdn], 'account');
  const [edit, setEdit] = useState(false);
  const [rotate, setRotate] = useState(false);
  const [remove, setRemove] = useState(false);
  const removable: Removable = {kind: 'account', cdn, name: ''};
  return (
    <Page
      title={loaded.data ? `${loaded.data.cdn} ${loaded.data.user}` : `Account ${cdn}`}
      first={loaded.data && `Its files lie in the folder ${loaded.data.user} of each storage.`}
      actions={
        <>
          {may('account.set') && <button type="button" onClick={() => setEdit(true)}>Settings</button>}
          {may('account.rotate') && <button type="button" onClick={() => setRotate(true)}>New webhook secret</button>}
          {loaded.data && mayRemove(removable) && <button type="button" class="danger" onClick={() => setRemove(true)}>Remove</button>}
          <AsCall name="account.show" fields={{cdn}} />
        </>
      }
    >
      <Body loaded={loaded}>
        {(one) => (
          <>
            {one.removing !== null && <BeingRemoved one={removable} since={one.removing} onKept={loaded.reload} />}
            <Facts
              rows={[
                ['Folder', one.user],
                ['Share', one.weight],
                ['Uploads at once', one.uploads_at_once || 'as many as there are places'],
                ['Callbacks', `${one.callback_format === 'form' ? 'a form whose field json has the JSON' : 'JSON'}${one.callback_https_only ? ', to https only' : ''}`],
                ['Webhook secret', one.previous_until === null ? 'one' : <>two: the old one signs too, until <When at={one.previous_until} /></>],
                ['Added', <When at={one.created} />],
              ]}
            />
            <p class="links">
              <a href={hrefHere('/uploads?cdn=' + one.cdn)}>Its uploads</a> <a href={hrefHere('/buckets?cdn=' + one.cdn)}>Its buckets</a> <a href={hrefHere('/callbacks?cdn=' + one.cdn)}>Its callbacks</a>
            </p>
            {edit && <AccountForm account={one} onClose={(after) => (setEdit(false), after && loaded.set(after))} />}
          </>
        )}
      </Body>
      {remove && <RemoveDialog one={removable} onClose={(outcome) => (setRemove(false), outcome?.removed ? go('/accounts') : outcome && loaded.reload())} />}
      {rotate && (
        <Rotate
          title="A new webhook secret"
          about="Callbacks are signed with both secrets while the old one lasts, so that receivers can change without a gap."
          run={async (overlap_s) => ['Webhook secret', (await call('account.rotate', {cdn, overlap_s})).webhook_secret]}
          onClose={(done) => (setRotate(false), done && loaded.reload())}
        />
      )}
      <Keys cdn={cdn} />
    </Page>
  );
}

function All() {
  const loaded = useLoad((signal) => call('account.list', {}, {signal}), [], 'account');
  const [add, setAdd] = useState(false);
  return (
    <Page
      title="Accounts"
      first={loaded.data && plural(loaded.data.items.length, 'account') + '.'}
      actions={
        <>
          {may('account.add') && <button type="button" class="primary" onClick={() => setAdd(true)}>Add an account</button>}
          <AsCall name="account.list" fields={{}} />
        </>
      }
    >
      <Body loaded={loaded}>
        {(all) => (
          <Table caption="Accounts" head={[['Account', 'figure'], 'Folder', ['Share', 'figure'], 'Added']} empty={all.items.length === 0 && <Empty title="No account"><p>An account is a customer: a number, a folder on the storages, keys and buckets.</p></Empty>}>
            {all.items.map((one) => (
              <tr key={one.cdn} data-row tabIndex={-1}>
                <td class="figure"><a href={hrefHere('/accounts/' + one.cdn)}>{one.cdn}</a></td>
                <td>{one.user}{one.removing !== null && <> <Leaving /></>}</td>
                <td class="figure">{one.weight}</td>
                <td><When at={one.created} slow /></td>
              </tr>
            ))}
          </Table>
        )}
      </Body>
      {add && <AccountForm onClose={(added) => (setAdd(false), added && go('/accounts/' + added.cdn))} />}
    </Page>
  );
}

export function Accounts() {
  const cdn = Number(place.value.path.split('/')[2]) || session.value?.cdn || 0;
  return cdn ? <One key={cdn} cdn={cdn} /> : <All />;
}
