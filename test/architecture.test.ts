import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  findDefaultExports,
  findImports,
  findProcessState,
  type ImportFound,
  tokenize,
} from './support/source-scan.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Who may import whom; `types` allows only type imports. The table of ARCHITECTURE.md; anything absent is forbidden. */
const roomImports: Readonly<Record<string, Readonly<Record<string, 'all' | 'types'>>>> = {
  base: {},
  wire: { base: 'all' },
  scp: { base: 'all', wire: 'all' },
  sftp: { base: 'all', wire: 'all', files: 'types' },
  ssh: { base: 'all' },
  files: { base: 'all' },
  aaa: { base: 'all', wire: 'all' },
  images: { base: 'all', files: 'all' },
  // The connection is handed in, so that copy/ works with any.
  copy: { base: 'all', wire: 'all', files: 'all', scp: 'all', sftp: 'all', ssh: 'types' },
  server: { base: 'all', files: 'all', scp: 'all', sftp: 'all', ssh: 'all', aaa: 'all', copy: 'all' },
  device: { base: 'all', files: 'all', images: 'all', aaa: 'all', copy: 'all' },
  // Puts connections, protocols and files together for programs, as cli/ does for command lines.
  library: { base: 'all', files: 'all', scp: 'all', sftp: 'all', ssh: 'all', copy: 'all', images: 'all' },
};

/** These put the parts together: every room of the table, and `cli` the public API too. */
const assemblers = ['cli', 'index.ts'];

/** Which rooms may load which package; a package that is not named here is nobody's. */
const packageRooms: Readonly<Record<string, readonly string[]>> = {
  // ssh/ is its only user as a client; server/ needs its Server, and nothing else can accept an SSH connection.
  ssh2: ['ssh', 'server'],
  // The configuration of a server; it gives positions, which the errors need.
  yaml: ['server'],
  // The log of a server.
  pino: ['cli'],
  'ssh-config': ['ssh'],
  '@noble/hashes': ['ssh', 'aaa', 'images'],
};

/** Who may read which part of the process besides cli/. A library that connects as the user's own ssh does needs the search path and the agent's socket, which only the environment tells. */
const processReaders: Readonly<Record<string, readonly string[]>> = {
  'src/library/environment.ts': ['env'],
  // Files that a process leaves behind when it is killed carry its number, so that the next one tells them from files that are being written.
  'src/files/process-mark.ts': ['pid', 'kill'],
};

const lineLimit = 400;

interface SourceFile {
  /** Relative to the project, with slashes: `src/scp/sink.ts`. */
  readonly path: string;
  readonly text: string;
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function mayUseRoom(from: string, to: string): 'all' | 'types' | undefined {
  if (from === to) return 'all';
  if (!assemblers.includes(from)) return roomImports[from]?.[to];
  const allowed = to in roomImports || (from === 'cli' && to === 'index.ts');
  return allowed ? 'all' : undefined;
}

function judgeImport(file: SourceFile, found: ImportFound): string | undefined {
  const room = roomOf(file.path);
  const { from } = found;
  if (from === undefined) return 'imports a module whose name is computed';
  if (found.kind === 'require') return `requires ${from}`;
  if (from.startsWith('node:')) return undefined;
  if (builtinModules.includes(from)) return `imports ${from} without node:`;
  if (!from.startsWith('.')) {
    const allowed = packageRooms[packageOf(from)]?.includes(room) === true;
    return allowed ? undefined : `imports the package ${from}, which ${room} may not`;
  }
  const target = posix.join(posix.dirname(file.path), from);
  if (!from.endsWith('.ts')) return `imports ${from} without .ts`;
  if (!target.startsWith('src/')) return `imports ${from} from outside src`;
  const right = mayUseRoom(room, roomOf(target));
  if (right === undefined) return `imports ${from}: ${room} may not import ${roomOf(target)}`;
  if (right === 'types' && !found.typeOnly)
    return `imports ${from}: ${room} may import only types of ${roomOf(target)}`;
  return undefined;
}

/** Everything in a file that breaks the house rules, as `path:line: what`. */
function findViolations(file: SourceFile): string[] {
  const room = roomOf(file.path);
  const tokens = tokenize(file.text);
  const violations: string[] = [];
  const add = (line: number, what: string): void => {
    violations.push(`${file.path}:${line}: ${what}`);
  };
  if (!(room in roomImports) && !assemblers.includes(room)) add(1, 'is in a room that the table does not know');
  for (const found of findImports(tokens)) {
    const what = judgeImport(file, found);
    if (what !== undefined) add(found.line, what);
  }
  for (const line of findDefaultExports(tokens)) add(line, 'has a default export');
  if (room !== 'cli') {
    const allowed = processReaders[file.path] ?? [];
    const uses = findProcessState(tokens).filter(({ name }) => !allowed.includes(name));
    for (const use of uses) add(use.line, `uses process (${use.name}), which only cli/ may`);
  }
  const lines = file.text.trimEnd().split('\n').length;
  if (lines > lineLimit) add(lines, `has ${lines} lines, more than ${lineLimit}`);
  return violations;
}

function readSources(): SourceFile[] {
  return readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]sx?$/.test(entry.name))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    )
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function listedByGit(): string[] {
  if (!existsSync(join(root, '.git'))) return [];
  try {
    const list = execFileSync('git', ['ls-files', '-z', '--', 'src'], { cwd: root, encoding: 'utf8' });
    return list.split('\0').filter((path) => path.endsWith('.ts') && existsSync(join(root, path)));
  } catch {
    return [];
  }
}

