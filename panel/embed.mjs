// Installs what the build needs, builds the panel, and writes its files as one C++ source:
//   node embed.mjs NPM OUTPUT.cc
// With the same sources and lock file it writes the same bytes.
import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {extname} from 'node:path';

const kTypes = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

const [npm, output] = process.argv.slice(2);
const root = new URL('./', import.meta.url).pathname;
const npmRun = (...words) => execFileSync(npm, words, {cwd: root, stdio: ['ignore', 'pipe', 'inherit']}).toString();

const mark = root + 'node_modules/.installed'; // has the lock file that was installed
const lock = readFileSync(root + 'package-lock.json', 'utf8');
if (!existsSync(mark) || readFileSync(mark, 'utf8') !== lock) {
  try {
    npmRun('ci', '--no-audit', '--no-fund', '--loglevel=error');
  } catch {
    console.error('npm could not install what panel/package-lock.json names (see above). The build needs the npm registry once.');
    process.exit(1);
  }
  writeFileSync(mark, lock);
}
console.log(npmRun('run', '--silent', 'build').trim().split('\n').at(-1));

const dist = root + 'dist/';
const paths = readdirSync(dist, {recursive: true})
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.br'))
  .map((path) => path.slice(0, -'.br'.length))
  .sort();
const arrays = paths.map((path, at) => `constexpr unsigned char kBytes${at}[] = {${[...readFileSync(`${dist}${path}.br`)].join(',')}};\n`);
const rows = paths.map((path, at) => {
  const type = kTypes[extname(path)];
  if (!type) throw new Error(`${path}: a file of this kind has no content type here`);
  const bytes = readFileSync(dist + path).length;
  return `    {"${path}", "${type}", text(kBytes${at}), ${bytes}, ${path.startsWith('assets/')}},\n`;
});
writeFileSync(
  output,
  `// Written by panel/embed.mjs.
#include <array>

#include "panel/asset.h"

namespace vodlift::panel {
namespace {

${arrays.join('')}
template <std::size_t size>
std::string_view text(const unsigned char (&bytes)[size]) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::span<const Asset> assets() {
  static const std::array<Asset, ${paths.length}> kAssets = {{
${rows.join('')}  }};
  return kAssets;
}

}  // namespace vodlift::panel
`,
);
