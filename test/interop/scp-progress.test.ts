import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describePeer, needsPeer, type Peer } from '../support/peers.ts';
import { Screen } from '../support/screen.ts';
import { runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

const scriptProgram: Peer = { name: 'script', debianPackage: 'bsdutils', command: 'script' };

/** Files of 50,000 bytes, and links that lead nowhere. */
async function tree(directory: string, files: number, links: number): Promise<string> {
  const path = join(directory, 'tree');
  await mkdir(path);
  for (let i = 0; i < files; i++) await writeFile(join(path, `f${i}`), Buffer.alloc(50_000));
  for (let i = 0; i < links; i++) await symlink('nowhere', join(path, `link${i}`));
  return path;
}

/** Runs `sealift scp` on a terminal of its own and gives back what stands there in the end. */
async function onTerminal(directory: string, ...args: readonly string[]): Promise<string[]> {
  const words = [process.execPath, sealiftLauncher, 'scp', ...args].map((word) => `'${word}'`).join(' ');
  const log = join(directory, 'typescript');
  const { stdout } = await runProgram(needsPeer(scriptProgram), ['-qefc', words, log], {
    env: { ...process.env, SHELL: '/bin/sh' },
  });
  const screen = new Screen();
  screen.write(stdout);
  return screen.shown;
}

describePeer(['sftp-server', scriptProgram], 'progress on a terminal, by SFTP', () => {
  it('is one line for a tree, with errors above it', async () => {
    const dir = await tempDirectory();
    const from = await tree(dir, 60, 5);
    const to = `h:${dir}/out`;
    const shown = await onTerminal(dir, '-l', '20000', '-D', needsPeer('sftp-server'), '-r', from, to);
    const errors = shown.filter((line) => line.startsWith('sealift: '));
    expect(errors.sort()).toEqual([0, 1, 2, 3, 4].map((i) => `sealift: ${from}/link${i}: No such file or directory`));
    expect(shown.filter((line) => !line.startsWith('sealift: '))).toEqual([
      expect.stringMatching(/^60 files, 5 failed {2}100% 2930KB .*MB\/s {2}00:0\d$/),
      '',
    ]);
  });

  it('is the line of scp for one file, and nothing with none', async () => {
    const dir = await tempDirectory();
    const from = join(await tree(dir, 1, 0), 'f0');
    const peer = ['-D', needsPeer('sftp-server')];
    expect(await onTerminal(dir, ...peer, from, `h:${dir}/out`)).toEqual([
      expect.stringMatching(/^f0 {2}100% {2}49KB .*B\/s {2}00:00$/),
      '',
    ]);
    expect(await onTerminal(dir, ...peer, '--progress=none', from, `h:${dir}/out`)).toEqual(['']);
  });
});

describePeer(['sftp-server'], 'progress as JSON, by SFTP', () => {
  it('tells of each of many files at a time, with both paths', async () => {
    const dir = await tempDirectory();
    await tree(dir, 200, 1);
    await mkdir(join(dir, 'out', 'tree', 'f7'), { recursive: true });
    const peer = ['-D', needsPeer('sftp-server')];
    const { status, stdout } = await runSealift([
      'scp',
      '--progress=json',
      '-r',
      ...peer,
      `h:${dir}/tree`,
      `${dir}/out`,
    ]);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(status).toBe(1);
    const files = events.filter(({ event }) => event === 'file');
    expect(new Set(files.map(({ name }) => name)).size).toBe(200);
    expect(files.find(({ name }) => name === 'f0')).toMatchObject({
      source: `h:${dir}/tree/f0`,
      target: `${dir}/out/tree/f0`,
      size: 50_000,
      result: 'copied',
    });
    expect(files.filter(({ result }) => result === 'failed')).toMatchObject([{ name: 'f7' }]);
    expect(events.filter(({ event }) => event === 'error')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ event: 'summary', exitStatus: 1, files: 199, failed: 2 });
  });
});
