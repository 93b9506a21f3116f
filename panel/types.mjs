// Writes src/schema.ts from docs/openapi.yaml: a type for each schema, and for each operation its method, path, fields,
// answer and roles.
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {parse} from 'yaml';

const read = (name) => parse(readFileSync(new URL(name, import.meta.url), 'utf8'), {maxAliasCount: -1});

// What the server answers.
export const readApi = () => read('../docs/openapi.yaml');

const nameOf = (ref) => ref.slice(ref.lastIndexOf('/') + 1);
const quoted = (name) => (/^[a-z_]\w*$/i.test(name) ? name : `'${name}'`);

function typeOf(schema) {
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.allOf) return schema.allOf.map(typeOf).join(' & ');
  if (schema.oneOf) return schema.oneOf.map(typeOf).join(' | ');
  if (schema.enum) return schema.enum.map((word) => `'${word}'`).join(' | ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({...schema, type})).join(' | ');
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  if (schema.type === 'array') return `(${typeOf(schema.items)})[]`;
  if (schema.type !== 'object') return schema.type ?? 'unknown';
  if (!schema.properties) return schema.additionalProperties ? `Record<string, ${typeOf(schema.additionalProperties)}>` : 'Record<string, unknown>';
  const required = new Set(schema.required);
  const members = Object.entries(schema.properties).map(([name, one]) => `${quoted(name)}${required.has(name) ? '' : '?'}: ${typeOf(one)}`);
  return `{${members.join('; ')}}`;
}

function operations(api) {
  const found = [];
  const resolved = (one) => (one.$ref ? one.$ref.slice(2).split('/').reduce((at, name) => at[name], api) : one);
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, one] of Object.entries(item)) {
      if (method === 'parameters') continue;
      const parameters = [...(item.parameters ?? []), ...(one.parameters ?? [])].map(resolved).filter((parameter) => parameter.in !== 'header');
      const fields = parameters.map((parameter) => `${quoted(parameter.name)}${parameter.required ? '' : '?'}: ${typeOf(parameter.schema)}`);
      const body = one.requestBody?.content['application/json'].schema;
      const answer = Object.entries(one.responses).find(([status]) => status.startsWith('2'));
      const content = Object.values(resolved(answer[1]).content ?? {})[0];
      found.push({
        name: one.operationId,
        method: method.toUpperCase(),
        path,
        fields: [fields.length > 0 || !body ? `{${fields.join('; ')}}` : '', body ? typeOf(body) : ''].filter(Boolean).join(' & '),
        answer: typeOf(content.schema),
        roles: one['x-roles'] ?? [],
      });
    }
  }
  return found;
}

export function writeTypes() {
  const api = readApi();
  const all = operations(api);
  const lines = [
    '// Made by types.mjs from docs/openapi.yaml.',
    ...Object.entries(api.components.schemas).map(([name, schema]) => `export type ${name} = ${typeOf(schema)};`),
    'export interface Operations {',
    ...all.map((one) => `  '${one.name}': {fields: ${one.fields}; answer: ${one.answer}};`),
    '}',
    'export const routes: Record<keyof Operations, string> = {',
    ...all.map((one) => `  '${one.name}': '${one.method} ${one.path}',`),
    '};',
    '// Who may, where that is not everybody.',
    'export const roles: Partial<Record<keyof Operations, string>> = {',
    ...all.filter((one) => !one.roles.includes('viewer') && one.roles.some((role) => role !== 'nobody')).map((one) => `  '${one.name}': '${one.roles.join(' ')}',`),
    '};',
    '',
  ];
  const folder = new URL('src/', import.meta.url);
  mkdirSync(folder, {recursive: true});
  writeFileSync(new URL('schema.ts', folder), lines.join('\n'));
}

if (process.argv[1] === new URL(import.meta.url).pathname) writeTypes();
