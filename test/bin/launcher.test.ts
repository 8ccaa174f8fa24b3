import { type ExecFileException, execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const launcher = fileURLToPath(new URL('../../bin/sealift', import.meta.url));

/** Stands in for the command line: says how it was called, or does what its first argument asks for. */
const fakeMain = `export async function main(invocation) {
  const [task] = invocation.args;
  if (task === 'throw') throw new Error('the hold is full');
  if (task === 'much') process.stdout.write('x'.repeat(1_000_000) + 'END');
  else process.stdout.write(JSON.stringify(invocation));
  return task === 'status' ? 7 : 0;
}
`;

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;

function run(
  command: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const path = [join(folder, 'links'), dirname(process.execPath), process.env.PATH ?? ''].join(delimiter);
  const options = { cwd: folder, env: { PATH: path, ...env }, maxBuffer: 4_000_000 };
  return new Promise((resolve) => {
    execFile(command, args, options, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sealift-launcher-')));
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, 'links'));
  await mkdir(join(folder, 'dist', 'command'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'dist', 'command', 'main.js'), fakeMain);
  await copyFile(launcher, join(folder, 'bin', 'sealift'));
  await symlink('../bin/sealift', join(folder, 'links', 'scp'));
  await symlink(join(folder, 'links', 'scp'), join(folder, 'links', 'ship'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(process.platform === 'win32')('the launcher', () => {
  it('starts the command line with its arguments untouched', async () => {
    const { stdout } = await run('bin/sealift', ['serve', '-c', 'a b', '']);
    expect(JSON.parse(stdout)).toEqual({ program: 'sealift', args: ['serve', '-c', 'a b', ''] });
  });

  it('is scp under that name, by path', async () => {
    const { stdout } = await run('links/scp', ['-r', 'a', 'b:']);
    expect(JSON.parse(stdout)).toEqual({ program: 'scp', args: ['-r', 'a', 'b:'] });
  });

  it('is scp under that name, found on PATH', async () => {
    const { stdout } = await run('scp', ['a', 'b']);
    expect(JSON.parse(stdout)).toEqual({ program: 'scp', args: ['a', 'b'] });
  });

  it('goes by the name it was given, not by a link on the way', async () => {
    const { stdout } = await run('ship');
    expect(JSON.parse(stdout)).toEqual({ program: 'sealift', args: [] });
  });

  it('ends with the status of the command line', async () => {
    expect((await run('bin/sealift', ['status'])).status).toBe(7);
  });

  it('lets all output go out', async () => {
    const { stdout } = await run('bin/sealift', ['much']);
    expect(stdout).toHaveLength(1_000_003);
    expect(stdout.endsWith('END')).toBe(true);
  });

  it('says what to do when nothing was built', async () => {
    await rm(join(folder, 'dist'), { recursive: true });
    const { status, stderr } = await run('bin/sealift');
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `sealift: dist/command/main.js: not built\nrun \`npm ci\` in ${folder}/\n`,
    });
  });

  it('shows a stack trace only when asked', async () => {
    const quiet = await run('bin/sealift', ['throw']);
    expect(quiet.status).toBe(1);
    expect(quiet.stderr).toMatch(/^sealift: the hold is full\n/);
    expect(quiet.stderr).not.toContain('    at ');
    const loud = await run('bin/sealift', ['throw'], { SEALIFT_DEBUG: '1' });
    expect(loud.stderr).toContain('    at main');
  });
});
