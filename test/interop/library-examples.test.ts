import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { connect, type Host } from '../../src/index.ts';
import { makeHostKey, PASSWORD, startTestServer } from '../server/support.ts';
import { describePeer } from '../support/peers.ts';
import { type Outcome, runProgram } from '../support/sealift.ts';
import { imageOf, makeStore, makeVendor, spoiled } from '../support/signed-images.ts';
import { type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));

/** What an example printed. It fails the test where the example fails. */
async function printed(outcome: Promise<Outcome>): Promise<string> {
  const { status, stdout, stderr } = await outcome;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describePeer(['sshd', 'ssh-keygen'], 'the examples', () => {
  let server: RunningSshd;
  let home: string;
  const seen = new Set<string>();

  beforeAll(async () => {
    server = await startSshd();
    const client = await server.client({ alias: 'depot' });
    home = join(server.directory, 'home');
    await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    await writeFile(join(home, '.ssh', 'config'), await readFile(client.configFile), { mode: 0o600 });
  });
  afterAll(async () => {
    await server.stop();
  });

  /** Runs an example as its reader would, with the home of somebody who knows the host `depot`. The search path is empty: the `ssh` program would look into the real home. */
  const example = (name: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> => {
    seen.add(name);
    // Node 20 warns that it loads ES modules for require().
    const quiet = { NODE_NO_WARNINGS: '1' };
    return runProgram(process.execPath, [join(folder, name), ...args], { env: { HOME: home, ...quiet, ...env } });
  };

  it('upload, download, list and read from CommonJS', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'photos'));
    await writeFile(join(dir, 'photos', 'a.jpg'), 'aaa');
    await writeFile(join(dir, 'notes.txt'), 'notes');
    const there = join(dir, 'there');
    const up = await example('upload.mjs', ['depot', there, join(dir, 'photos'), join(dir, 'notes.txt'), '/no/such']);
    expect(up).toEqual({
      status: 1,
      stdout: '2 files, 1 failed\n',
      stderr: 'ENOENT /no/such: No such file or directory\n',
    });
    expect(await printed(example('download.mjs', ['depot', there, join(dir, 'back')]))).toContain('2 files');
    expect(await readFile(join(dir, 'back', 'photos', 'a.jpg'), 'utf8')).toBe('aaa');
    expect(await printed(example('list.mjs', ['depot', there]))).toMatch(/^file +5 .*"notes.txt"$/m);
    expect(await printed(example('commonjs.cjs', ['depot', join(there, 'notes.txt')]))).toBe('5 bytes\n');
  });

  it('stream, synchronise and show progress', async () => {
    const dir = await tempDirectory();
    await mkdir(join(dir, 'site', 'node_modules'), { recursive: true });
    for (const name of ['index.html', 'draft.tmp', 'node_modules/x.js'])
      await writeFile(join(dir, 'site', name), 'x'.repeat(100_000));
    const zipped = join(dir, 'index.gz');
    expect(await printed(example('stream.mjs', ['depot', join(dir, 'site/index.html'), zipped]))).toMatch(/^100000 /);
    const sync = ['depot', join(dir, 'site'), join(dir, 'www')];
    expect(await printed(example('sync.mjs', [...sync, '--dry-run']))).toContain('0 copied, 1 planned');
    expect(await printed(example('sync.mjs', sync))).toContain('1 copied, 0 planned, 0 up to date');
    expect(await printed(example('sync.mjs', sync))).toContain('0 copied, 0 planned, 1 up to date');
    expect(await readdir(join(dir, 'www'))).toEqual(['index.html']);
    const shown = await printed(example('progress.mjs', ['depot', join(dir, 'site'), join(dir, 'copy')]));
    expect(shown).toContain('done: 300000 bytes');
  });

  it('copy between hosts', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'content');
    expect(await printed(example('between-hosts.mjs', [`depot:${dir}/f`, `depot:${dir}/g`]))).toBe('1 files\n');
    expect(await readFile(join(dir, 'g'), 'utf8')).toBe('content');
  });

  it('talk to a device without SFTP', async () => {
    const dir = await tempDirectory();
    const key = makeHostKey();
    const { port, root } = await startTestServer({ hostKeys: [key] });
    await writeFile(join(root, 'config'), 'hostname switch\n');
    const args = ['127.0.0.1', `${port}`, 'alice', key.fingerprint, 'config', join(dir, 'config')];
    const shown = await printed(example('device.mjs', args, { DEVICE_PASSWORD: PASSWORD }));
    expect(shown).toBe('config is here, and there as config.copy, by scp\n');
    expect(await readFile(join(root, 'config.copy'), 'utf8')).toBe('hostname switch\n');
  });

  it('serve files from a program', async () => {
    const dir = await tempDirectory();
    seen.add('server.mjs');
    const server = spawn(process.execPath, [join(folder, 'server.mjs'), dir, '0'], {
      env: { PATH: process.env['PATH'], ALICE_PASSWORD: 'right', AUDITOR_PASSWORD: 'right too' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void server.kill('SIGKILL'));
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const [, port = '', hostKey = ''] =
      /^listening on 127\.0\.0\.1:(\d+), host keys (\S+)/.exec((await lines.next()).value ?? '') ?? [];
    const session = async (user: string, password: string): Promise<Host> =>
      await connect({ host: '127.0.0.1', port: Number(port), user, password, hostKeys: [hostKey] });
    await writeFile(join(dir, 'f'), 'content');
    const alice = await session('alice', 'right');
    await alice.upload(join(dir, 'f'), 'g');
    await alice.close();
    expect((await lines.next()).value).toBe(
      `alice received /g complete ${createHash('sha256').update('content').digest('hex')}`,
    );
    expect(await readFile(join(dir, 'alice', 'g'), 'utf8')).toBe('content');
    await expect(session('alice', 'wrong')).rejects.toThrow(/authentication|permission denied/i);
    server.kill('SIGTERM');
    expect((await once(server, 'exit'))[0]).toBe(0);
  });

  it('starts what verifies, the bytes that were verified, and remembers what has run', async () => {
    const dir = await tempDirectory();
    const vendor = await makeVendor();
    await makeStore(join(dir, 'store'), vendor);
    const program = "process.on('disconnect', () => process.exit(0)); console.log('it runs'); process.send('good');";
    const image = await imageOf(vendor, Buffer.from(program));
    await writeFile(join(dir, 'bad.SPA'), spoiled(image));
    await writeFile(join(dir, 'good.SPA'), image);
    const images = ['bad.SPA', 'good.SPA'].map((name) => join(dir, name));
    expect(await example('boot.mjs', [join(dir, 'store'), 'NX3900', ...images])).toEqual({
      status: 0,
      stdout: 'it runs\n',
      stderr: [
        `Verification FAILED for ${images[0]}, REASON: the payload is not what was signed`,
        'Digitally Signed Release Software with key version A',
        `${images[1]} is good`,
        '',
      ].join('\n'),
    });
    const none = await example('boot.mjs', [join(dir, 'store'), 'OTHER', ...images]);
    expect([none.status, none.stdout]).toEqual([1, '']);
    expect(none.stderr).toMatch(/autoboot: boot failed\n$/);
  });

  it('are all run here', async () => {
    const files = (await readdir(folder)).filter((name) => /\.[cm]js$/.test(name));
    expect([...seen].sort()).toEqual(files.sort());
  });
});
