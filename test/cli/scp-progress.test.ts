import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { localSsh } from '../support/local-ssh.ts';
import { runSealift, sealiftLauncher } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';
import { until } from '../support/until.ts';

async function tree(directory: string, files: number, name = 'f'): Promise<string> {
  const path = join(directory, 'tree');
  await mkdir(path);
  for (let i = 0; i < files; i++) await writeFile(join(path, `${name}${i}`), 'content');
  return path;
}

/** Makes events longer, so that fewer fill a pipe. */
const longName = 'n'.repeat(240);

function eventsOf(stdout: string): Record<string, unknown>[] {
  expect(stdout.endsWith('\n')).toBe(true);
  const lines = stdout.slice(0, -1).split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('sealift scp --progress', () => {
  it('tells of every file and failure as JSON, and of failures on standard error too', async () => {
    const dir = await tempDirectory();
    await symlink('nowhere', join(await tree(dir, 3), 'dangling'));
    const ssh = await localSsh();
    const args = ['scp', '-O', '-q', '--progress=json', '-r', '-S', ssh, join(dir, 'tree'), `h:${dir}/out`];
    const { status, stdout, stderr } = await runSealift(args);
    const events = eventsOf(stdout);
    expect(status).toBe(1);
    expect(stderr).toBe(`sealift: ${dir}/tree/dangling: No such file or directory\n`);
    expect(events[0]).toMatchObject({ event: 'start', version: 1, target: { host: 'h', path: `${dir}/out` } });
    const files = events.filter(({ event }) => event === 'file');
    expect(
      files.map(({ source, size, result }) => `${String(source)} ${String(size)} ${String(result)}`).sort(),
    ).toEqual([0, 1, 2].map((i) => `${dir}/tree/f${i} 7 copied`));
    expect(events.filter(({ event }) => event === 'error')).toMatchObject([
      { code: 'ENOENT', path: `${dir}/tree/dangling` },
    ]);
    expect(events.at(-1)).toMatchObject({ event: 'summary', exitStatus: 1, files: 3, bytes: 21, failed: 1 });
  });

  it('tells as JSON of a host that cannot be reached', async () => {
    const { status, stdout } = await runSealift(['scp', '--progress=json', '-S', '/bin/false', 'h:f', '/nowhere/']);
    const events = eventsOf(stdout);
    expect(events.map(({ event }) => event)).toEqual(['start', 'error', 'summary']);
    expect(events.at(-1)).toMatchObject({ exitStatus: status, files: 0, failed: 1 });
    expect(status).not.toBe(0);
  });

  it.each(['auto', 'bar', 'none'])('shows nothing where standard output is no terminal (%s)', async (form) => {
    const dir = await tempDirectory();
    await tree(dir, 2);
    const ssh = await localSsh();
    const args = ['scp', '-O', `--progress=${form}`, '-r', '-S', ssh, join(dir, 'tree'), `h:${dir}/out`];
    expect(await runSealift(args)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('waits for a slow reader, who misses nothing', { timeout: 40_000 }, async () => {
    const dir = await tempDirectory();
    await tree(dir, 600, longName);
    const args = ['scp', '-O', '--progress=json', '-r', '-S', await localSsh(), join(dir, 'tree'), `h:${dir}/out`];
    const child = spawn(process.execPath, [sealiftLauncher, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    const landed = async () => (await readdir(join(dir, 'out')).catch(() => [])).length;
    await until(async () => (await landed()) >= 100, exit);
    const events = eventsOf(await text(child.stdout));
    expect(events.filter(({ event }) => event === 'file')).toHaveLength(600);
    expect(events.at(-1)).toMatchObject({ event: 'summary', files: 600 });
    expect(await exit).toEqual([0, null]);
  });

  it('goes on when nobody reads any more', { timeout: 40_000 }, async () => {
    const dir = await tempDirectory();
    await tree(dir, 200);
    const args = ['scp', '-O', '--progress=json', '-r', '-S', await localSsh(), join(dir, 'tree'), `h:${dir}/out`];
    const child = spawn(process.execPath, [sealiftLauncher, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await exit).toEqual([0, null]);
    expect(await readdir(join(dir, 'out'))).toHaveLength(200);
  });

  it('tells the bytes of names that are not UTF-8', async () => {
    const dir = await tempDirectory();
    const name = Buffer.from([0x61, 0xff]);
    const path = Buffer.concat([Buffer.from(`${dir}/from/`), name]);
    await mkdir(join(dir, 'from'));
    const isKept = await writeFile(path, 'x').then(
      () => true,
      () => false,
    );
    // Some file systems take no such names.
    if (!isKept) return;
    const args = ['scp', '-O', '--progress=json', '-r', '-S', await localSsh(), `${dir}/from`, `h:${dir}/to`];
    const { stdout } = await runSealift(args);
    const file = eventsOf(stdout).find(({ event }) => event === 'file');
    expect(file).toMatchObject({ name: 'a\ufffd', nameBase64: name.toString('base64') });
    expect(Buffer.from(String(file?.['sourceBase64']), 'base64').equals(path)).toBe(true);
    expect(await readFile(Buffer.concat([Buffer.from(`${dir}/to/`), name]), 'utf8')).toBe('x');
  });
});