/** The modules that are loaded together with one, before anything is asked of it. */
function loadedWith(start: string, byPath: ReadonlyMap<string, SourceFile>): Set<string> {
  const loaded = new Set<string>();
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    const file = byPath.get(path);
    if (file === undefined) continue;
    for (const { from, kind, typeOnly } of findImports(tokenize(file.text))) {
      if (kind !== 'static' || typeOnly || from === undefined) continue;
      waiting.push(from.startsWith('.') ? posix.join(posix.dirname(path), from) : packageOf(from));
    }
  }
  return loaded;
}

describe('the sources', () => {
  const sources = readSources();
  const byPath = new Map(sources.map((file) => [file.path, file]));

  it('are all read by this test', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(listedByGit().filter((path) => !byPath.has(path))).toEqual([]);
    const imports = sources.flatMap((file) => findImports(tokenize(file.text)));
    expect(imports.length).toBeGreaterThan(sources.length);
  });

  it('keep to the import table, to named exports, to 400 lines, and leave the process to cli/', () => {
    expect(sources.flatMap(findViolations)).toEqual([]);
  });

  it('import only files that exist', () => {
    const missing = sources.flatMap((file) =>
      findImports(tokenize(file.text))
        .filter(({ from }) => from?.startsWith('.') === true)
        .map(({ from }) => posix.join(posix.dirname(file.path), from as string))
        .filter((path) => !byPath.has(path))
        .map((path) => `${file.path}: ${path} is missing`),
    );
    expect(missing).toEqual([]);
  });

  it.each(['src/cli/main.ts', 'src/cli/scp/main.ts'])('load no package just to show the help of %s', (entry) => {
    expect(byPath.has(entry)).toBe(true);
    const loaded = [...loadedWith(entry, byPath)];
    expect(loaded.filter((path) => path in packageRooms)).toEqual([]);
  });
});

