// The reader's own settings, tokens for programs, and people.
import {useState} from 'preact/hooks';
import {asProblem, call, may, session} from '../api';
import {absolute} from '../format';
import type {Person, Role} from '../schema';
import {accounts, density, note, theme} from '../store';
import {ask, AsCall, Body, Dialog, Empty, Field, Form, Page, secret, Table, useLoad, When} from '../ui';

const kRoles: [Role, string][] = [['viewer', 'viewer: sees, changes nothing'], ['customer', 'customer: one account'], ['operator', 'operator: uploads and buckets of all accounts'], ['admin', 'admin: everything, people too']];
const linkOf = (name: string, token: string): string => `${location.origin}/panel/setup?for=${encodeURIComponent(name)}#${token}`;

function PasswordForm({onClose}: {onClose: () => void}) {
  const [password, setPassword] = useState('');
  const [fresh, setFresh] = useState('');
  const [again, setAgain] = useState('');
  return (
    <Dialog title="Change the password" onClose={onClose}>
      <Form
        button="Change"
        onClose={onClose}
        submit={async () => {
          if (fresh !== again) throw new Error('The two new passwords differ.');
          session.value = await call('session.password', {password, new_password: fresh});
          note('Changed. Your other sessions have ended.');
          onClose();
        }}
      >
        {(problem) => (
          <>
            <Field label="Password now" name="password" problem={problem} type="password" autocomplete="current-password" value={password} onValue={setPassword} required />
            <Field label="New password" name="new_password" problem={problem} type="password" autocomplete="new-password" value={fresh} onValue={setFresh} required about="12 characters or more." />
            <Field label="The new password again" type="password" autocomplete="new-password" value={again} onValue={setAgain} required />
          </>
        )}
      </Form>
    </Dialog>
  );
}

function TokenForm({onClose}: {onClose: (made: boolean) => void}) {
  const [label, setLabel] = useState('');
  const [role, setRole] = useState<Role>(session.value?.role ?? 'viewer');
  const [last, setLast] = useState('');
  return (
    <Dialog title="A token for a program" onClose={() => onClose(false)}>
      <Form
        button="Make"
        onClose={() => onClose(false)}
        submit={async () => {
          const made = await call('token.add', {label, role, ...(last ? {expires: Date.parse(last + 'T23:59:59Z') / 1000} : {})});
          secret.value = {title: 'The token is made', rows: [['Token', made.token]]};
          onClose(true);
        }}
      >
        {(problem) => (
          <>
            <Field label="Label" name="label" problem={problem} value={label} onValue={setLabel} required maxLength={100} about="What uses it. The audit log shows it." />
            <Field label="Role" name="role" problem={problem} value={role} onValue={(value) => setRole(value as Role)} options={kRoles} />
            <Field label="Last day" name="expires" problem={problem} type="date" value={last} onValue={setLast} about="UTC. Empty: it does not expire." />
          </>
        )}
      </Form>
    </Dialog>
  );
}

function Tokens() {
  const loaded = useLoad((signal) => call('token.list', {}, {signal}), []);
  const [make, setMake] = useState(false);
  const remove = async (id: number, label: string) => {
    if (!(await ask('Remove this token?', `The program that uses “${label}” is refused from now on. This cannot be undone.`, 'Remove', true))) return;
    await call('token.remove', {id}).catch((error: unknown) => note(asProblem(error).detail, true));
    loaded.reload();
  };
  return (
    <section>
      <header class="with-actions">
        <h2>Tokens</h2>
        <button type="button" onClick={() => setMake(true)}>Make a token</button>
        <AsCall name="token.list" fields={{}} />
      </header>
      <Body loaded={loaded}>
        {(all) => (
          <Table caption="Tokens" head={['Label', 'Owner', 'Role', 'Last used', 'Expires', ['Actions', 'tools']]} empty={all.items.length === 0 && <Empty title="No token"><p>A program sends a token with each call of the REST API.</p></Empty>}>
            {all.items.map((one) => (
              <tr key={one.id}>
                <td>{one.label}</td>
                <td>{one.owner}</td>
                <td>{one.role}{one.cdn !== null && ` of ${one.cdn}`}</td>
                <td><When at={one.last_used} slow otherwise="never" /></td>
                <td>{one.expires === null ? 'never' : absolute(one.expires)}</td>
                <td><button type="button" class="quiet bad" onClick={() => void remove(one.id, one.label)}>Remove</button></td>
              </tr>
            ))}
          </Table>
        )}
      </Body>
      {make && <TokenForm onClose={(made) => (setMake(false), made && loaded.reload())} />}
    </section>
  );
}

