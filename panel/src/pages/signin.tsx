import {useState} from 'preact/hooks';
import {call, session} from '../api';
import {go, place} from '../router';
import {Field, Form} from '../ui';

export function SignIn() {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  return (
    <main class="narrow">
      <h1>Sign in to vodlift</h1>
      <Form
        button="Sign in"
        submit={async () => {
          session.value = await call('session.begin', {name: name.trim(), password});
        }}
      >
        {() => (
          <>
            <Field label="Name" value={name} onValue={setName} autocomplete="username" required autofocus autocapitalize="none" spellcheck={false} />
            <Field label="Password" value={password} onValue={setPassword} type="password" autocomplete="current-password" required />
          </>
        )}
      </Form>
      <p class="faint">Forgot the password? An admin can give you a new link under Settings, People.</p>
    </main>
  );
}

// The one-time link: /panel/setup#TOKEN for the first admin, /panel/setup?for=NAME#TOKEN for others. The browser itself
// never sends what stands behind #.
export function SetUp() {
  const [token] = useState(() => location.hash.slice(1));
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const invited = place.value.query.get('for');
  const first = invited === null;
  return (
    <main class="narrow">
      <h1>{first ? 'Welcome to vodlift' : 'Choose your password'}</h1>
      <p>{first ? 'You are the first admin of this server. Choose a name and a password.' : `You were invited as ${invited}. The link works once.`}</p>
      {!token && <p class="wrong">The link is not whole: its end is missing. Copy all of it.</p>}
      <Form
        button="Begin"
        submit={async () => {
          if (password !== again) throw new Error('The two passwords differ.');
          session.value = await call('setup.run', {token, password, ...(name ? {name: name.trim()} : {})});
          history.replaceState(null, '', '/panel/');
          go('/', true);
          dispatchEvent(new PopStateEvent('popstate'));
        }}
      >
        {(problem) => (
          <>
            {first && <Field label="Name" name="name" problem={problem} value={name} onValue={setName} autocomplete="username" required autofocus autocapitalize="none" spellcheck={false} />}
            <Field label="Password" name="password" problem={problem} value={password} onValue={setPassword} type="password" autocomplete="new-password" required about="12 characters or more. A sentence is good." />
            <Field label="The password again" value={again} onValue={setAgain} type="password" autocomplete="new-password" required />
          </>
        )}
      </Form>
    </main>
  );
}
