// What the page "API documentation" shows: the commands from docs/api.md, whose tables are written from the table of
// fields in the server, and the REST API from docs/openapi.yaml.
import {readFileSync} from 'node:fs';
import {readApi} from './types.mjs';

const cells = (line) => line.slice(1, -1).split(/(?<!\\) ?\| ?/).map((cell) => cell.trim());

// The tables of a text: each a list of rows without the head.
function tables(text) {
  const found = [];
  let rows = null;
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) rows = null;
    else if (rows === null) found.push((rows = []));
    else if (!line.startsWith('|---')) rows.push(cells(line));
  }
  return found;
}

const plain = (text) => text.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim();

// A text piece by piece: a paragraph is a string, everything else {title}, {list}, {code} or {head, rows}.
function blocks(text) {
  const found = [];
  const pieces = text.replace(/<!--[^]*?-->/g, '').split(/(^```\w*\n[^]*?^```$|^(?: {4}.*\n)+|^(?:\|.*\n)+|^#{3,} .*\n)/m);
  for (const piece of pieces) {
    const code = /^```\w*\n([^]*?)^```$/m.exec(piece) ?? (/^ {4}/.test(piece) ? [piece, piece.replace(/^ {4}/gm, '')] : null);
    if (code) found.push({code: code[1].trimEnd()});
    else if (piece.startsWith('|')) {
      const [head, , ...rows] = piece.trim().split('\n').map((line) => cells(line).map(plain));
      found.push({head, rows});
    } else if (piece.startsWith('#')) found.push({title: plain(piece.replace(/^#+ /, ''))});
    else {
      for (const one of piece.split(/\n\s*\n/).map((paragraph) => paragraph.trim())) {
        if (one.startsWith('- ')) found.push({list: one.slice(2).split(/\n- /).map((item) => plain(item.replace(/\s*\n\s*/g, ' ')))});
        else if (one !== '') found.push(plain(one.replace(/\n/g, ' ')));
      }
    }
  }
  return found;
}

function commands(markdown) {
  const section = (title) => markdown.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
  const list = tables(section('Commands'))[0].map(([link, permission, mutating, about]) => ({
    name: /\[([^\]]+)\]/.exec(link)[1],
    permission,
    mutating: mutating === 'yes',
    about,
  }));
  return {
    commands: list.map((one) => {
      const text = section(one.name);
      const table = text.split('<!-- end -->')[0];
      return {
        ...one,
        fields: (tables(table)[0] ?? []).map(([name, type, otherwise, about]) => ({name: name.replaceAll('`', ''), type, otherwise, about})),
        result: /`data` is ([^]*)$/.exec(table.trim())?.[1].replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/\n/g, ' ') ?? '',
        intro: blocks(text.split('<!-- from')[0]),
        more: blocks(text.split('<!-- end -->')[1]).filter((one) => !one.code),
        samples: [...text.matchAll(/```json\n([^]*?)```/g)].map((match) => match[1].trimEnd()),
      };
    }),
    codes: tables(section('Codes'))[0].map(([code, meaning, fix]) => ({code, meaning, fix})),
    upload: tables(section('The upload object'))[0].map(([name, type, about]) => ({name, type, about})),
    sample: /```json\n([^]*?)```/.exec(section('The upload object'))[1],
    callbacks: blocks(section('Callbacks')),
    sent: ['Transport', 'Signing', 'Repeats', 'Answers', 'Limits'].flatMap((title) => [{title}, ...blocks(section(title))]),
  };
}

function rest(api) {
  const resolved = (one) => (one.$ref ? one.$ref.slice(2).split('/').reduce((at, name) => at[name], api) : one);
  const typeOf = (schema) => {
    if (schema.$ref) {
      const to = resolved(schema);
      return to.type === 'object' || to.allOf ? schema.$ref.split('/').pop() : typeOf(to);
    }
    if (schema.enum) return schema.enum.join(', ');
    if (schema.allOf) return schema.allOf.map(typeOf).join(' and ');
    if (schema.oneOf) return schema.oneOf.map(typeOf).join(' or ');
    if (Array.isArray(schema.type)) return schema.type.join(' or ');
    if (schema.type === 'array') return `list of ${typeOf(schema.items)}`;
    const [low, high] = [schema.minimum ?? schema.minLength, schema.maximum ?? schema.maxLength].map((one) => one?.toLocaleString('en-US'));
    if (high === undefined) return schema.type + (low === undefined ? '' : `, ${low} or more`);
    return `${schema.type}, ${low === undefined ? 'at most' : `${low} to`} ${high}`;
  };
  const otherwise = (...schemas) => {
    const found = schemas.find((one) => one.default !== undefined);
    return found ? {otherwise: `\`${found.default}\``} : {};
  };
  const members = (schema) => {
    if (!schema) return [];
    const all = schema.allOf ? schema.allOf.flatMap((one) => members(resolved(one))) : [];
    for (const [name, one] of Object.entries(schema.properties ?? {})) {
      const described = resolved(one);
      all.push({name, type: typeOf(one), required: (schema.required ?? []).includes(name), ...otherwise(one, described), about: one.description ?? described.description ?? ''});
    }
    return all;
  };
  const operations = [];
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, one] of Object.entries(item)) {
      if (method === 'parameters') continue;
      const parameters = [...(item.parameters ?? []), ...(one.parameters ?? [])].map(resolved);
      const body = one.requestBody?.content['application/json'];
      const answer = Object.values(resolved(Object.values(one.responses)[0]).content)[0];
      operations.push({
        name: one.operationId,
        method: method.toUpperCase(),
        path,
        tag: one.tags[0],
        summary: one.summary,
        about: one.description ?? '',
        roles: one['x-roles'] ?? [],
        fields: [
          ...parameters.map((p) => ({name: p.name, type: typeOf(p.schema), required: !!p.required, ...otherwise(p.schema, resolved(p.schema)), about: p.description ?? resolved(p.schema).description ?? ''})),
          ...members(body?.schema),
        ],
        example: body?.example,
        answer: typeOf(answer.schema),
        result: members(answer.schema.$ref ? resolved(answer.schema) : answer.schema),
        sample: answer.example,
      });
    }
  }
  return {about: api.info.description, tags: api.tags.map((tag) => tag.name), operations};
}

export function reference() {
  const markdown = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8');
  return {legacy: commands(markdown), rest: rest(readApi())};
}
