import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { keptName, uploadName } from '../../src/files/private-names.ts';
import { thisProcess } from '../../src/files/process-mark.ts';
import { SftpSession } from '../../src/sftp/session.ts';
import { runSealift, sealiftLauncher } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

interface Started {
  readonly sftp: SftpSession;
  /** Ends the session; the status and what was reported. */
  end(): Promise<{ status: number | null; stderr: string }>;
}

async function start(cwd: string, ...args: string[]): Promise<Started> {
  const child = spawn(process.execPath, [sealiftLauncher, 'sftp-server', ...args], { cwd, stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const exited = once(child, 'close') as Promise<[number | null]>;
  const sftp = await SftpSession.open({ input: child.stdout, output: child.stdin }, { host: 'server' });
  const end = async (): Promise<{ status: number | null; stderr: string }> => {
    sftp.close();
    const [status] = await exited;
    return { status, stderr };
  };
  return { sftp, end };
}

async function put(sftp: SftpSession, path: string, mode = 0o666): Promise<void> {
  const handle = await sftp.open(path, 2 | 8 | 16, { permissions: mode });
  await sftp.write(handle, 0, [Buffer.from('content')]);
  await sftp.closeHandle(handle);
}

describe('sealift sftp-server', () => {
  it('serves the whole machine from where it is started, in silence', async () => {
    const cwd = await tempDirectory();
    const { sftp, end } = await start(cwd);
    expect(await sftp.realpath('.')).toBe(cwd);
    await put(sftp, 'f');
    await put(sftp, join(cwd, 'g'));
    expect((await readdir(cwd)).sort()).toEqual(['f', 'g']);
    expect((await sftp.stat('/etc/passwd')).size).toBeGreaterThan(0);
    expect(await sftp.extensions.expandPath('~')).toBe(userInfo().homedir);
    expect(await sftp.extensions.expandPath('f')).toBe(join(cwd, 'f'));
    expect(await sftp.extensions.homeDirectory('root')).toBe('/root');
    const names = await sftp.extensions.usersGroupsById({ uids: [0, 4_000_000_000], gids: [0] });
    expect(names).toEqual({ userNames: ['root', ''], groupNames: ['root'] });
    await sftp.setstat('f', { permissions: 0o4755 });
    expect((await stat(join(cwd, 'f'))).mode & 0o7777).toBe(0o4755);
    expect(await end()).toEqual({ status: 0, stderr: '' });
  });

  it('--root serves one folder, and no link leads out', async () => {
    const cwd = await tempDirectory();
    await mkdir(join(cwd, 'root', 'd'), { recursive: true });
    await writeFile(join(cwd, 'secret'), 'x');
    await symlink('../secret', join(cwd, 'root', 'link'));
    const { sftp, end } = await start(cwd, '--root', 'root', '-d', 'd');
    expect(await sftp.realpath('.')).toBe('/d');
    await put(sftp, 'f');
    expect(await readdir(join(cwd, 'root', 'd'))).toEqual(['f']);
    for (const path of ['/link', '../../secret', '/etc/passwd'])
      await expect(sftp.stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await end()).status).toBe(0);
  });

  it('as a forced command it keeps the names of the server out of reach of the SCP protocol too', async () => {
    const root = await tempDirectory();
    const kept = keptName('f', 'somebody');
    await writeFile(join(root, kept), 'half');
    const forced = async (command: string, input: string): Promise<{ status: number | null; stdout: string }> =>
      await runSealift(['sftp-server', '--root', root], {
        env: { ...process.env, SSH_ORIGINAL_COMMAND: command },
        input,
      });
    for (const path of [kept, '.*', '*'])
      expect((await forced(`scp -f ${path}`, '\0\0\0\0')).stdout).not.toContain('half');
    expect((await forced('scp -r -f .', '\0'.repeat(10))).stdout).not.toContain('half');
    const record = `D0755 0 ${keptName('g', 'somebody')}\nE\n`;
    expect((await forced('scp -r -t .', record)).stdout).toContain('Permission denied');
    expect((await forced(`scp -t ${kept}`, 'C0644 1 x\nx\0')).status).toBe(1);
    expect(await readdir(root)).toEqual([kept]);
    expect(await readFile(join(root, kept), 'utf8')).toBe('half');
  });

  it('-R is read-only, -P and -p refuse requests, -u is the umask', async () => {
    const cwd = await tempDirectory();
    await writeFile(join(cwd, 'f'), 'x');
    // Of a process that is gone: whoever may change something removes it.
    const left = uploadName(thisProcess.id.replace(`-${process.pid}-`, '-4194305-'));
    await writeFile(join(cwd, left), 'x');
    const readOnly = await start(cwd, '-R');
    expect((await readOnly.sftp.stat('f')).size).toBe(1);
    const names = async ({ sftp }: Started): Promise<string[]> => {
      const handle = await sftp.opendir('.');
      const found: string[] = [];
      for (let some = await sftp.readdir(handle); some !== undefined; some = await sftp.readdir(handle))
        found.push(...some.map(({ filename }) => filename));
      return found.sort();
    };
    expect(await names(readOnly)).toEqual(['.', '..', 'f']);
    expect((await readdir(cwd)).sort()).toEqual([left, 'f']);
    for (const work of [
      () => put(readOnly.sftp, 'g'),
      () => readOnly.sftp.remove('f'),
      () => readOnly.sftp.mkdir('d'),
      () => readOnly.sftp.rename('f', 'g'),
      () => readOnly.sftp.setstat('f', { permissions: 0o600 }),
      () => readOnly.sftp.symlink('l', 'f'),
    ])
      await expect(work()).rejects.toMatchObject({ code: 'EACCES' });
    await readOnly.end();
    const writing = await start(cwd);
    expect(await names(writing)).toEqual(['.', '..', 'f']);
    expect(await readdir(cwd)).toEqual(['f']);
    await writing.end();
    const denied = await start(cwd, '-P', 'remove,rename', '-u', '077');
    await expect(denied.sftp.remove('f')).rejects.toMatchObject({ code: 'EACCES' });
    await put(denied.sftp, 'g');
    expect((await stat(join(cwd, 'g'))).mode & 0o777).toBe(0o600);
    await denied.end();
    const allowed = await start(cwd, '-p', 'lstat');
    await allowed.sftp.lstat('f');
    await expect(allowed.sftp.stat('f')).rejects.toMatchObject({ code: 'EACCES' });
    await allowed.end();
  });

  it('-e reports, as much as -l says', async () => {
    const cwd = await tempDirectory();
    const { sftp, end } = await start(cwd, '-e', '-l', 'verbose');
    await put(sftp, 'f');
    await sftp.rename('f', 'g');
    const { stderr } = await end();
    expect(stderr).toContain(`sftp-server: received ${cwd}/f: complete, 7 bytes, SHA-256 ed7002b4`);
    expect(stderr).toContain(`sftp-server: rename ${cwd}/f ${cwd}/g\n`);
  });

  it('ends with status 1 where the client is none, and says so only with -e', async () => {
    expect(await runSealift(['sftp-server', '-e'], { input: 'hello, who is there?' })).toEqual({
      status: 1,
      stdout: '',
      stderr: 'sftp-server: protocol error: a packet of 1751477356 bytes is too long\n',
    });
    expect(await runSealift(['sftp-server'], { input: 'hello' })).toEqual({ status: 1, stdout: '', stderr: '' });
  });

  it.each([['-x'], ['operand'], ['-u', '9'], ['-l', 'loud'], ['-Q', 'what'], ['--root', '']])(
    '%j is a wrong command line',
    async (...args) => {
      const result = await runSealift(['sftp-server', ...args]);
      expect(result).toMatchObject({ status: 2, stdout: '' });
      expect(result.stderr).toContain('see sealift sftp-server --help');
    },
  );

  it('a root that is no folder is an error', async () => {
    const result = await runSealift(['sftp-server', '-e', '--root', '/etc/passwd']);
    expect(result).toMatchObject({ status: 1, stderr: 'sftp-server: /etc/passwd: Not a directory\n' });
  });

  it('-Q requests names what can be refused, -h helps', async () => {
    const { status, stdout } = await runSealift(['sftp-server', '-Q', 'requests']);
    expect(status).toBe(0);
    for (const name of ['open', 'realpath', 'posix-rename', 'copy-data']) expect(stdout.split('\n')).toContain(name);
    expect((await runSealift(['sftp-server', '--help'])).stdout).toContain('usage: sealift sftp-server');
  });
});

it('each option is in the help and in the manual page, and nothing else is', async () => {
  const manual = readFileSync(new URL('../../docs/man/sealift-sftp-server.1', import.meta.url), 'utf8');
  const { stdout } = await runSealift(['sftp-server', '--help']);
  const inHelp = [...stdout.matchAll(/^ {2}(?:(-\w), )?(-\w|--[a-z]+)/gm)].flatMap(([, first, second]) => [
    first,
    second,
  ]);
  const inManual = [...manual.matchAll(/^\.It Fl (-?\w+)(?: , Fl (-?\w+))?/gm)].flatMap(([, first, second]) => [
    first,
    second,
  ]);
  const options = ['--help', '--root', '-P', '-Q', '-R', '-d', '-e', '-f', '-h', '-l', '-p', '-u'];
  expect(inHelp.filter((option) => option !== undefined).sort()).toEqual(options);
  expect(inManual.flatMap((option) => (option === undefined ? [] : [`-${option}`])).sort()).toEqual(options);
});
