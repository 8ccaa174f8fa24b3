// Compiles src/ to dist/ and bundles the command line in dist/command/. Type errors leave the last good dist/ as it was; output whose source is gone is removed.
// `--force` writes dist/ in spite of type errors, and still fails.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = join(root, 'src');
const dist = join(root, 'dist');
/** What bin/sealift starts. */
const command = join('command', 'main.js');

function fail(message) {
  process.stderr.write(`build: ${message}\n`);
  process.exit(1);
}

/** Every file below a folder, relative to it. */
function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function outputsOf(source) {
  const stem = source.slice(0, -'.ts'.length);
  return [`${stem}.js`, `${stem}.js.map`, `${stem}.d.ts`];
}

function expectedOutputs() {
  return filesBelow(src)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .flatMap(outputsOf);
}

function findCompiler() {
  try {
    return join(createRequire(import.meta.url).resolve('typescript/package.json'), '..', 'bin', 'tsc');
  } catch {
    // `npm ci --omit=dev` runs `prepare` too; a dist/ that came along (an image layer, a tarball) is all that is needed.
    const complete = [...expectedOutputs(), command].every((name) => existsSync(join(dist, name)));
    if (process.env.npm_lifecycle_event === 'prepare' && complete && existsSync(dist)) {
      process.stdout.write('build: TypeScript is not installed; dist/ is complete and stays as it is\n');
      process.exit(0);
    }
    return fail('TypeScript is not installed: run `npm ci` (without --omit=dev)');
  }
}

async function bundle() {
  try {
    // Not where nothing is compiled: then it is not installed.
    const { bundleCommand } = await import('./bundle.mjs');
    await bundleCommand(dist);
  } catch (error) {
    fail(`the command line could not be bundled: ${error.message}`);
  }
}

async function compile() {
  const force = process.argv.includes('--force');
  const options = ['-p', join(root, 'tsconfig.json'), '--noEmitOnError', String(!force)];
  const result = spawnSync(process.execPath, [findCompiler(), ...options], { cwd: root, stdio: 'inherit' });
  if (result.error) fail(`the TypeScript compiler did not start: ${result.error.message}`);
  if (result.status !== 0) {
    if (force) await bundle();
    fail(`type errors${force ? '' : '; dist/ was not changed (--force writes it anyway)'}`);
  }
}

function removeEmptyFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    removeEmptyFolders(path);
    if (readdirSync(path).length === 0) rmdirSync(path);
  }
}

const startedMs = Date.now();
const expectedBefore = expectedOutputs();
if (expectedBefore.length === 0) fail('src/ holds no TypeScript file');
await compile();

const expected = new Set(expectedOutputs());
for (const name of filesBelow(dist)) {
  if (!expected.has(name) && !name.startsWith(join('command', '/'))) rmSync(join(dist, name), { force: true });
}
removeEmptyFolders(dist);

// One second of slack for file systems that keep times in whole seconds.
const isFresh = (name) => existsSync(join(dist, name)) && statSync(join(dist, name)).mtimeMs >= startedMs - 1000;
const stale = expectedBefore.filter((name) => expected.has(name) && !isFresh(name));
if (stale.length > 0) fail(`the compiler did not write ${stale.slice(0, 5).join(', ')}`);
await bundle();
process.stdout.write(
  `build: ${expected.size / 3} modules in dist/, bundled in dist/command/, after ${Date.now() - startedMs} ms\n`,
);
