import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Outcome, runProgram } from '../support/sealift.ts';
import { snippetsOfComments, snippetsOfGuide } from '../support/snippets.ts';
import { createTempDirectory } from '../support/temp.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '..', 'bin', 'tsc');

/** What the snippets take for granted. */
const PRELUDE = `
import type * as sealift from 'sealift';
declare global {
  const host: sealift.Host;
  const password: string;
  const connect: typeof sealift.connect;
  const connectSsh: typeof sealift.connectSsh;
  const systemEnvironment: typeof sealift.systemEnvironment;
  const copy: typeof sealift.copy;
  const CopyError: typeof sealift.CopyError;
  const pipeline: typeof import('node:stream/promises').pipeline;
  const createReadStream: typeof import('node:fs').createReadStream;
  const createGunzip: typeof import('node:zlib').createGunzip;
  const extract: () => NodeJS.WritableStream;
}
`;

/** A folder in which the packed package is installed, as `npm install sealift` leaves it. The registry is not asked: dependencies are those of this checkout. */
async function install(): Promise<{ path: string; remove: () => Promise<void> }> {
  const folder = await createTempDirectory('package');
  const modules = join(folder.path, 'node_modules');
  const packed = await runProgram(npm, ['pack', '--ignore-scripts', '--json', '--pack-destination', folder.path], {
    cwd: root,
  });
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  await mkdir(modules);
  await runProgram('tar', ['xzf', join(folder.path, filename), '-C', folder.path]);
  await rename(join(folder.path, 'package'), join(modules, 'sealift'));
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(dependencies), '@types/node', 'undici-types']) {
    if (name.includes('/')) await mkdir(join(modules, name, '..'), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  return folder;
}

async function output(outcome: Promise<Outcome>): Promise<string> {
  const { status, stdout, stderr } = await outcome;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

describe('the package', () => {
  let folder: string;
  beforeAll(async () => {
    const installed = await install();
    folder = installed.path;
    return installed.remove;
  });

  const run = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return await output(runProgram(process.execPath, [name], { cwd: folder, env: {} }));
  };

  it('is imported from ES modules', async () => {
    const text = "import * as sealift from 'sealift';\nconsole.log(typeof sealift.connect, typeof sealift.copy);\n";
    expect(await run('a.mjs', text)).toBe('function function');
  });

  it('is required from CommonJS, without a warning', async (context) => {
    if (!process.features.require_module) context.skip('this Node cannot require ES modules');
    const text = "const { connect, CopyError } = require('sealift');\nconsole.log(typeof connect, CopyError.name);\n";
    expect(await run('a.cjs', text)).toBe('function CopyError');
  });

  it('loads ssh2 when something needs it and not before', async () => {
    const text = `import * as sealift from 'sealift';
import { createRequire } from 'node:module';
const { cache } = createRequire(import.meta.url);
const isLoaded = () => Object.keys(cache).some((path) => /[\\\\/]ssh2[\\\\/]/.test(path));
const before = isLoaded();
await sealift.loadHostKeys('keys');
console.log(before, isLoaded());
`;
    expect(await run('lazy.mjs', text)).toBe('false true');
  });

  it('has declarations that need no types of ssh2', async () => {
    await writeFile(join(folder, 'd.mts'), "import * as sealift from 'sealift';\nexport const { listen } = sealift;\n");
    const { stdout } = await compileWith('', 'd.mts');
    expect(stdout.split('\n').filter((line) => /sealift|ssh2/.test(line))).toEqual([]);
  });

  const compile = (...names: string[]): Promise<Outcome> => compileWith('--skipLibCheck', ...names);

  const compileWith = async (more: string, ...names: string[]): Promise<Outcome> => {
    const options = `--noEmit --strict ${more} --target es2023 --lib es2023,esnext.disposable --module nodenext`;
    const args = [tsc, ...options.split(' ').filter((word) => word !== ''), '--types', 'node', ...names];
    return await runProgram(process.execPath, args, { cwd: folder });
  };

  it('has types for both', async () => {
    await writeFile(
      join(folder, 'a.mts'),
      `import { connect, type CopyEvent, type Host } from 'sealift';
const host: Host = await connect({ host: 'x' });
const copy = host.upload('a', 'b', { filter: ({ size }) => size > 1, onError: ({ code }) => (code === 'ENOENT' ? 'continue' : 'throw') });
for await (const event of copy) {
  const type: CopyEvent['type'] = event.type;
  if (event.type === 'bytes') console.log(type, event.file.name, event.fileBytes.toFixed());
}
const { files, errors } = await copy;
console.log(files, errors[0]?.code === 'EACCES');
`,
    );
    await writeFile(
      join(folder, 'b.cts'),
      "import sealift = require('sealift');\nexport const host: Promise<sealift.Host> = sealift.connect({ host: 'x' });\n",
    );
    await writeFile(join(folder, 'c.mts'), "import { connect } from 'sealift';\nawait connect({ hots: 'x' });\n");
    expect(await compile('a.mts', 'b.cts')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await compile('c.mts')).stdout).toContain("'hots' does not exist");
  });

  it('has a guide and examples in its comments that compile', async () => {
    const snippets = [
      ...snippetsOfGuide(join(root, 'docs/guide/library.md'), 'ts'),
      ...snippetsOfComments(join(root, 'src/library')),
      ...snippetsOfComments(join(root, 'src')),
    ];
    expect(snippets.length).toBeGreaterThan(20);
    await writeFile(join(folder, 'prelude.d.mts'), PRELUDE);
    const names = await Promise.all(
      snippets.map(async ({ where, code }, index) => {
        await writeFile(join(folder, `s${index}.mts`), `// ${where}\n${code}\nexport {};\n`);
        return `s${index}.mts`;
      }),
    );
    expect((await compile('prelude.d.mts', ...names)).stdout).toBe('');
  });

  it('is clean by publint and attw', async () => {
    const outcome = await runProgram(npm, ['run', '--silent', 'check:package'], { cwd: root });
    onTestFinished(({ task }) => {
      if (task.result?.state === 'fail') console.log(outcome.stdout, outcome.stderr);
    });
    expect(outcome.status).toBe(0);
  });
});
