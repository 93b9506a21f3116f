// Forms and their fields.
import type {Signal} from '@preact/signals';
import type {ComponentChildren, JSX} from 'preact';
import {useId, useState} from 'preact/hooks';
import {asProblem} from '../api';
import type {Problem} from '../schema';
import {ProblemNote} from './texts';

interface FieldProps extends Omit<JSX.InputHTMLAttributes, 'onChange' | 'value' | 'label' | 'about' | 'type' | 'name' | 'pattern' | 'required' | 'min' | 'max' | 'maxLength' | 'autocomplete' | 'placeholder'> {
  label: string;
  about?: ComponentChildren;
  value: string;
  onValue: (value: string) => void;
  options?: readonly (string | [string, string])[];
  type?: string;
  rows?: number;
  required?: boolean;
  pattern?: string;
  min?: number | string;
  max?: number | string;
  maxLength?: number;
  autocomplete?: string;
  placeholder?: string;
  problem?: Problem | undefined; // shown here when it begins with the field's name
  name?: string;
}

export function Field({label, about, value, onValue, options, type = 'text', rows, problem, name, ...rest}: FieldProps) {
  const id = useId();
  const wrong = problem && name && problem.detail.startsWith(name + ':') ? problem.detail.slice(name.length + 1) : '';
  const choices = options?.map((one): [string, string] => (typeof one === 'string' ? [one, one] : one));
  // A browser shows the first choice if none is the value. The form would then send another one than it shows.
  const strange = choices?.every(([word]) => word !== value);
  const common = {id, name, 'aria-describedby': about || wrong ? id + 'a' : undefined, 'aria-invalid': wrong ? true : undefined};
  return (
    <div class="field">
      <label for={id}>
        {label}
        {rest.required && <span class="faint"> required</span>}
      </label>
      {choices ? (
        <select {...common} value={value} required={rest.required || strange} onChange={(event) => onValue(event.currentTarget.value)}>
          {strange && (
            <option key={value} value={value} selected>
              {value || 'choose'}
            </option>
          )}
          {choices.map(([word, text]) => (
            <option key={word} value={word} selected={word === value}>
              {text}
            </option>
          ))}
        </select>
      ) : rows ? (
        <textarea {...common} rows={rows} value={value} required={rest.required} maxLength={rest.maxLength} onInput={(event) => onValue(event.currentTarget.value)} />
      ) : (
        <input {...rest} {...common} type={type} value={value} onInput={(event) => onValue(event.currentTarget.value)} />
      )}
      {(about || wrong) && (
        <p id={id + 'a'} class={wrong ? 'wrong' : 'about'}>
          {wrong || about}
        </p>
      )}
    </div>
  );
}

export function Check({label, value, onValue}: {label: string; value: boolean; onValue: (value: boolean) => void}) {
  return (
    <label class="check">
      <input type="checkbox" checked={value} onChange={(event) => onValue(event.currentTarget.checked)} /> {label}
    </label>
  );
}

// A form that shows what went wrong beside its button.
export function Form({submit, button, back = 'Cancel', danger, children, onClose}: {submit: () => Promise<void>; button: string; back?: string; danger?: boolean; children: (problem: Problem | undefined) => ComponentChildren; onClose?: () => void}) {
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setBusy(true);
        setProblem(undefined);
        submit()
          .catch((error: unknown) => setProblem(asProblem(error)))
          .finally(() => setBusy(false));
      }}
    >
      {children(problem)}
      {problem && <ProblemNote problem={problem} />}
      <footer>
        {onClose && (
          <button type="button" onClick={onClose}>
            {back}
          </button>
        )}
        <button type="submit" class={danger ? 'danger' : 'primary'} disabled={busy}>
          {busy ? 'Working …' : button}
        </button>
      </footer>
    </form>
  );
}

export const text = (value: Signal<string>) => ({value: value.value, onValue: (next: string) => (value.value = next)});
