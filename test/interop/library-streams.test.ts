import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate as tick } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, FileError, type Host } from '../../src/index.ts';
import { describePeer } from '../support/peers.ts';
import { type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

const MEBIBYTE = 1024 * 1024;

/** Content that does not repeat, in pieces, and its digest. */
function content(mebibytes: number): { stream: Readable; digest: () => string } {
  const hash = createHash('sha256');
  const seed = randomBytes(MEBIBYTE);
  const stream = Readable.from(
    (function* () {
      for (let i = 0; i < mebibytes; i++) {
        const piece = Buffer.from(seed);
        piece.writeUInt32BE(i, 0);
        hash.update(piece);
        yield piece;
      }
    })(),
    { objectMode: false },
  );
  return { stream, digest: () => hash.digest('hex') };
}

async function digestOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

for (const transport of ['ssh', 'builtin'] as const) {
  for (const protocol of ['sftp', 'scp'] as const) {
    describePeer(['sshd', 'ssh', 'ssh-keygen'], `streams of the library: ${transport}, ${protocol}`, () => {
      let server: RunningSshd;
      let host: Host;

      beforeAll(async () => {
        server = await startSshd();
        const client = await server.client();
        host = await connect({ host: client.alias, transport, protocol, sshArgs: ['-F', client.configFile] });
      });
      afterAll(async () => {
        await host.close();
        await server.stop();
      });

      it('write 50 MiB and read them back, held back by a slow reader', async () => {
        const path = join(await tempDirectory(), 'big');
        const { stream, digest } = content(50);
        await pipeline(stream, host.createWriteStream(path, { size: 50 * MEBIBYTE }));
        // The server has closed the file when the stream has finished.
        expect((await stat(path)).size).toBe(50 * MEBIBYTE);
        const reading = host.createReadStream(path);
        reading.once('readable', () => {});
        while (reading.readableLength === 0) await tick();
        let last = -1;
        for (let same = 0; same < 100; same = reading.readableLength === last ? same + 1 : 0) {
          last = reading.readableLength;
          await tick();
        }
        expect(last).toBeLessThan(2 * MEBIBYTE);
        expect(await digestOf(reading)).toBe(digest());
      });

      it('may write memory that is used again at once', async () => {
        const path = join(await tempDirectory(), 'again');
        const stream = host.createWriteStream(path, { size: 64 * 100_000 });
        const buffer = Buffer.alloc(100_000);
        for (let i = 0; i < 64; i++) {
          buffer.fill(i);
          await new Promise<void>((resolve, reject) => {
            stream.write(buffer, (error) => (error ? reject(error) : resolve()));
          });
        }
        await new Promise<void>((resolve) => stream.end(resolve));
        const written = await readFile(path);
        for (let i = 0; i < 64; i++) expect(written[i * 100_000 + 99_999]).toBe(i);
      });

      it('read and write whole files', async () => {
        const path = join(await tempDirectory(), 'a name with spaces');
        await host.writeFile(path, 'grüße', { mode: 0o600 });
        expect((await stat(path)).mode & 0o777).toBe(0o600);
        expect((await host.readFile(path)).toString()).toBe('grüße');
        await host.writeFile(path, new Uint8Array(0));
        expect(await host.readFile(path)).toHaveLength(0);
        await expect(host.readFile('/dev/zero', { maxBytes: MEBIBYTE })).rejects.toBeInstanceOf(Error);
      });

      it('fail with the cause', async () => {
        const dir = await tempDirectory();
        const missing = join(dir, 'missing');
        const named = expect.stringContaining('missing');
        await expect(host.readFile(missing)).rejects.toMatchObject({ message: named });
        await expect(host.writeFile(join(missing, 'x'), 'data')).rejects.toMatchObject({ message: named });
        const long = host.createWriteStream(join(dir, 'f'), { size: 3 });
        await expect(pipeline(Readable.from([Buffer.from('12345')]), long)).rejects.toMatchObject({
          code: 'ERR_FILE_CHANGED',
        });
        const short = host.createWriteStream(join(dir, 'g'), { size: 3 });
        await expect(pipeline(Readable.from([Buffer.from('1')]), short)).rejects.toMatchObject({
          code: 'ERR_FILE_CHANGED',
        });
      });

      it('are destroyed with the reason of an abort', async () => {
        const dir = await tempDirectory();
        const reason = new Error('enough');
        const abort = new AbortController();
        const endless = Readable.from(
          (function* () {
            for (;;) yield Buffer.alloc(MEBIBYTE);
          })(),
        );
        const writing = pipeline(endless, host.createWriteStream(join(dir, 'f'), { size: 1e12, signal: abort.signal }));
        const size = () =>
          stat(join(dir, 'f')).then(
            (found) => found.size,
            () => 0,
          );
        while ((await size()) === 0) await tick();
        abort.abort(reason);
        await expect(writing).rejects.toBe(reason);
        await expect(digestOf(host.createReadStream('/dev/zero', { signal: abort.signal }))).rejects.toBe(reason);
        const later = new AbortController();
        const reading = digestOf(host.createReadStream(join(dir, 'f'), { signal: later.signal }));
        later.abort(reason);
        await expect(reading).rejects.toBe(reason);
      });
    });
  }
}

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'operations on a host', () => {
  let server: RunningSshd;
  let host: Host;

  beforeAll(async () => {
    server = await startSshd();
    const client = await server.client();
    host = await connect({ host: client.alias, transport: 'builtin', sshArgs: ['-F', client.configFile] });
  });
  afterAll(async () => {
    await host.close();
    await server.stop();
  });

  it('read a part of a file, both ends included', async () => {
    const path = join(await tempDirectory(), 'digits');
    await writeFile(path, '0123456789');
    const part = async (options: { start?: number; end?: number }) => {
      const chunks: Buffer[] = [];
      for await (const chunk of host.createReadStream(path, options)) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString();
    };
    expect(await part({ start: 3 })).toBe('3456789');
    expect(await part({ start: 3, end: 5 })).toBe('345');
    expect(await part({ end: 0 })).toBe('0');
    expect(await part({ start: 20 })).toBe('');
    expect(() => host.createReadStream(path, { start: 5, end: 4 })).toThrow(RangeError);
  });

  it('leave of the old content nothing behind a new one that broke off', async () => {
    const path = join(await tempDirectory(), 'f');
    await writeFile(path, Buffer.alloc(3 * MEBIBYTE, 'o'));
    const stream = host.createWriteStream(path);
    await new Promise((resolve) => stream.write(Buffer.alloc(100_000, 'n'), resolve));
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.destroy();
    await closed;
    expect((await readFile(path, 'utf8')).replace(/^n{0,100000}$/, '')).toBe('');
    await pipeline(Readable.from(['x']), host.createWriteStream('/dev/null'));
  });

  it('end with whatever the reason of an abort is', async () => {
    const path = join(await tempDirectory(), 'f');
    for (const reason of [null, 'text', 0]) {
      const abort = new AbortController();
      const writing = host.writeFile(path, Buffer.alloc(MEBIBYTE), { signal: abort.signal });
      abort.abort(reason);
      await expect(writing).rejects.toBe(reason);
      await expect(host.readFile(path, { signal: abort.signal })).rejects.toBe(reason);
    }
  });

  it('keep the old content until an atomic stream has finished, and after one that failed', async () => {
    const dir = await tempDirectory();
    const path = join(dir, 'f');
    await writeFile(path, 'old');
    const stream = host.createWriteStream(path, { atomic: true });
    stream.write('new');
    while ((await readdir(dir)).length < 2) await tick();
    expect(await readFile(path, 'utf8')).toBe('old');
    const failed = new Promise((resolve) => stream.once('close', resolve));
    stream.on('error', () => {});
    stream.destroy(new Error('the source failed'));
    await failed;
    expect(await readdir(dir)).toEqual(['f']);
    await host.writeFile(path, 'new', { atomic: true });
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(dir)).toEqual(['f']);
  });

  it('list, look, make, rename and remove', async () => {
    const dir = await tempDirectory();
    await host.mkdir(join(dir, 'a/b/c'), { recursive: true });
    await host.mkdir(join(dir, 'a/b/c'), { recursive: true });
    await host.mkdir(join(dir, 'private'), { mode: 0o700 });
    await expect(host.mkdir(join(dir, 'a'))).rejects.toMatchObject({ code: 'EEXIST' });
    await host.writeFile(join(dir, 'a/b/file'), 'x');
    await expect(host.mkdir(join(dir, 'a/b/file'), { recursive: true })).rejects.toMatchObject({ code: 'ENOTDIR' });
    await symlink('b', join(dir, 'a', 'link'));
    const entries = [];
    for await (const entry of host.list(join(dir, 'a'))) entries.push(entry);
    expect(entries.sort((x, y) => x.name.localeCompare(y.name))).toMatchObject([
      { name: 'b', path: join(dir, 'a/b'), kind: 'directory' },
      { name: 'link', kind: 'symlink' },
    ]);
    expect(await host.stat(join(dir, 'private'))).toMatchObject({ kind: 'directory', mode: 0o700 });
    expect(await host.stat(join(dir, 'a/link'))).toMatchObject({ kind: 'directory' });
    expect(await host.exists(join(dir, 'a/b/file'))).toBe(true);
    expect(await host.exists(join(dir, 'nothing'))).toBe(false);
    await host.writeFile(join(dir, 'a/b/other'), 'y');
    await expect(
      host.rename(join(dir, 'a/b/file'), join(dir, 'a/b/other'), { overwrite: false }),
    ).rejects.toMatchObject({ code: 'EEXIST' });
    await host.rename(join(dir, 'a/b/file'), join(dir, 'a/b/other'));
    expect(await readFile(join(dir, 'a/b/other'), 'utf8')).toBe('x');
    await expect(host.remove(join(dir, 'a'))).rejects.toBeInstanceOf(FileError);
    await mkdir(join(dir, 'kept'));
    await writeFile(join(dir, 'kept', 'f'), '');
    await symlink('../kept', join(dir, 'a', 'away'));
    await host.remove(join(dir, 'a'), { recursive: true });
    expect((await readdir(dir)).sort()).toEqual(['kept', 'private']);
    expect(await readdir(join(dir, 'kept'))).toEqual(['f']);
    await host.remove(join(dir, 'private'));
    await expect(host.remove(join(dir, 'private'))).rejects.toMatchObject({ code: 'ENOENT' });
    await host.remove(join(dir, 'private'), { force: true });
  });

  it('name the host and the path in errors, and reject with the reason of an abort', async () => {
    await expect(host.stat('/no/such')).rejects.toMatchObject({
      name: 'FileError',
      code: 'ENOENT',
      path: 'server:/no/such',
      message: 'server:/no/such: No such file or directory',
    });
    const reason = 'plain text';
    for (const start of [
      () => host.stat('/', { signal: AbortSignal.abort(reason) }),
      () => host.list('/', { signal: AbortSignal.abort(reason) }).next(),
      () => host.readFile('/etc/hostname', { signal: AbortSignal.abort(new Error(reason)) }),
    ])
      await expect(start()).rejects.toSatisfy((error) => error === reason || (error as Error).message === reason);
    await expect(host.stat('a\0b')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(host.stat('')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('connect again when the connection was lost', async () => {
    const own = await startSshd();
    const client = await own.client();
    const other = await connect({ host: client.alias, transport: 'builtin', sshArgs: ['-F', client.configFile] });
    expect(await other.exists('/')).toBe(true);
    await own.kill();
    await expect(other.stat('/').then(() => other.stat('/'))).rejects.toMatchObject({ name: 'ConnectionError' });
    await expect(other.stat('/')).rejects.toMatchObject({ code: 'ERR_CONNECT' });
    await other.close();
    await other.close();
    await own.stop();
  });
});
