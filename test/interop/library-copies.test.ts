import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import {
  type Copy,
  CopyError,
  type CopyEvent,
  connect,
  copy,
  FileError,
  type Host,
  type HostOptions,
} from '../../src/index.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { describePeer } from '../support/peers.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

async function makeTree(directory: string): Promise<string> {
  const tree = join(directory, 'tree');
  await mkdir(join(tree, 'sub', 'deep'), { recursive: true });
  await mkdir(join(tree, 'tmp'));
  for (const [name, size] of [
    ['a.txt', 10],
    ['b.jpg', 300_000],
    ['sub/c.jpg', 20],
    ['sub/deep/d.txt', 0],
    ['tmp/e.jpg', 5],
  ] as const)
    await writeFile(join(tree, name), Buffer.alloc(size, name));
  return tree;
}

async function namesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

async function eventsOf(running: Copy): Promise<CopyEvent[]> {
  const events: CopyEvent[] = [];
  for await (const event of running) events.push(event);
  return events;
}

for (const transport of ['ssh', 'builtin'] as const) {
  for (const protocol of ['sftp', 'scp'] as const) {
    describePeer(['sshd', 'ssh', 'ssh-keygen'], `copies of the library: ${transport}, ${protocol}`, () => {
      let server: RunningSshd;
      let client: ClientFiles;
      let host: Host;

      beforeAll(async () => {
        // The fallback is what a server without the subsystem gets.
        server = await startSshd(protocol === 'scp' ? { config: ['Subsystem sftp /bin/false'] } : {});
        client = await server.client();
        host = await connect({ host: client.alias, transport, sshArgs: ['-F', client.configFile] });
      });
      afterAll(async () => {
        await host.close();
        await server.stop();
      });

      it('knows which protocol the host speaks', () => {
        expect(host.protocol).toBe(protocol);
        expect(host.name).toBe('server');
      });

      it('brings a tree there and back', async () => {
        const dir = await tempDirectory();
        const tree = await makeTree(dir);
        const there = await host.upload(tree, join(dir, 'there'), { recursive: true, preserve: true });
        expect(there).toMatchObject({ files: 5, bytes: 300_035, failed: 0, errors: [] });
        const back = await host.download(join(dir, 'there'), join(dir, 'back'), { recursive: true });
        expect(back).toMatchObject({ files: 5, bytes: 300_035 });
        expect(await namesIn(join(dir, 'back'))).toEqual(await namesIn(tree));
        expect(await readFile(join(dir, 'back', 'b.jpg'))).toEqual(await readFile(join(tree, 'b.jpg')));
      });

      it('puts a list into a directory', async () => {
        const dir = await tempDirectory();
        await writeFile(join(dir, 'one'), '1');
        await writeFile(join(dir, 'two'), '2');
        await mkdir(join(dir, 'in'));
        await mkdir(join(dir, 'back'));
        await host.upload([join(dir, 'one'), join(dir, 'two')], join(dir, 'in'));
        await host.download([join(dir, 'in/one')], join(dir, 'back'));
        expect(await namesIn(dir)).toEqual(['back/one', 'in/one', 'in/two', 'one', 'two']);
      });

      it('takes names literally: no pattern, no shell, no home of others', async () => {
        const dir = await tempDirectory();
        const name = '~root a*b?[c] $(touch pwned) `id`;\'"\\ =~root &';
        await mkdir(join(dir, 'there'));
        await mkdir(join(dir, 'back'));
        await writeFile(join(dir, name), 'content');
        await writeFile(join(dir, 'there', 'aXb'), 'other');
        await host.upload(join(dir, name), join(dir, 'there', name));
        await host.download(join(dir, 'there', name), join(dir, 'back', 'f'));
        expect(await readFile(join(dir, 'back', 'f'), 'utf8')).toBe('content');
        expect(await readdir(join(dir, 'there'))).toEqual(expect.arrayContaining(['aXb', name]));
      });

      it('expands patterns where that is asked for', async () => {
        const dir = await tempDirectory();
        const tree = await makeTree(dir);
        await mkdir(join(dir, 'back'));
        await host.download(join(tree, '*.txt'), join(dir, 'back'), { glob: true });
        await expect(host.download(join(tree, '*.txt'), join(dir, 'back'))).rejects.toMatchObject({
          message: expect.stringContaining('*.txt'),
        });
        expect(await namesIn(join(dir, 'back'))).toEqual(['a.txt']);
      });

      it('copies what it can and then tells all that failed', async () => {
        const dir = await tempDirectory();
        const tree = await makeTree(dir);
        await symlink('nowhere', join(tree, 'dangling'));
        await symlink('nowhere', join(tree, 'dangling2'));
        const error = await host.upload(tree, join(dir, 'there'), { recursive: true }).catch((thrown) => thrown);
        expect(error).toBeInstanceOf(CopyError);
        expect(error).toMatchObject({ code: 'ENOENT', result: { files: 5, failed: 2 } });
        expect((error as CopyError).errors).toEqual([expect.any(FileError), expect.any(FileError)]);
        expect((error as CopyError).message).toMatch(/dangling.*and 1 more error/);
      });

      it('stops at the first error, or tells errors in the result, as it is told', async () => {
        const dir = await tempDirectory();
        const tree = await makeTree(dir);
        await symlink('nowhere', join(tree, 'dangling'));
        const target = join(dir, 'there');
        await expect(host.upload(tree, target, { recursive: true, onError: 'throw' })).rejects.toMatchObject({
          name: 'FileError',
          code: 'ENOENT',
          path: join(tree, 'dangling'),
        });
        const result = await host.upload(tree, target, { recursive: true, onError: 'continue' });
        expect(result).toMatchObject({ files: 5, failed: 1, errors: [{ code: 'ENOENT' }] });
        const asked: string[] = [];
        const own = new Error('mine');
        const policy = (error: Error) => {
          asked.push(error.message);
          if (asked.length > 1) throw own;
          return 'continue' as const;
        };
        await host.upload(tree, target, { recursive: true, onError: policy });
        await expect(host.upload(tree, target, { recursive: true, onError: policy })).rejects.toBe(own);
        expect(asked).toHaveLength(2);
      });

      it('tells what happens, in order', async () => {
        const dir = await tempDirectory();
        const tree = await makeTree(dir);
        const events = await eventsOf(host.upload(tree, join(dir, 'there'), { recursive: true }));
        const types = events.map(({ type }) => type);
        expect(types.filter((type) => type === 'file-start')).toHaveLength(5);
        expect(types.filter((type) => type === 'file-end')).toHaveLength(5);
        expect(types.at(-1)).toBe('done');
        if (protocol === 'sftp')
          expect(events.findLast(({ type }) => type === 'found')).toEqual({
            type: 'found',
            files: 5,
            bytes: 300_035,
            all: true,
          });
        const moved = events.filter((event) => event.type === 'bytes').at(-1);
        expect(moved).toMatchObject({ bytes: 300_035 });
        const big = events.find((event) => event.type === 'file-end' && event.file.name === 'b.jpg');
        expect(big).toMatchObject({ outcome: 'copied', file: { size: 300_000, source: join(tree, 'b.jpg') } });
      });

      it('throws in the loop what the copy throws, and leaves the copy alone when the loop is left', async () => {
        const dir = await tempDirectory();
        const tree = await makeTree(dir);
        await expect(eventsOf(host.upload(join(dir, 'missing'), dir))).rejects.toMatchObject({ code: 'ENOENT' });
        const running = host.upload(tree, join(dir, 'there'), { recursive: true });
        for await (const event of running) if (event.type === 'file-start') break;
        expect(await running).toMatchObject({ files: 5 });
      });

      it('rejects with the reason of the abort and leaves nothing half-written here', async () => {
        const dir = await tempDirectory();
        await writeFile(join(dir, 'big'), Buffer.alloc(8 * 1024 * 1024, 'x'));
        await mkdir(join(dir, 'back'));
        const reason = { why: 'no more' };
        const abort = new AbortController();
        const running = host.download(join(dir, 'big'), join(dir, 'back', 'big'), {
          signal: abort.signal,
          rateBytesPerSecond: 4 * 1024 * 1024,
        });
        const started = (async () => {
          for await (const event of running) if (event.type === 'bytes') abort.abort(reason);
        })();
        await expect(running).rejects.toBe(reason);
        await expect(started).rejects.toBe(reason);
        expect(await readdir(join(dir, 'back'))).toEqual([]);
        await expect(host.download(join(dir, 'big'), dir, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
        // The connection is as good as before.
        await host.download(join(dir, 'big'), join(dir, 'back', 'big'));
        expect((await stat(join(dir, 'back', 'big'))).size).toBe(8 * 1024 * 1024);
      });

      it('copies between hosts, and once without a host object', async () => {
        const dir = await tempDirectory();
        const tree = await makeTree(dir);
        const connection: Omit<HostOptions, 'host'> = { transport, sshArgs: ['-F', client.configFile] };
        const options = { recursive: true, connection };
        await copy(tree, `server:${join(dir, 'one')}`, options);
        await copy(
          { host, path: join(dir, 'one') },
          { host: 'server', ...connection, path: join(dir, 'two') },
          options,
        );
        await copy(`server:${join(dir, 'two')}`, { path: join(dir, 'three') }, options);
        await copy({ host, path: join(dir, 'one/b.jpg') }, { host, path: join(dir, 'four') });
        expect(await namesIn(join(dir, 'three'))).toEqual(await namesIn(tree));
        expect((await stat(join(dir, 'four'))).size).toBe(300_000);
        await expect(copy(tree, join(dir, 'x'))).rejects.toThrow(TypeError);
        await expect(copy(['server:a', 'other:b'], dir, options)).rejects.toThrow('same host');
      });
    });
  }
}

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'what SFTP adds', () => {
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

  it('filters by pattern and by function', async () => {
    const dir = await tempDirectory();
    const tree = await makeTree(dir);
    const options = { recursive: true, include: '*.jpg', exclude: ['tmp/'] };
    await host.upload(tree, join(dir, 'there'), options);
    expect(await namesIn(join(dir, 'there'))).toEqual(['b.jpg', 'sub/c.jpg']);
    const seen: string[] = [];
    const filter = ({ path, kind, size, modified }: { path: string; kind: string; size: number; modified: Date }) => {
      seen.push(path);
      expect(modified.getTime()).toBeGreaterThan(0);
      return kind === 'directory' || size < 1000;
    };
    await host.upload(`${tree}/.`, join(dir, 'small'), { ...options, filter, mkdir: true });
    expect(await namesIn(join(dir, 'small'))).toEqual(['sub/c.jpg']);
    expect(seen.sort()).toEqual(['b.jpg', 'sub', 'sub/c.jpg', 'sub/deep']);
    const own = new Error('from the filter');
    await expect(
      host.download(tree, join(dir, 'none'), {
        recursive: true,
        filter: () => {
          throw own;
        },
      }),
    ).rejects.toBe(own);
  });

  it('makes directories, skips what is there, plans, copies links', async () => {
    const dir = await tempDirectory();
    const tree = await makeTree(dir);
    await symlink('a.txt', join(tree, 'link'));
    const target = join(dir, 'x/y/z/');
    const planned = await host.upload(tree, target, { recursive: true, mkdir: true, dryRun: true });
    expect(planned).toMatchObject({ files: 0, planned: 6 });
    await expect(stat(join(dir, 'x'))).rejects.toThrow('ENOENT');
    await host.upload(tree, target, { recursive: true, mkdir: true, links: 'copy', verify: true, atomic: true });
    expect(await host.stat(join(target, 'tree/link'), { follow: false })).toMatchObject({ kind: 'symlink' });
    const again = await host.upload(tree, target, { recursive: true, update: true });
    expect(again).toMatchObject({ files: 0, skipped: 6 });
  });

  it('goes on with a copy over a new connection', async () => {
    const dir = await tempDirectory();
    const own = await startSshd();
    onTestFinished(own.stop);
    await using proxy = await startCuttingProxy(own.port);
    const client = await own.client();
    const sshArgs = ['-F', client.configFile, '-o', `HostKeyAlias=[${own.host}]:${own.port}`];
    proxy.cutAfter = 2 * 1024 * 1024;
    const cut = await connect({ host: client.alias, port: proxy.port, transport: 'builtin', sshArgs });
    await writeFile(join(dir, 'big'), Buffer.alloc(5 * 1024 * 1024, 'x'));
    const types = new Set<string>();
    const running = cut.upload(join(dir, 'big'), join(dir, 'copy'), { retries: 9 });
    for await (const event of running) {
      types.add(event.type);
      if (event.type === 'retry') expect(event).toMatchObject({ error: { code: 'ERR_CONNECTION_LOST' } });
      if (event.type === 'retry') proxy.cutAfter = Number.POSITIVE_INFINITY;
    }
    expect(types).toContain('retry');
    expect(await running).toMatchObject({ files: 1, failed: 0 });
    expect((await stat(join(dir, 'copy'))).size).toBe(5 * 1024 * 1024);
    await cut.close();
  });

  it.each(['sftp', 'scp'] as const)('connects again after a connection was lost: %s', async (protocol) => {
    const dir = await tempDirectory();
    await using proxy = await startCuttingProxy(server.port);
    const client = await server.client();
    const sshArgs = ['-F', client.configFile, '-o', `HostKeyAlias=[${server.host}]:${server.port}`];
    proxy.cutAfter = 1024 * 1024;
    const cut = await connect({ host: client.alias, port: proxy.port, transport: 'builtin', sshArgs, protocol });
    const big = Buffer.alloc(3 * 1024 * 1024, 'x');
    const target = join(dir, 'f');
    await expect(cut.writeFile(target, big)).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
    await writeFile(target, big);
    await expect(cut.readFile(target)).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
    await expect(cut.upload(target, join(dir, 'g'))).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
    proxy.cutAfter = Number.POSITIVE_INFINITY;
    expect(await cut.upload(target, join(dir, 'g'))).toMatchObject({ files: 1 });
    expect(proxy.connections).toBe(4);
    await cut.close();
  });

  it('leaves the old content where an atomic upload is aborted', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'big'), Buffer.alloc(8 * 1024 * 1024, 'x'));
    await mkdir(join(dir, 'there'));
    await writeFile(join(dir, 'there', 'big'), 'old');
    const abort = new AbortController();
    const running = host.upload(join(dir, 'big'), join(dir, 'there'), {
      atomic: true,
      signal: abort.signal,
      rateBytesPerSecond: 4 * 1024 * 1024,
    });
    for await (const event of running) {
      if (event.type !== 'bytes') continue;
      abort.abort();
      break;
    }
    await expect(running).rejects.toBe(abort.signal.reason);
    expect(await readdir(join(dir, 'there'))).toEqual(['big']);
    expect(await readFile(join(dir, 'there', 'big'), 'utf8')).toBe('old');
  });
});

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'a host without SFTP', () => {
  it('says what cannot be done there, with a code', async () => {
    await using server = await startSshd({ config: ['Subsystem sftp /bin/false'] });
    const client = await server.client();
    const place = { host: client.alias, transport: 'builtin', sshArgs: ['-F', client.configFile] } as const;
    await expect(connect({ ...place, protocol: 'sftp' })).rejects.toMatchObject({ code: 'ERR_NOT_OFFERED' });
    const host = await connect(place);
    const refused = { name: 'ConnectionError', code: 'ERR_NOT_OFFERED' };
    await expect(host.stat('.')).rejects.toMatchObject(refused);
    await expect(host.list('.').next()).rejects.toMatchObject(refused);
    await expect(host.remove('nothing')).rejects.toMatchObject(refused);
    for (const options of [{ resume: true }, { verify: true }, { filter: () => true }, { exclude: 'x' }])
      await expect(host.upload('/etc/hostname', '/tmp/never', options)).rejects.toMatchObject(refused);
    await host.close();
    await expect(host.upload('/etc/hostname', '/tmp/never')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });
});
