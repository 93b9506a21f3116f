// Facts, tables, and what stands below and beside them.
import {signal} from '@preact/signals';
import type {ComponentChildren} from 'preact';
import type {Operations} from '../schema';
import {Icon, When} from './marks';

export function Facts({rows}: {rows: [string, ComponentChildren][]}) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Table({head, children, caption, empty}: {head: (string | [string, string])[]; children: ComponentChildren; caption: string; empty?: ComponentChildren}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {head.map((one) => {
              const [text, kind] = typeof one === 'string' ? [one, ''] : one;
              return (
                <th key={text} scope="col" class={kind}>
                  {kind === 'tools' ? <span class="unseen">{text}</span> : text}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
      {empty}
    </div>
  );
}

export const Empty = ({title, children}: {title: string; children?: ComponentChildren}) => (
  <div class="empty">
    <h2>{title}</h2>
    {children}
  </div>
);

// Opens "as API call" of the view. Loaded when it is asked for.
export const apiCall = signal<{name: keyof Operations; fields: Record<string, unknown>} | null>(null);
export function AsCall<Name extends keyof Operations>({name, fields}: {name: Name; fields: Operations[Name]['fields']}) {
  return (
    <button type="button" class="quiet" onClick={() => (apiCall.value = {name, fields: fields as Record<string, unknown>})}>
      <Icon name="code" /> As API call
    </button>
  );
}

export function More({next, loading, onMore, searchedTo}: {next: string | null; loading: boolean; onMore: () => void; searchedTo?: number | null}) {
  if (!next) return null;
  return (
    <div class="more">
      {searchedTo ? (
        <span>
          Searched back to <When at={searchedTo} slow />. Older ones may match.
        </span>
      ) : null}
      <button type="button" onClick={onMore} disabled={loading}>
        {searchedTo ? 'Search further back' : 'Show more'}
      </button>
    </div>
  );
}
