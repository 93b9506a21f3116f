// Dialogs: questions, and secrets that are shown once.
import {signal} from '@preact/signals';
import type {ComponentChildren} from 'preact';
import {useEffect, useId, useRef, useState} from 'preact/hooks';
import {Icon} from './marks';
import {Copy} from './texts';

export function Dialog({title, onClose, children, wide}: {title: string; onClose: () => void; children: ComponentChildren; wide?: boolean}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? 'wide' : ''}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet small" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

// One question at a time. Resolves to whether the reader agreed.
interface Question {
  title: string;
  text: ComponentChildren;
  yes: string;
  danger?: boolean;
  answer: (agreed: boolean) => void;
}
const question = signal<Question | null>(null);
export function ask(title: string, text: ComponentChildren, yes: string, danger = false): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      title,
      text,
      yes,
      danger,
      answer: (agreed) => {
        question.value = null;
        resolve(agreed);
      },
    };
  });
}
export function Questions() {
  const asked = question.value;
  if (!asked) return null;
  return (
    <Dialog title={asked.title} onClose={() => asked.answer(false)}>
      <div class="prose">{asked.text}</div>
      <footer>
        <button type="button" onClick={() => asked.answer(false)} autofocus>
          No, go back
        </button>
        <button type="button" class={asked.danger ? 'danger' : 'primary'} onClick={() => asked.answer(true)}>
          {asked.yes}
        </button>
      </footer>
    </Dialog>
  );
}

// A secret that is shown once. It closes only when the reader has stored it.
export const secret = signal<{title: string; rows: [string, string][]; about?: string} | null>(null);
export function Secrets() {
  const [stored, setStored] = useState(false);
  const shown = secret.value;
  useEffect(() => setStored(false), [shown]);
  if (!shown) return null;
  return (
    <Dialog title={shown.title} onClose={() => stored && (secret.value = null)}>
      <p>{shown.about ?? 'It is shown only now. Nobody can show it again, not even an admin.'}</p>
      <dl class="facts">
        {shown.rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code class="secret">{value}</code> <Copy text={value} name={`Copy ${name}`} />
            </dd>
          </div>
        ))}
      </dl>
      <footer>
        <label class="check">
          <input type="checkbox" checked={stored} onChange={(event) => setStored(event.currentTarget.checked)} /> I have stored it
        </label>
        <button type="button" class="primary" disabled={!stored} onClick={() => (secret.value = null)}>
          Close
        </button>
      </footer>
    </Dialog>
  );
}
