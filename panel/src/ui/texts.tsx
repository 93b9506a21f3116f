// Texts: to copy, code, and what went wrong.
import {words} from '../format';
import type {Problem} from '../schema';
import {note} from '../store';
import {Icon} from './marks';

export function Copy({text, name = 'Copy'}: {text: string; name?: string}) {
  return (
    <button
      type="button"
      class="quiet small"
      title={name}
      aria-label={name}
      onClick={() => {
        navigator.clipboard?.writeText(text).then(
          () => note('Copied.'),
          () => note('The browser does not let this page copy. Select the text instead.', true),
        );
      }}
    >
      <Icon name="copy" />
    </button>
  );
}

export const Code = ({text, label}: {text: string; label?: string}) => (
  <div class="code">
    <pre tabIndex={0} aria-label={label ?? 'Code'}>
      <code>{text}</code>
    </pre>
    <Copy text={text} />
  </div>
);

// Words between back quotes are code, those between two stars are strong.
export const Rich = ({text}: {text: string}) => (
  <>
    {text.split(/(``.+?``|`[^`]+`|\*\*.+?\*\*)/).map((piece, i) => {
      if (i % 2 === 0) return piece;
      return piece.startsWith('`') ? <code key={i}>{piece.replace(/^`+|`+$/g, '')}</code> : <strong key={i}>{piece.slice(2, -2)}</strong>;
    })}
  </>
);

export function ProblemNote({problem, again}: {problem: Problem; again?: () => void}) {
  return (
    <div class="problem" role="alert">
      <strong>{problem.detail}</strong>
      {problem.operator_detail && <p>{problem.operator_detail}</p>}
      <p class="faint">{words(problem.code)}</p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}
