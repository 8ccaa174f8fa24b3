import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { localSsh } from '../support/local-ssh.ts';
import { runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';
import { until } from '../support/until.ts';

describe('sealift scp', () => {
  it.each([
    ['-r', '', 'h:to'],
    ['', 'h:to'],
    ['h:f', ''],
  ])('takes an empty operand for a missing file, never for the current directory (%j %j)', async (...args) => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'private');
    await mkdir(join(dir, 'to'));
    const result = await runSealift(['scp', '-O', '-S', await localSsh(), ...args], { cwd: dir });
    expect(result).toEqual({ status: 1, stdout: '', stderr: "sealift: '': No such file or directory\n" });
    expect(await readdir(join(dir, 'to'))).toEqual([]);
  });

  it.each(['-t', '-f'])('does so as the remote side too (%s)', async (role) => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'private');
    const result = await runSealift(['scp', '-r', role, ''], { cwd: dir, input: '\0\0\0' });
    expect(result).toEqual({ status: 1, stdout: "\x01scp: '': No such file or directory\n", stderr: '' });
  });

  it('puts what is in a directory only into a directory', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'one'));
    await writeFile(join(dir, 'one', 'x'), 'content');
    const result = await runSealift(['scp', '-O', '-r', '-S', await localSsh(), `h:${dir}/one/.`, join(dir, 'new')]);
    expect(result).toEqual({ status: 1, stdout: '', stderr: `sealift: ${dir}/new: No such file or directory\n` });
    expect(await readdir(dir)).toEqual(['one']);
  });

  it('goes on when its standard error cannot be written', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'content');
    const full = await open('/dev/full', 'w');
    const args = [sealiftLauncher, 'scp', '-O', '-v', '-S', await localSsh(), `h:${dir}/f`, join(dir, 'g')];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', full.fd] });
    const [status] = await once(child, 'exit');
    await full.close();
    expect(status).toBe(0);
    expect(await readFile(join(dir, 'g'), 'utf8')).toBe('content');
  });

  it.each([[], ['--progress=json']])('fails where the list of a dry run is lost (%j)', async (...progress) => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'content');
    const dryRun = ['scp', '--dry-run', ...progress, join(dir, 'f'), join(dir, 'g')];
    const full = await open('/dev/full', 'w');
    const child = spawn(process.execPath, [sealiftLauncher, ...dryRun], { stdio: ['ignore', full.fd, 'pipe'] });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [status] = await once(child, 'close');
    await full.close();
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'sealift: standard output: No space left on device\n',
    });
    // Whoever has read enough goes away.
    const script = '"$@" | true; echo "${PIPESTATUS[0]}"';
    const many = Array.from({ length: 50 }, () => join(dir, 'f'));
    const args = ['-c', script, 'bash', process.execPath, sealiftLauncher, ...dryRun.slice(0, -2), ...many, dir];
    expect(await runProgram('bash', args)).toMatchObject({ stdout: '0\n', stderr: '' });
  });

  it('finishes the copy when nobody reads its standard error any more', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'many'));
    for (let i = 0; i < 50; i++) await writeFile(join(dir, 'many', `f${i}`), 'x');
    const script = '"$0" "$1" scp -O -vvv -r -S "$2" "h:$3/many" "$3/out" 2>&1 >/dev/null | head -n 3 >/dev/null';
    await runProgram('sh', ['-c', script, process.execPath, sealiftLauncher, await localSsh(), dir]);
    expect(await readdir(join(dir, 'out'))).toHaveLength(50);
  });

  it('writes into a FIFO at the pace of its reader', async () => {
    const dir = await tempDirectory();
    const bytes = Buffer.alloc(1_000_000, 'sealift');
    await writeFile(join(dir, 'f'), bytes);
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    const reading = readFile(join(dir, 'fifo'));
    const result = await runSealift(['scp', '-O', '-S', await localSsh(), `h:${dir}/f`, join(dir, 'fifo')]);
    expect(result).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await reading).equals(bytes)).toBe(true);
  });

  it('can be ended while nobody drains the FIFO it writes into', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), Buffer.alloc(1_000_000));
    execFileSync('mkfifo', [join(dir, 'fifo')]);
    const holder = await open(join(dir, 'fifo'), 'r+');
    let pid = 0;
    const copy = runSealift(['scp', '-O', '-S', await localSsh(), `h:${dir}/f`, join(dir, 'fifo')], {
      onStart: (id) => (pid = id),
    });
    await until(async () => (await holder.read(Buffer.alloc(1), 0, 1)).bytesRead === 1, copy);
    const started = performance.now();
    process.kill(pid, 'SIGINT');
    expect((await copy).status).toBe(1);
    expect(performance.now() - started).toBeLessThan(4_000);
    await holder.close();
  });
});
