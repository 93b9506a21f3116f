// The frame: who is here, where they are, and whether what they see is live.
import {useComputed, useSignalEffect} from '@preact/signals';
import type {ComponentType} from 'preact';
import {useEffect, useLayoutEffect, useRef, useState} from 'preact/hooks';
import {asProblem, call, findSession, may, painted, session} from './api';
import {duration, now, number} from './format';
import {beginKeys, help, KeyHelp} from './keys';
import {connection, follow, lostSince, on} from './live';
import {go, place, setQuery} from './router';
import type {Operations, Problem} from './schema';
import {account, accounts, attention, hrefHere, notes, readAccounts, readBuckets, said, theme} from './store';
import {apiCall, Icon, type IconName, ProblemNote, Questions, Secrets} from './ui';
import {Overview} from './pages/overview';
import {SignIn, SetUp} from './pages/signin';
import {UploadPage} from './pages/upload';
import {Uploads} from './pages/uploads';

interface Room {
  path: string;
  name: string;
  icon: IconName;
  key: string; // after g
  asks?: keyof Operations; // shown only to who may use it
}
export const kRooms: Room[] = [
  {path: '/', name: 'Overview', icon: 'overview', key: 'o'},
  {path: '/uploads', name: 'Uploads', icon: 'uploads', key: 'u'},
  {path: '/storages', name: 'Storages', icon: 'storages', key: 's'},
  {path: '/buckets', name: 'Buckets', icon: 'buckets', key: 'b'},
  {path: '/limits', name: 'Limits', icon: 'limits', key: 'l', asks: 'limit.list'},
  {path: '/callbacks', name: 'Callbacks', icon: 'callbacks', key: 'c'},
  {path: '/accounts', name: 'Accounts', icon: 'accounts', key: 'a'},
  {path: '/docs', name: 'API documentation', icon: 'docs', key: 'd'},
  {path: '/audit', name: 'Audit', icon: 'audit', key: 't', asks: 'audit.list'},
  {path: '/settings', name: 'Settings', icon: 'settings', key: 'p'},
];
const rooms = () => kRooms.filter((room) => !room.asks || may(room.asks));
const isHere = (room: Room) => (room.path === '/' ? place.value.path === '/' : place.value.path === room.path || place.value.path.startsWith(room.path + '/'));

// A page that is loaded when it is first shown.
function Later({load}: {load: () => Promise<ComponentType>}) {
  const [Shown, setShown] = useState<ComponentType>();
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    load().then(
      (component) => setShown(() => component),
      (error: unknown) => setProblem(asProblem(error)),
    );
  }, []);
  if (problem) return <ProblemNote problem={{...problem, detail: 'This page could not be loaded. Load it again; vodlift may have been upgraded.'}} again={() => location.reload()} />;
  return Shown ? <Shown /> : null;
}

const kLater: Record<string, () => Promise<ComponentType>> = {
  '/storages': async () => (await import('./pages/storages')).Storages,
  '/buckets': async () => (await import('./pages/buckets')).Buckets,
  '/limits': async () => (await import('./pages/limits')).Limits,
  '/callbacks': async () => (await import('./pages/callbacks')).Callbacks,
  '/accounts': async () => (await import('./pages/accounts')).Accounts,
  '/docs': async () => (await import('./pages/docs')).Docs,
  '/audit': async () => (await import('./pages/audit')).Audit,
  '/settings': async () => (await import('./pages/settings')).Settings,
};

function Shown() {
  const {path} = place.value;
  const upload = /^\/uploads\/(\d+)$/.exec(path);
  if (path === '/') return <Overview />;
  if (upload) return <UploadPage id={Number(upload[1])} />;
  if (path === '/uploads') return <Uploads />;
  const room = '/' + (path.split('/')[1] ?? '');
  const load = kLater[room];
  if (load) return <Later key={room} load={load} />;
  return (
    <div class="empty">
      <h1>There is no such page</h1>
      <p>
        <a href={hrefHere('/')}>Go to the overview</a>
      </p>
    </div>
  );
}

function Live() {
  const state = connection.value;
  if (state === 'live') return <span class="connection live">Live</span>;
  if (state === 'connecting') return <span class="connection">Connecting …</span>;
  return (
    <span class="connection lost" role="alert">
      Connection lost {duration(now.value - lostSince.value / 1000)} ago
    </span>
  );
}

// An id leads to its upload; everything else is a search.
function Search() {
  const input = useRef<HTMLInputElement>(null);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const asked = input.current?.value.trim() ?? '';
        if (/^#?\d+$/.test(asked)) go('/uploads/' + asked.replace('#', ''));
        else if (asked) go('/uploads?' + new URLSearchParams({text: asked, ...(account.value ? {cdn: String(account.value)} : {})}));
        input.current?.blur();
      }}
    >
      <Icon name="search" />
      <input ref={input} id="search" type="search" placeholder="Id or part of a path" aria-label="Search uploads by id, path or key" autocomplete="off" spellcheck={false} />
      <kbd>/</kbd>
    </form>
  );
}

