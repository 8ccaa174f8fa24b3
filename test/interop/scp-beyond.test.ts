import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { makeTree } from '../../src/cli/demo/tree.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

const good = { status: 0, stdout: '', stderr: '' };

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

describePeer(['sshd', 'ssh', 'ssh-keygen', 'sftp-server'], 'what sealift scp can do beyond scp', () => {
  let sshd: RunningSshd;
  let client: ClientFiles;
  beforeAll(async () => {
    sshd = await startSshd();
    client = await sshd.client();
  });
  afterAll(async () => {
    await sshd.stop();
  });
  const scp = (args: readonly string[], transport = 'builtin', configFile = client.configFile) =>
    runSealift(['scp', `--transport=${transport}`, '-F', configFile, ...args]);

  describe.each(['ssh', 'builtin'])('by the transport %s', (transport) => {
    it('verifies each copy both ways, with the digest of the host', async () => {
      const dir = await tempDirectory();
      await makeTree(join(dir, 'tree'), { smallFiles: 60, bigFileBytes: 1_000_000, depth: 4 });
      expect(await scp(['-rp', '--verify', join(dir, 'tree'), `server:${dir}/up`], transport)).toEqual(good);
      expect(await scp(['-rp', '--verify', `server:${dir}/up`, join(dir, 'down')], transport)).toEqual(good);
      expect((await compareTrees(join(dir, 'tree'), join(dir, 'down'))).differences).toEqual([]);
    });

    it('copies from one place of a host to another, and between two hosts, in every mix of protocols', async () => {
      const other = await startSshd();
      try {
        const dir = await tempDirectory();
        const { configFile: second } = await other.client({ alias: 'other' });
        const config = join(dir, 'config');
        await writeFile(config, (await readFile(client.configFile, 'utf8')) + (await readFile(second, 'utf8')));
        await chmod(config, 0o600);
        await makeTree(join(dir, 'tree'), { smallFiles: 60, bigFileBytes: 700_000, depth: 4 });
        for (const [name, args] of Object.entries({
          same: ['server:{S}', 'server:{T}'],
          sftp: ['server:{S}', 'other:{T}'],
          scp: ['-O', 'server:{S}', 'other:{T}'],
        })) {
          const operands = args.map((arg) => arg.replace('{S}', `${dir}/tree`).replace('{T}', `${dir}/${name}`));
          expect(await scp(['-rp', ...operands], transport, config)).toEqual(good);
          const { differences } = await compareTrees(join(dir, 'tree'), join(dir, name));
          // The scp of the target does not take back what its protocol does to a line feed.
          expect(name === 'scp' ? differences.filter((line) => !/line\.txt/.test(line)) : differences).toEqual([]);
        }
      } finally {
        await other.stop();
      }
    });

    it('-R ends with 1 where the first host cannot be reached, as scp does', async () => {
      const gone = await startSshd();
      const { configFile } = await gone.client({ alias: 'gone' });
      const kept = join(await tempDirectory(), 'config');
      await copyFile(configFile, kept);
      await gone.stop();
      const result = await scp(['-R', 'gone:f', 'other:g'], transport, kept);
      expect(result.status).toBe(1);
      expect(result.stderr).toContain('gone');
      // Without it the same is the end of the run.
      expect((await scp(['gone:f', 'g'], transport, kept)).status).toBe(255);
    });

    it('falls back to the SCP protocol with one line of notice, and -s forbids it', async () => {
      const bare = await startSshd({ config: ['Subsystem sftp /bin/false'] });
      const full = await startSshd();
      try {
        const dir = await tempDirectory();
        await writeFile(join(dir, "it's 5 $HOME * a"), 'content');
        await mkdir(join(dir, 'to'));
        const { configFile } = await bare.client({ alias: 'bare' });
        const notice = 'sealift: bare: the server has no SFTP; copying by the SCP protocol (-O)\n';
        const name = "it's 5 $HOME * a";
        // As in the SFTP mode, names are no words of a shell.
        const up = await scp([join(dir, name), join(dir, name), `bare:${dir}/to/`], transport, configFile);
        expect(up).toEqual({ status: 0, stdout: '', stderr: notice });
        expect(await readdir(join(dir, 'to'))).toEqual([name]);
        const down = await scp([`bare:${dir}/to/it's*`, join(dir, 'back')], transport, configFile);
        expect(down).toEqual({ status: 0, stdout: '', stderr: notice });
        expect(await readFile(join(dir, 'back'), 'utf8')).toBe('content');
        // With -q ssh does not say why it ends.
        const quiet = await scp(['-q', join(dir, name), `bare:${dir}/quiet`], transport, configFile);
        expect(quiet).toEqual(good);
        const strict = await scp(['-s', join(dir, name), `bare:${dir}/no`], transport, configFile);
        expect(strict.status).toBe(255);
        expect(strict.stderr).toMatch(/^sealift: bare: /);
        const beyond = await scp(['--update', join(dir, name), `bare:${dir}/no`], transport, configFile);
        // In place of the notice: nothing is copied by the SCP protocol.
        expect(beyond.stderr).toBe(
          'sealift: bare: --update needs SFTP, which the server does not have\nsealift: leave --update out\n',
        );
        expect(beyond.status).toBe(255);
        expect((await readdir(dir)).includes('no')).toBe(false);
        const both = join(dir, 'config');
        const { configFile: second } = await full.client({ alias: 'full' });
        await writeFile(both, (await readFile(configFile, 'utf8')) + (await readFile(second, 'utf8')), { mode: 0o600 });
        for (const [from, to] of [
          ['bare', 'full'],
          ['full', 'bare'],
        ] as const) {
          const between = await scp([`${from}:${dir}/back`, `${to}:${dir}/from-${from}`], transport, both);
          expect(between).toEqual({ status: 0, stdout: '', stderr: notice });
          expect(await readFile(join(dir, `from-${from}`), 'utf8')).toBe('content');
        }
      } finally {
        await bare.stop();
        await full.stop();
      }
    });
  });

  it('copies on one host without moving the content through here', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), Buffer.alloc(3_000_000, 'x'));
    const { status, stderr } = await scp(['-vvv', `server:${dir}/f`, `server:${dir}/g`]);
    expect(status).toBe(0);
    expect(stderr).not.toContain('SSH_FXP_READ id');
    expect((await readFile(join(dir, 'g'))).equals(await readFile(join(dir, 'f')))).toBe(true);
  });

  it('leaves the old content under the name until the new one is whole, with --atomic', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), Buffer.alloc(4_000_000, 'n'));
    await writeFile(join(dir, 'target'), 'old');
    await chmod(join(dir, 'target'), 0o640);
    const { ino } = await stat(join(dir, 'target'));
    const slow = scp(['--atomic', '-l', '16384', join(dir, 'f'), `server:${dir}/target`]);
    let seen = 0;
    let done = false;
    void slow.then(() => {
      done = true;
    });
    for (; !done; seen++) {
      expect([3, 4_000_000]).toContain((await stat(join(dir, 'target'))).size);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await slow).toEqual(good);
    expect(seen).toBeGreaterThan(10);
    const after = await stat(join(dir, 'target'));
    expect([after.size, after.mode & 0o777]).toEqual([4_000_000, 0o640]);
    expect(after.ino).not.toBe(ino);
    expect((await readdir(dir)).sort()).toEqual(['f', 'target']);
  });

  it('does so where the name is a link, and leaves the link', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), Buffer.alloc(2_000_000, 'n'));
    await mkdir(join(dir, 'releases'));
    await writeFile(join(dir, 'releases', 'one'), 'old');
    await symlink('releases/one', join(dir, 'current'));
    await symlink('current', join(dir, 'other'));
    const { ino } = await stat(join(dir, 'current'));
    const slow = scp(['--atomic', '-l', '16384', join(dir, 'f'), `server:${dir}/other`]);
    let done = false;
    void slow.then(() => {
      done = true;
    });
    while (!done) {
      expect([3, 2_000_000]).toContain((await stat(join(dir, 'current'))).size);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await slow).toEqual(good);
    expect((await stat(join(dir, 'releases', 'one'))).ino).not.toBe(ino);
    expect([await readlink(join(dir, 'current')), await readlink(join(dir, 'other'))]).toEqual([
      'releases/one',
      'current',
    ]);
    expect(await readdir(join(dir, 'releases'))).toEqual(['one']);
    // What leads nowhere is made through the link, as scp does it.
    await symlink('releases/two', join(dir, 'dangling'));
    expect(await scp(['--atomic', join(dir, 'f'), `server:${dir}/dangling`])).toEqual(good);
    expect((await stat(join(dir, 'releases', 'two'))).size).toBe(2_000_000);
  });

  it('makes missing directories with --mkdir, both ways, and not without', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'x');
    expect((await scp([join(dir, 'f'), `server:${dir}/a/b/c`])).status).toBe(1);
    expect(await scp(['--mkdir', join(dir, 'f'), `server:${dir}/a/b/c`])).toEqual(good);
    expect(await scp(['--mkdir', join(dir, 'f'), `server:${dir}/d/e/`])).toEqual(good);
    expect(await scp(['--mkdir', `server:${dir}/f`, join(dir, 'g/h/i')])).toEqual(good);
    expect(await scp(['--mkdir', `server:${dir}/f`, join(dir, 'j/')])).toEqual(good);
    expect(await filesBelow(dir)).toEqual(['a/b/c', 'd/e/f', 'f', 'g/h/i', 'j/f']);
    expect((await scp(['--mkdir', join(dir, 'f'), `server:${dir}/f/below/x`])).stderr).toMatch(
      /\/f.*: Not a directory/,
    );
  });

  it('copies what the rules leave', async () => {
    const dir = await tempDirectory();
    for (const folder of ['src/.git/x', 'src/lib/deep', 'src/node_modules/m']) {
      await mkdir(join(dir, folder), { recursive: true });
      for (const file of ['a.js', 'b.ts', '.hidden']) await writeFile(join(dir, folder, file), 'x');
    }
    const copied = async (name: string, rules: readonly string[]) => {
      expect(await scp(['-r', ...rules, `${dir}/src`, `server:${dir}/up-${name}`])).toEqual(good);
      expect(await scp(['-r', ...rules, `server:${dir}/src`, join(dir, `down-${name}`)])).toEqual(good);
      const files = await filesBelow(join(dir, `up-${name}`));
      expect(await filesBelow(join(dir, `down-${name}`))).toEqual(files);
      return files;
    };
    expect(await copied('one', ['--exclude', 'node_modules/', '--exclude', '.*'])).toEqual([
      'lib/deep/a.js',
      'lib/deep/b.ts',
    ]);
    expect(await copied('two', ['--include', '*.ts', '--exclude', '*'])).toEqual([
      '.git/x/b.ts',
      'lib/deep/b.ts',
      'node_modules/m/b.ts',
    ]);
    expect(await copied('three', ['--include', 'src/lib/**/a.js'])).toEqual(['lib/deep/a.js']);
  });

  it('leaves out what is up to date, with --update', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'from'));
    await mkdir(join(dir, 'to'));
    for (const name of ['same', 'older', 'other-size', 'new']) await writeFile(join(dir, 'from', name), 'content');
    await writeFile(join(dir, 'to', 'same'), 'CONTENT');
    await writeFile(join(dir, 'to', 'older'), 'CONTENT');
    await writeFile(join(dir, 'to', 'other-size'), 'C');
    for (const name of ['same', 'older', 'other-size', 'new']) await utimes(join(dir, 'from', name), 2000, 2000);
    await utimes(join(dir, 'to', 'older'), 1000, 1000);
    expect(await scp(['-r', '--update', `${dir}/from/.`, `server:${dir}/to`])).toEqual(good);
    const read = (name: string) => readFile(join(dir, 'to', name), 'utf8');
    expect(await Promise.all(['same', 'older', 'other-size', 'new'].map(read))).toEqual([
      'CONTENT',
      'content',
      'content',
      'content',
    ]);
  });

  it('changes nothing with --dry-run and lists what would be copied', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'tree', 'd'), { recursive: true });
    await writeFile(join(dir, 'tree', 'd', 'f\n'), 'abc');
    for (const [target, shown] of [
      [`server:${dir}/new`, `server:${dir}/new`],
      [join(dir, 'new'), join(dir, 'new')],
    ] as const) {
      const source = target.startsWith('server:') ? join(dir, 'tree') : `server:${dir}/tree`;
      const result = await scp(['-r', '--dry-run', source, target]);
      expect(result.stdout).toBe(`${source}/d/f\\012 -> ${shown}/d/f\\012\n1 file would be copied, 3 bytes\n`);
      expect([result.status, result.stderr]).toEqual([0, '']);
    }
    expect((await readdir(dir)).sort()).toEqual(['tree']);
  });

  it('does so between two local names too, where cp could not', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'tree'));
    for (const name of ['a.js', 'b.ts']) await writeFile(join(dir, 'tree', name), 'abc');
    const list = `${dir}/tree/a.js -> ${dir}/new/a.js\n1 file would be copied, 3 bytes\n`;
    const rules = ['-r', '--exclude', '*.ts', join(dir, 'tree'), join(dir, 'new')];
    expect(await runSealift(['scp', '--dry-run', ...rules])).toEqual({ ...good, stdout: list });
    expect(await readdir(dir)).toEqual(['tree']);
    expect(await runSealift(['scp', ...rules])).toEqual(good);
    expect(await readdir(join(dir, 'new'))).toEqual(['a.js']);
  });

  it('replaces a file on a server that renames to free names only, and says where it cannot', async () => {
    const server = ['-D', needsPeer('sftp-server')];
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'new');
    await writeFile(join(dir, 'g'), 'old');
    const plain = join(dir, 'plain');
    await writeFile(plain, `#!/bin/sh\nexec ${server[1]} -P posix-rename\n`, { mode: 0o755 });
    const atomic = await runSealift(['scp', '-D', plain, '--atomic', join(dir, 'f'), `h:${dir}/g`]);
    expect(atomic.stderr).toMatch(/g: the server cannot replace a file in one step .*\nsealift: leave --atomic out/);
    expect([atomic.status, await readFile(join(dir, 'g'), 'utf8')]).toEqual([1, 'old']);
    expect(await runSealift(['scp', '-D', plain, '--resume', join(dir, 'f'), `h:${dir}/g`])).toEqual(good);
    expect(await readFile(join(dir, 'g'), 'utf8')).toBe('new');
    expect((await readdir(dir)).sort()).toEqual(['f', 'g', 'plain']);
  });

  it('copies links as links with --links, and never through one', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'tree', 'd'), { recursive: true });
    await writeFile(join(dir, 'tree', 'd', 'f'), 'x');
    await symlink('../../outside', join(dir, 'tree', 'out'));
    await symlink('d', join(dir, 'tree', 'in'));
    expect(await scp(['-r', '--links', join(dir, 'tree'), `server:${dir}/up`])).toEqual(good);
    expect(await scp(['-r', '--links', `server:${dir}/up`, join(dir, 'down')])).toEqual(good);
    // Again, onto what is there.
    expect(await scp(['-r', '--links', `server:${dir}/up/.`, join(dir, 'down')])).toEqual(good);
    expect(await readlink(join(dir, 'down', 'out'))).toBe('../../outside');
    expect(await readlink(join(dir, 'down', 'in'))).toBe('d');
    // What was a directory is a link in the target now, and leads outside.
    await rm(join(dir, 'down', 'd'), { recursive: true });
    await mkdir(join(dir, 'outside'));
    await symlink('../outside', join(dir, 'down', 'd'));
    const result = await scp(['-r', '--links', `server:${dir}/up/.`, join(dir, 'down')]);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('is a symbolic link');
    expect(await readdir(join(dir, 'outside'))).toEqual([]);
  });

  it.each([
    ['--retry', '-1'],
    ['--retry', 'x'],
    ['--parallel', '0'],
    ['-j', '99999'],
    ['--exclude', '/'],
    ['-O', '--update'],
    ['-R', '--resume'],
  ])('refuses %s %s with the reason and the usage', async (...args) => {
    const result = await runSealift(['scp', ...args, 'a', 'h:b']);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/^sealift: -.*\nusage: /);
  });
});