describe('a planted violation is found:', () => {
  const inRoom = (room: string, text: string): string[] =>
    findViolations({ path: room === 'index.ts' ? 'src/index.ts' : `src/${room}/a.ts`, text });

  it.each([
    ['base', "import { a } from '../wire/a.ts';", 'base may not import wire'],
    ['server', "import { a } from '../device/a.ts';", 'server may not import device'],
    ['device', "export * from '../server/a.ts';", 'device may not import server'],
    ['device', "import type { A } from '../ssh/a.ts';", 'device may not import ssh'],
    ['copy', "import { connect } from '../ssh/connection.ts';", 'only types of ssh'],
    ['copy', "import { type A, b } from '../ssh/connection.ts';", 'only types of ssh'],
    ['sftp', "const files = await import('../files/local.ts');", 'only types of files'],
    ['scp', "import '../cli/main.ts';", 'scp may not import cli'],
    ['index.ts', "export { main } from './cli/main.ts';", 'index.ts may not import cli'],
    ['files', "import type { Server } from 'ssh2';", 'the package ssh2'],
    ['cli', "const ssh2 = await import('ssh2');", 'the package ssh2'],
    ['ssh', "import x from '@noble/curves/ed25519.js';", 'the package @noble/curves'],
    ['base', "import { a } from './b';", 'without .ts'],
    ['base', "import { a } from './b.js';", 'without .ts'],
    ['cli', "import pkg from '../../package.json' with { type: 'json' };", 'without .ts'],
    ['cli', "import { x } from '../../test/support/x.ts';", 'outside src'],
    ['base', "import { readFile } from 'fs';", 'without node:'],
    ['base', "const fs = require('node:fs');", 'requires'],
    ['base', 'const a = await import(name);', 'computed'],
    ['base', 'const a = await import(`./${name}.ts`);', 'computed'],
    ['base', 'export default function a(): void {}', 'default export'],
    ['base', 'export { a as default };', 'default export'],
    ['ssh', 'const home = process.env.HOME;', 'process (env)'],
    ['ssh', 'globalThis.process.exit(1);', 'process (exit)'],
    ['ssh', 'process?.stdout.write(x);', 'process (stdout)'],
    ['ssh', 'const { env } = process;', 'process (as a whole)'],
    ['ssh', "process['argv'];", 'process (as a whole)'],
    ['ssh', "import { env } from 'node:process';", 'process (env)'],
    ['ssh', "import p from 'node:process';", 'process (default)'],
    ['library', "export const a = process.env['PATH'];", 'process (env)'],
    ['library', "import { a } from '../server/a.ts';", 'library may not import server'],
    ['attic', 'export const a = 1;', 'table does not know'],
  ])('in %s: %s', (room, text, what) => {
    expect(inRoom(room, text)).toEqual([expect.stringContaining(what)]);
  });

  it.each([
    ['base', "import { readFile } from 'node:fs/promises';\nexport const a = process.platform;"],
    ['copy', "import { type A, type B } from '../ssh/connection.ts';\nimport type { C } from '../ssh/connection.ts';"],
    ['server', "import ssh2 from 'ssh2';\nimport { a } from '../copy/a.ts';"],
    ['cli', "import { a } from '../index.ts';\nprocess.exitCode = Number(process.argv[2]);"],
  ])('and nothing in %s: %s', (room, text) => {
    expect(inRoom(room, text)).toEqual([]);
  });

  it('a file of more than 400 lines, and none of 400', () => {
    expect(inRoom('base', `${'\n'.repeat(400)}export const a = 1;\n`)).toEqual([
      'src/base/a.ts:401: has 401 lines, more than 400',
    ]);
    expect(inRoom('base', `${'\n'.repeat(399)}export const a = 1;\n`)).toEqual([]);
  });
});

describe('the scan of imports', () => {
  const scan = (text: string): (string | undefined)[] => findImports(tokenize(text)).map(({ from }) => from);

  it('reads every form', () => {
    const text = [
      "import 'a1';",
      "import a from 'a2';",
      "import * as b from 'a3';",
      "import c, { d as e, type F } from 'a4';",
      "import type { G } from 'a5';",
      "import {\n  h, // from 'no'\n  i,\n}\nfrom /* 'no' */ 'a6' with { type: 'x' };",
      "export { j } from 'a7';",
      "export type { K } from 'a8';",
      "export * from 'a9';",
      "export * as l from 'a10'",
      "type M = import('a11').M<typeof import('a12')>;",
      "const n = { ...await import('a13'), o: await import(\n  `a14`,\n) };",
      'const p = `text ${`inner ${(await import("a15")).default}`} import("no")`;',
      "import q = require('a16');",
      "import from from 'a17'; import type from 'a18'; import type R, { s } from 'a19';",
      'import {} from "a20"',
    ].join('\n');
    expect(scan(text)).toEqual(Array.from({ length: 20 }, (_, index) => `a${index + 1}`));
  });

  it('is not taken in by comments, texts, regular expressions and names', () => {
    const text = [
      "#!/usr/bin/env node import 'no'",
      "// import 'no'",
      "/* import 'no'\nexport * from 'no' */",
      "const a = \"import 'no'\"; const b = 'it\\'s require(\"no\")';",
      "const c = `import 'no'`;",
      "const d = /import 'no'[/']+ `/u; const e = 1 / 2; f(g) / 2; // `",
      "h.import('no'); h.require('no'); const i = { import: 'no', export: 1 };",
      'import.meta.url;',
      "export { j };\nconst from = 'no';",
      "export type K = 'no'; export const from2 = 'no';",
      "return /'/.test(l);",
    ].join('\n');
    expect(scan(text)).toEqual([]);
  });

  it('tells type imports from others and numbers the lines', () => {
    const text =
      "import type { A } from 'a';\n\nimport { type B, type C as D } from 'b';\nimport { type, E } from 'c';";
    expect(findImports(tokenize(text))).toEqual([
      { from: 'a', kind: 'static', typeOnly: true, names: ['A'], line: 1 },
      { from: 'b', kind: 'static', typeOnly: true, names: ['B', 'C'], line: 3 },
      { from: 'c', kind: 'static', typeOnly: false, names: ['type', 'E'], line: 4 },
    ]);
  });

  it.each(["'a\nb'", '`a', '/* a', 'x = /a\n/', '`${a'])('fails rather than reads on out of step: %j', (text) => {
    expect(() => tokenize(text)).toThrow(SyntaxError);
  });
});
