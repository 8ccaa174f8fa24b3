import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compareTrees } from '../../src/cli/demo/compare.ts';
import { makeTree } from '../../src/cli/demo/tree.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { type Outcome, runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

const good: Outcome = { status: 0, stdout: '', stderr: '' };

/** How clients put and get, by name. */
interface Clients {
  readonly copy: (which: 'openssh' | 'sealift', ...args: string[]) => Promise<Outcome>;
  readonly sftp: (...lines: string[]) => Promise<Outcome>;
  readonly legacy: (...args: string[]) => Promise<Outcome>;
  readonly run: (command: string) => Promise<Outcome>;
}

/** An sshd with these lines; `PROGRAM` in them starts ours. */
async function withSshd(lines: readonly string[]): Promise<Clients> {
  const dir = await tempDirectory('sftp-server');
  const program = join(dir, 'sealift');
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${sealiftLauncher}' "$@"\n`);
  await chmod(program, 0o755);
  const sshd = await startSshd({ config: lines.map((line) => line.replace('PROGRAM', program)) });
  onTestFinished(() => sshd.stop());
  const { configFile } = await sshd.client();
  return {
    copy: (which, ...args) =>
      which === 'openssh'
        ? runProgram(needsPeer('scp'), ['-F', configFile, ...args])
        : runSealift(['scp', '-F', configFile, ...args]),
    sftp: (...commands) =>
      runProgram(needsPeer('sftp'), ['-q', '-b', '-', '-F', configFile, 'server'], {
        input: commands.map((command) => `${command}\n`).join(''),
      }),
    legacy: (...args) => runProgram(needsPeer('scp'), ['-O', '-F', configFile, ...args]),
    run: (command) => runProgram(needsPeer('ssh'), ['-F', configFile, 'server', command]),
  };
}

