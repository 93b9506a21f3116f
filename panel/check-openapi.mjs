// Checks docs/openapi.yaml against the schema of OpenAPI 3.1, and that no operation's name is used twice.
import {readFileSync} from 'node:fs';
import {Validator} from '@seriousme/openapi-schema-validator';
import {parse} from 'yaml';

const file = new URL('../docs/openapi.yaml', import.meta.url);
const found = await new Validator().validate(parse(readFileSync(file, 'utf8'), {maxAliasCount: -1}));
if (!found.valid) {
  console.error(JSON.stringify(found.errors, null, 1));
  process.exit(1);
}
const api = parse(readFileSync(file, 'utf8'), {maxAliasCount: -1});
const names = Object.values(api.paths).flatMap((path) => Object.values(path).map((one) => one.operationId).filter(Boolean));
const twice = names.filter((name, i) => names.indexOf(name) !== i);
if (twice.length > 0) {
  console.error('operationId used twice: ' + twice.join(', '));
  process.exit(1);
}
console.log(`openapi.yaml: ${names.length} operations`);
