// "As API call": the request that makes the view, in the reader's language and with the reader's ids.
import {requestOf} from '../api';
import {language} from '../store';
import {apiCall, Code, Dialog} from '../ui';
import {hrefHere} from '../store';
import {kLanguages, restCode} from './code';

export function Languages({only}: {only?: string[]}) {
  const shown = !only || only.includes(language.value) ? language.value : 'javascript';
  return (
    <div class="tabs" role="group" aria-label="Language">
      {kLanguages
        .filter(([word]) => !only || only.includes(word))
        .map(([word, name]) => (
          <button key={word} type="button" aria-pressed={shown === word} onClick={() => (language.value = word)}>
            {name}
          </button>
        ))}
    </div>
  );
}

export function ApiCall() {
  const asked = apiCall.value;
  if (!asked) return null;
  const request = requestOf(asked.name, asked.fields as never);
  const close = () => (apiCall.value = null);
  return (
    <Dialog title="As API call" onClose={close} wide>
      <Languages />
      <Code text={restCode(language.value, request, location.origin)} />
      <p class="faint">
        The token comes from <a href={hrefHere('/settings')} onClick={close}>Settings, Tokens</a>. The operation is <a href={hrefHere('/docs') + '#' + asked.name} onClick={close}>{asked.name}</a>.
      </p>
    </Dialog>
  );
}