function AccountSwitch() {
  if (accounts.value.length < 2) return null;
  return (
    <select aria-label="Account" class="account" value={String(account.value)} onChange={(event) => setQuery({cdn: event.currentTarget.value === '0' ? '' : event.currentTarget.value, cursor: ''})}>
      <option value="0">All accounts</option>
      {accounts.value.map((one) => (
        <option key={one.cdn} value={String(one.cdn)} selected={one.cdn === account.value}>
          {`${one.cdn} ${one.user}`}
        </option>
      ))}
    </select>
  );
}

const kNextTheme = {system: 'light', light: 'dark', dark: 'system'} as const;

function Top() {
  return (
    <header class="top">
      <Search />
      <AccountSwitch />
      <span class="gap" />
      <Live />
      <button type="button" class="quiet wide-only" title="Change between the system's theme, light and dark" onClick={() => (theme.value = kNextTheme[theme.value])}>
        <Icon name="theme" />
        {theme.value === 'system' ? <span class="unseen">Theme: system</span> : <span>{theme.value}</span>}
      </button>
      <button type="button" class="quiet wide-only" title="Keyboard (?)" aria-label="Keyboard" onClick={() => (help.value = true)}>
        ?
      </button>
      <a class="person" href={hrefHere('/settings')} title={session.value?.role}>
        {session.value?.name}
      </a>
    </header>
  );
}

function Rail() {
  const needs = attention.value ?? 0;
  return (
    <nav aria-label="Pages">
      <a class="brand" href={hrefHere('/')}>
        vodlift
      </a>
      <ul>
        {rooms().map((room) => (
          <li key={room.path}>
            <a href={hrefHere(room.path)} aria-current={isHere(room) ? 'page' : undefined}>
              <Icon name={room.icon} />
              <span>{room.name}</span>
              {room.path === '/' && needs > 0 && (
                <b class="badge">
                  {number(needs)}
                  <span class="unseen"> need a person</span>
                </b>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Calls() {
  const [Shown, setShown] = useState<ComponentType>();
  const asked = apiCall.value;
  useEffect(() => {
    if (asked && !Shown) void import('./pages/apicall').then((module) => setShown(() => module.ApiCall));
  }, [asked]);
  return asked && Shown ? <Shown /> : null;
}

function Inside() {
  const main = useRef<HTMLElement>(null);
  const wall = place.value.query.get('wall') === '1';
  useEffect(() => {
    follow();
    beginKeys(rooms().map((room) => [room.key, room.path, room.name]));
    const off = [
      on('attention', (now) => (attention.value = now.items.length)),
      on('settings', ({noun}) => void (noun === 'account' ? readAccounts() : noun === 'bucket' ? readBuckets() : Promise.resolve()).catch(() => undefined)),
    ];
    setTimeout(() => (painted.value = true), 1000); // some pages call nothing, and a hidden tab paints nothing
    return () => off.forEach((one) => one());
  }, []);
  // What the page itself does not wait for comes behind it.
  useSignalEffect(() => {
    if (!painted.value) return;
    void readAccounts().catch(() => undefined);
    if (attention.peek() === null) void call('overview.show', {}).then((all) => (attention.value = all.attention.length)).catch(() => undefined);
  });
  useSignalEffect(() => void (painted.value && readBuckets().catch(() => undefined))); // and for another account
  // A signal, so that a connection that comes or goes draws nothing else again.
  const frame = useComputed(() => `frame ${place.value.query.get('wall') === '1' ? 'wall' : ''} ${connection.value === 'lost' ? 'stale' : ''}`);
  const {path} = place.value;
  const before = useRef(path);
  useEffect(() => {
    // On a phone the bar of pages is wider than the screen.
    document.querySelector('.frame > nav [aria-current=page]')?.scrollIntoView({block: 'nearest', inline: 'nearest'});
    if (before.current === path) return;
    before.current = path;
    main.current?.querySelector<HTMLElement>('h1')?.focus({preventScroll: true});
  }, [path]);
  return (
    <div class={frame}>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      {!wall && <Rail />}
      {!wall && <Top />}
      <main id="main" ref={main} tabIndex={-1}>
        <Shown />
      </main>
      <Calls />
      <Questions />
      <Secrets />
      <KeyHelp />
    </div>
  );
}

export function App() {
  const [problem, setProblem] = useState<Problem>();
  const find = () => {
    setProblem(undefined);
    if (place.peek().path !== '/setup') findSession().catch((error: unknown) => setProblem(asProblem(error)));
  };
  // Before the first painting, as in useLoad: what begin.ts asked for is there by then.
  useLayoutEffect(find, []);
  const who = session.value;
  const setUp = place.value.path === '/setup';
  return (
    <>
      {problem ? <main class="narrow"><ProblemNote problem={problem} again={find} /></main> : setUp ? <SetUp /> : who === undefined ? null : who === null ? <SignIn /> : <Inside key={who.name} />}
      <div class="notes">
        {notes.value.map((one) => (
          <div key={one.id} class={one.bad ? 'note bad' : 'note'}>
            {one.text}
          </div>
        ))}
      </div>
      <div class="unseen" role="status" aria-live="polite">
        {said.value}
      </div>
    </>
  );
}