describePeer(['sshd', 'ssh', 'ssh-keygen', 'scp', 'sftp'], 'sealift sftp-server behind the sshd of the system', () => {
  it.each(['openssh', 'sealift'] as const)(
    'as its subsystem gives and takes a tree, byte for byte, with the client %s',
    async (which) => {
      const { copy } = await withSshd(['Subsystem sftp PROGRAM sftp-server']);
      const dir = await tempDirectory();
      await makeTree(join(dir, 'tree'), { smallFiles: 40, bigFileBytes: 3_000_000, depth: 8 });
      expect(await copy(which, '-rpq', join(dir, 'tree'), `server:${dir}/up`)).toEqual(good);
      expect(await copy(which, '-rpq', `server:${dir}/up`, join(dir, 'down'))).toEqual(good);
      for (const copied of ['up', 'down']) {
        const { differences } = await compareTrees(join(dir, 'tree'), join(dir, copied));
        // OpenSSH's client sets the times of a directory before it fills it.
        expect(differences.filter((line) => which === 'sealift' || !/: time/.test(line))).toEqual([]);
      }
    },
  );

  describe('as the forced command with --root', () => {
    async function forced(): Promise<Clients & { readonly root: string; readonly dir: string }> {
      const [root, dir] = [await tempDirectory('root'), await tempDirectory()];
      const lines = [`ForceCommand PROGRAM sftp-server --root ${root}`, 'Subsystem sftp internal-sftp'];
      return { ...(await withSshd(lines)), root, dir };
    }

    it('serves what is below it, whatever is asked for, and nothing else', async () => {
      const { copy, sftp, root, dir } = await forced();
      await writeFile(join(dir, 'f'), 'content');
      await writeFile(join(dir, 'secret'), 'secret');
      await symlink(dir, join(root, 'out'));
      for (const which of ['openssh', 'sealift'] as const) {
        expect(await copy(which, join(dir, 'f'), `server:${which}`)).toEqual(good);
        expect(await readFile(join(root, which), 'utf8')).toBe('content');
        for (const name of ['out/secret', `../../../..${dir}/secret`, `${dir}/secret`]) {
          const outcome = await copy(which, `server:${name}`, join(dir, 'taken'));
          expect(outcome.status, name).toBe(1);
        }
        expect((await copy(which, join(dir, 'f'), 'server:out/planted')).status).toBe(1);
      }
      expect((await readdir(dir)).sort()).toEqual(['f', 'secret']);
      expect(await sftp('pwd', 'rename openssh renamed')).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('Remote working directory: /\n') as string,
      });
      expect((await readdir(root)).sort()).toEqual(['out', 'renamed', 'sealift']);
    });

    it('serves the SCP protocol too, with the same bounds', async () => {
      const { legacy, root, dir } = await forced();
      await mkdir(join(dir, 'd'));
      await writeFile(join(dir, 'd', 'f'), 'content');
      await symlink(dir, join(root, 'out'));
      expect(await legacy('-r', join(dir, 'd'), 'server:up')).toEqual(good);
      expect(await legacy('-r', "server:'up'", join(dir, 'down'))).toEqual(good);
      expect(await readFile(join(dir, 'down', 'f'), 'utf8')).toBe('content');
      const escapes = [`../../..${dir}/d/f`, 'out/d/f', '/etc/passwd'];
      for (const name of escapes) expect((await legacy(`server:${name}`, join(dir, 'taken'))).status, name).toBe(1);
      expect((await legacy(join(dir, 'd', 'f'), 'server:out/planted')).status).toBe(1);
      expect(await legacy(join(dir, 'd', 'f'), "server:'$(touch x)'")).toEqual(good);
      expect((await readdir(root)).sort()).toEqual(['$(touch x)', 'out', 'up']);
      expect((await readdir(dir)).sort()).toEqual(['d', 'down']);
    });

    it('tells a client of the SCP protocol at once where that is not served', async () => {
      const dir = await tempDirectory();
      await writeFile(join(dir, 'f'), 'content');
      const said = { status: 1, stdout: '', stderr: 'scp: this account offers SFTP only: leave out -O\n' };
      for (const options of ['', `-P remove --root ${dir}`]) {
        const { legacy } = await withSshd([`ForceCommand PROGRAM sftp-server ${options}`]);
        expect(await legacy(join(dir, 'f'), 'server:g')).toEqual(said);
      }
      const { legacy, run } = await withSshd([`ForceCommand PROGRAM sftp-server -R -e -l INFO --root ${dir}`]);
      expect((await legacy(join(dir, 'f'), 'server:g')).stderr).toBe('scp: /g: Read-only file system\n');
      // What is reported on standard error the client shows.
      expect(await legacy('server:f', join(dir, 'copy'))).toEqual({
        ...good,
        stderr: 'sftp-server: scp f: complete, 7 bytes\n',
      });
      expect((await readdir(dir)).sort()).toEqual(['copy', 'f']);
      expect((await run('scp -t a b')).stdout).toContain('\u0001scp: ambiguous target: more than one path');
    });
  });

  it('read only, and with requests taken away, as sftp-server(8)', async () => {
    const { sftp } = await withSshd(['Subsystem sftp PROGRAM sftp-server -R']);
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'content');
    expect((await sftp(`get ${dir}/f ${dir}/g`)).status).toBe(0);
    for (const command of [`put ${dir}/f ${dir}/h`, `rm ${dir}/f`, `mkdir ${dir}/d`, `chmod 600 ${dir}/f`])
      expect(await sftp(command), command).toMatchObject({ status: 1 });
    expect((await readdir(dir)).sort()).toEqual(['f', 'g']);
    const without = await withSshd(['Subsystem sftp PROGRAM sftp-server -P remove']);
    expect((await without.sftp(`rm ${dir}/f`)).status).toBe(1);
    expect((await without.sftp(`mkdir ${dir}/d`)).status).toBe(0);
    expect((await readdir(dir)).sort()).toEqual(['d', 'f', 'g']);
  });
});
