// Prints the programs that the page "API documentation" shows, as JSON:
//   node samples.mjs '{"origin": "http://127.0.0.1:8080", "apiKey": "…", "cdn": 158, "calls": {"aws.status": {"id": 1}}, "operations": [["upload.list", {"limit": 1}]]}'
// The tests run them against a real server.
import {build} from 'esbuild';
import {writeTypes} from './types.mjs';

const asked = JSON.parse(process.argv[2]);
writeTypes();
// What the modules expect of a browser.
globalThis.location = {pathname: '/panel/', search: '', origin: asked.origin};
globalThis.addEventListener = () => {};
const load = async (file) => {
  const built = await build({entryPoints: [new URL(file, import.meta.url).pathname], bundle: true, write: false, format: 'esm', logLevel: 'silent'});
  return import('data:text/javascript;base64,' + Buffer.from(built.outputFiles[0].contents).toString('base64'));
};
const {kLanguages, legacyCode, restCode, verifyCode} = await load('src/pages/code.ts');
const {requestOf} = await load('src/api.ts');
const shown = {};
for (const [language] of kLanguages) {
  shown[language] = {
    legacy: Object.fromEntries(Object.entries(asked.calls ?? {}).map(([command, fields]) => [command, legacyCode(language, `${asked.origin}/stable/`, command, asked.apiKey, asked.cdn, fields)])),
    rest: (asked.operations ?? []).map(([name, fields]) => restCode(language, requestOf(name, fields), asked.origin)),
    verify: verifyCode(language),
  };
}
console.log(JSON.stringify(shown));
