// The keyboard: / j k x enter, g and a letter, and a page that tells all of them.
import {signal} from '@preact/signals';
import {go} from './router';
import {account} from './store';
import {Dialog} from './ui';

export const help = signal(false);
let rooms: [string, string, string][] = [];

const isTyping = (target: EventTarget | null): boolean => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) && (target as HTMLInputElement).type !== 'checkbox';

// The row before or behind the one that has the focus, also across groups of rows.
function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement?.closest<HTMLElement>('[data-row]') ?? document.body);
  const next = rows[at === -1 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)];
  next?.focus();
  next?.scrollIntoView({block: 'nearest'});
}

let begun = false;
export function beginKeys(where: [string, string, string][]): void {
  rooms = where;
  if (begun) return;
  begun = true;
  let after = 0; // when g was pressed
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape' && isTyping(event.target)) return (event.target as HTMLElement).blur();
    if (isTyping(event.target)) return;
    if (Date.now() - after < 1500) {
      after = 0;
      const room = rooms.find(([key]) => key === event.key);
      if (room) {
        event.preventDefault();
        go(room[1] + (account.value ? `?cdn=${account.value}` : ''));
      }
      return;
    }
    const row = (event.target as HTMLElement).closest?.<HTMLElement>('[data-row]');
    switch (event.key) {
      case 'g':
        after = Date.now();
        return;
      case '/':
        document.getElementById('search')?.focus();
        break;
      case '?':
        help.value = true;
        break;
      case 'j':
        moveRow(1);
        break;
      case 'k':
        moveRow(-1);
        break;
      case 'x':
        row?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();
        break;
      case 'Enter':
        if (!row || event.target !== row) return;
        row.querySelector('a')?.click();
        break;
      default:
        return;
    }
    event.preventDefault();
  });
}

export function KeyHelp() {
  if (!help.value) return null;
  const rows: [string, string][] = [
    ['/', 'search'],
    ['j  k', 'next and previous row'],
    ['Enter', 'open the row'],
    ['x', 'select the row'],
    ['?', 'this help'],
    ['Esc', 'leave a field, close a dialog'],
    ...rooms.map(([key, , name]): [string, string] => [`g ${key}`, name]),
  ];
  return (
    <Dialog title="Keyboard" onClose={() => (help.value = false)}>
      <dl class="facts keys">
        {rows.map(([keys, name]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').filter(Boolean).map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{name}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