function PersonForm({old, onClose}: {old?: Person; onClose: (changed: boolean) => void}) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>(old?.role ?? 'viewer');
  const [cdn, setCdn] = useState(String(old?.cdn ?? ''));
  return (
    <Dialog title={old ? `Role of ${old.name}` : 'Invite a person'} onClose={() => onClose(false)}>
      <Form
        button={old ? 'Change' : 'Invite'}
        onClose={() => onClose(false)}
        submit={async () => {
          const where = cdn ? {cdn: Number(cdn)} : {};
          if (old) await call('person.set', {name: old.name, role, ...where});
          else {
            const made = await call('person.add', {name, role, ...where});
            secret.value = {title: `${made.name} is invited`, rows: [['Link', linkOf(made.name, made.setup_token)]], about: 'Give this link to the person. It works once, for 3 days, and is shown only now.'};
          }
          onClose(true);
        }}
      >
        {(problem) => (
          <>
            {!old && <Field label="Name" name="name" problem={problem} value={name} onValue={setName} required autocapitalize="none" about="Such as anna or anna@example.org." />}
            <Field label="Role" name="role" problem={problem} value={role} onValue={(value) => setRole(value as Role)} options={kRoles} />
            {(role === 'customer' || role === 'viewer') && <Field label="Account" name="cdn" problem={problem} value={cdn} onValue={setCdn} options={[...(role === 'viewer' ? [['', 'all accounts'] as [string, string]] : []), ...accounts.value.map((one): [string, string] => [String(one.cdn), `${one.cdn} ${one.user}`])]} />}
          </>
        )}
      </Form>
    </Dialog>
  );
}

function People() {
  const loaded = useLoad((signal) => call('person.list', {}, {signal}), [], 'person');
  const [edit, setEdit] = useState<Person | 'new' | null>(null);
  const again = async (one: Person) => {
    if (!(await ask('A new link?', `${one.name} can choose a new password with it. The password there is now works until then.`, 'Make the link'))) return;
    const made = await call('person.reset', {name: one.name}).catch((error: unknown) => note(asProblem(error).detail, true));
    if (made) secret.value = {title: `A link for ${one.name}`, rows: [['Link', linkOf(made.name, made.setup_token)]], about: 'It works once, for 3 days, and is shown only now.'};
  };
  const remove = async (one: Person) => {
    if (!(await ask(`Remove ${one.name}?`, 'Their sessions and tokens end at once. The audit log keeps what they did. This cannot be undone.', 'Remove', true))) return;
    await call('person.remove', {name: one.name}).catch((error: unknown) => note(asProblem(error).detail, true));
    loaded.reload();
  };
  return (
    <section>
      <header class="with-actions">
        <h2>People</h2>
        <button type="button" onClick={() => setEdit('new')}>Invite a person</button>
        <AsCall name="person.list" fields={{}} />
      </header>
      <Body loaded={loaded}>
        {(all) => (
          <Table caption="People" head={['Name', 'Role', 'Last seen', 'Since', ['Actions', 'tools']]}>
            {all.items.map((one) => (
              <tr key={one.name}>
                <td>{one.name}{one.name === session.value?.name && <span class="faint"> you</span>}</td>
                <td>{one.role}{one.cdn !== null && ` of ${one.cdn}`}</td>
                <td>{one.invited ? 'invited' : <When at={one.last_seen} slow otherwise="never" />}</td>
                <td><When at={one.created} slow /></td>
                <td class="links">
                  {one.name !== session.value?.name && (
                    <>
                      <button type="button" class="quiet" onClick={() => setEdit(one)}>Role</button>
                      <button type="button" class="quiet" onClick={() => void again(one)}>New link</button>
                      <button type="button" class="quiet bad" onClick={() => void remove(one)}>Remove</button>
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Body>
      {edit && <PersonForm {...(edit === 'new' ? {} : {old: edit})} onClose={(changed) => (setEdit(null), changed && loaded.reload())} />}
    </section>
  );
}

function Nodes() {
  const loaded = useLoad((signal) => call('node.list', {}, {signal}), []);
  return (
    <section>
      <header class="with-actions">
        <h2>Nodes</h2>
        <AsCall name="node.list" fields={{}} />
      </header>
      <Body loaded={loaded}>
        {(all) => (
          <Table caption="Nodes" head={['Name', 'State', 'Roles', 'Storages', 'Version', ['Uploads', 'figure'], ['Callbacks', 'figure'], 'Last seen']}>
            {all.items.map((one) => (
              <tr key={one.name}>
                <td>{one.name}{one.here && <span class="faint"> this one</span>}</td>
                <td>{one.state === 'lost' ? <span class="bad">lost</span> : one.state}</td>
                <td>{one.roles.join(', ')}</td>
                <td>{one.storages.join(', ')}</td>
                <td>{one.version}</td>
                <td class="figure">{one.uploads}</td>
                <td class="figure">{one.callbacks}</td>
                <td><When at={one.last_seen} slow /></td>
              </tr>
            ))}
          </Table>
        )}
      </Body>
    </section>
  );
}

export function Settings() {
  const [password, setPassword] = useState(false);
  const who = session.value;
  return (
    <Page
      title="Settings"
      first={who && `You are ${who.name}, ${who.role}${who.cdn === null ? '' : ` of account ${who.cdn}`}. Unless you use it, this session ends ${absolute(who.expires)}.`}
      actions={
        <>
          <button type="button" onClick={() => setPassword(true)}>Change the password</button>
          <button type="button" onClick={() => void call('session.end', {}).then(() => (session.value = null), (error: unknown) => note(asProblem(error).detail, true))}>Sign out</button>
        </>
      }
    >
      <section class="pair narrow-fields">
        <Field label="Theme" value={theme.value} onValue={(value) => (theme.value = value as typeof theme.value)} options={[['system', "the system's"], 'light', 'dark']} />
        <Field label="Rows" value={density.value} onValue={(value) => (density.value = value as typeof density.value)} options={['usual', 'compact']} />
      </section>
      <Tokens />
      {may('person.list') && <People />}
      {may('node.list') && <Nodes />}
      {password && <PasswordForm onClose={() => setPassword(false)} />}
    </Page>
  );
}
