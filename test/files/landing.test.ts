import { chmod, chown, link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileError } from '../../src/base/errors.ts';
import type { Directory, OpenFile, OpenOptions } from '../../src/files/file-system.ts';
import { land, landByRename } from '../../src/files/landing.ts';
import { PARTIAL_SUFFIX } from '../../src/files/landing-types.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { readAhead } from '../../src/files/read-ahead.ts';
import { WriteBehind } from '../../src/files/write-behind.ts';
import { tempDirectory } from '../support/temp.ts';

async function openTemp(): Promise<{ path: string; directory: Directory }> {
  const path = await tempDirectory();
  const directory = await localFileSystem({ pin: true }).directory(path);
  onTestFinished(() => directory.close());
  return { path, directory };
}

/** A directory in which some calls fail. */
function failing(
  directory: Directory,
  faults: { rename?: string; open?: string; write?: OpenFile['write']; setMode?: OpenFile['setMode'] },
): Directory {
  return new Proxy(directory, {
    get(target, property) {
      if (property === 'rename' && faults.rename !== undefined) {
        return async () => Promise.reject(new FileError('x', 'rename', faults.rename as 'EBUSY'));
      }
      if (property === 'open' && faults.open !== undefined) {
        return async (name: string, options: OpenOptions): Promise<OpenFile> => {
          if (options.create === 'new') throw new FileError(name, 'open', faults.open as 'EACCES');
          return await target.open(name, options);
        };
      }
      if (property === 'open' && faults.setMode !== undefined) {
        return async (name: string, options: OpenOptions): Promise<OpenFile> =>
          Object.assign(await target.open(name, options), { setMode: faults.setMode });
      }
      if (property === 'open' && faults.write !== undefined) {
        return async (name: string, options: OpenOptions): Promise<OpenFile> => {
          const file = await target.open(name, options);
          // Only the target itself cannot be written.
          if (options.create === undefined && options.access === 'write')
            file.write = faults.write as OpenFile['write'];
          return file;
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe('a file that lands', () => {
  it('has its name only once it is whole, and then its mode and times', async () => {
    const { path, directory } = await openTemp();
    const landing = await land(directory, 'f', { mode: 0o600 });
    await landing.write(Buffer.from('hello'));
    const [partial, ...others] = await readdir(path);
    expect(others).toEqual([]);
    expect(partial).toMatch(new RegExp(`^\\.f\\..*\\${PARTIAL_SUFFIX}$`));
    await landing.commit({ mode: 0o755, times: { atimeSeconds: 1, mtimeSeconds: 2 } });
    expect(await readdir(path)).toEqual(['f']);
    const status = await stat(join(path, 'f'));
    expect([status.mode & 0o777, status.mtimeMs]).toEqual([0o755, 2000]);
  });

  it('leaves the old content and nothing else when it is discarded', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'old');
    const landing = await land(directory, 'f', { mode: 0o600 });
    await landing.write(Buffer.alloc(2_000_000));
    await landing.discard();
    await landing.discard();
    expect(await readdir(path)).toEqual(['f']);
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('old');
  });

  it('replaces a file and keeps its mode where none is given', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'a longer old content');
    await chmod(join(path, 'f'), 0o604);
    const landing = await land(directory, 'f', { mode: 0o777, durable: true });
    await landing.write(Buffer.from('new'));
    await landing.commit({});
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('new');
    expect((await stat(join(path, 'f'))).mode & 0o777).toBe(0o604);
  });

  it('keeps both names of a file that has two where links are followed, and only once the content is whole', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'a longer old content');
    await link(join(path, 'f'), join(path, 'other'));
    const failed = await land(directory, 'f', { mode: 0o644, follow: true });
    await failed.write(Buffer.alloc(2_000_000));
    await failed.discard();
    expect(await readFile(join(path, 'other'), 'utf8')).toBe('a longer old content');
    const landing = await land(directory, 'f', { mode: 0o644, follow: true, durable: true });
    await landing.write(Buffer.from('new'));
    await landing.commit({});
    expect(await readFile(join(path, 'other'), 'utf8')).toBe('new');
    expect((await readdir(path)).sort()).toEqual(['f', 'other']);
  });

  it('leaves the other name of a file alone where links are not followed', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'old');
    await link(join(path, 'f'), join(path, 'other'));
    const landing = await land(directory, 'f', { mode: 0o644 });
    await landing.write(Buffer.from('new'));
    await landing.commit({});
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('new');
    expect(await readFile(join(path, 'other'), 'utf8')).toBe('old');
  });

  it('says where the new content is when the old file was damaged on the last step', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'old');
    await link(join(path, 'f'), join(path, 'other'));
    const full: OpenFile['write'] = async () => Promise.reject(new FileError(`${path}/f`, 'write', 'ENOSPC'));
    const landing = await land(failing(directory, { write: full }), 'f', { mode: 0o644, follow: true });
    await landing.write(Buffer.from('new'));
    const error = await landing.commit({}).catch((thrown: unknown) => thrown);
    await landing.discard();
    const kept = (await readdir(path)).find((name) => name.endsWith(PARTIAL_SUFFIX)) ?? 'none';
    expect(error).toMatchObject({
      code: 'ENOSPC',
      reason: expect.stringContaining(`the new content is whole in ${path}/${kept}`),
    });
    expect(await readFile(join(path, kept), 'utf8')).toBe('new');
  });

  it('follows a link only where that is allowed', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'real'), 'old');
    await symlink('real', join(path, 'f'));
    await expect(land(directory, 'f', { mode: 0o644 })).rejects.toMatchObject({ code: 'ELOOP' });
    const landing = await land(directory, 'f', { mode: 0o644, follow: true });
    await landing.write(Buffer.from('new'));
    await landing.commit({});
    expect(await readFile(join(path, 'real'), 'utf8')).toBe('new');
    expect((await readdir(path)).sort()).toEqual(['f', 'real']);
  });

  it('makes the file that a dangling link names, where links are followed', async () => {
    const { path, directory } = await openTemp();
    await symlink('real', join(path, 'f'));
    const landing = await land(directory, 'f', { mode: 0o600, follow: true });
    await landing.write(Buffer.from('x'));
    await landing.commit({});
    expect(await readFile(join(path, 'real'), 'utf8')).toBe('x');
  });

  it('refuses a directory', async () => {
    const { path, directory } = await openTemp();
    await mkdir(join(path, 'f'));
    await expect(land(directory, 'f', { mode: 0o644 })).rejects.toMatchObject({
      code: 'EISDIR',
      message: `${path}/f: Is a directory`,
    });
  });

  it('is copied over a file that cannot be replaced because it is a mount point', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'a longer old content');
    const { ino } = await stat(join(path, 'f'));
    const landing = await land(failing(directory, { rename: 'EBUSY' }), 'f', { mode: 0o644 });
    await landing.write(Buffer.from('new'));
    await landing.commit({});
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('new');
    expect((await stat(join(path, 'f'))).ino).toBe(ino);
    expect(await readdir(path)).toEqual(['f']);
  });

  it('is written in place where nothing can be made beside it, and refused where it is new', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'a longer old content');
    const closed = failing(directory, { open: 'EACCES' });
    const landing = await land(closed, 'f', { mode: 0o644 });
    await landing.write(Buffer.from('new'));
    await landing.commit({});
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('new');
    await expect(land(closed, 'g', { mode: 0o644 })).rejects.toMatchObject({ code: 'EACCES' });
  });

  it.each(['EMFILE', 'ENOSPC', 'EDQUOT', 'EIO'])(
    'risks no content where nothing can be made beside it for %s',
    async (code) => {
      const { path, directory } = await openTemp();
      await writeFile(join(path, 'f'), 'old');
      await expect(land(failing(directory, { open: code }), 'f', { mode: 0o644 })).rejects.toMatchObject({ code });
      expect(await readFile(join(path, 'f'), 'utf8')).toBe('old');
    },
  );

  it('is there all the same when its mode and times cannot be set, which is reported', async () => {
    const { path, directory } = await openTemp();
    const setMode: OpenFile['setMode'] = async () => Promise.reject(new FileError(`${path}/f`, 'set mode', 'EPERM'));
    const landing = await land(failing(directory, { setMode }), 'f', { mode: 0o644 });
    await landing.write(Buffer.from('new'));
    const commit = landing.commit({ mode: 0o600, times: { atimeSeconds: 1, mtimeSeconds: 2 } });
    await expect(commit).rejects.toThrow(`${path}/f: set mode: Operation not permitted`);
    await landing.discard();
    expect(await readdir(path)).toEqual(['f']);
    expect((await stat(join(path, 'f'))).mtimeMs).toBe(2000);
  });

  it('fails and leaves the old file when the rename fails for another reason', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'old');
    const landing = await land(failing(directory, { rename: 'EIO' }), 'f', { mode: 0o644 });
    await landing.write(Buffer.from('new'));
    await expect(landing.commit({})).rejects.toMatchObject({ code: 'EIO' });
    await landing.discard();
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('old');
    expect(await readdir(path)).toEqual(['f']);
  });

  it('takes names as long as the file system does', async () => {
    const { path, directory } = await openTemp();
    const name = 'ü'.repeat(127);
    const landing = await land(directory, name, { mode: 0o644 });
    await landing.commit({});
    expect(await readdir(path)).toEqual([name]);
  });
});

/** A file in memory that counts and can be slow or fail. */
function memoryFile(options: { failAt?: number; gate?: Promise<void> } = {}) {
  const written: Buffer[] = [];
  const state = { underWay: 0, most: 0, position: 0 };
  const file = {
    path: 'memory',
    async write(chunks: readonly Uint8Array[], position: number) {
      state.underWay++;
      state.most = Math.max(state.most, state.underWay);
      expect(position).toBe(state.position);
      await options.gate;
      for (const chunk of chunks) {
        state.position += chunk.length;
        written.push(Buffer.from(chunk));
      }
      state.underWay--;
      if (state.position > (options.failAt ?? Number.POSITIVE_INFINITY))
        throw new FileError('memory', 'write', 'ENOSPC');
    },
  } as unknown as OpenFile;
  return { file, written, state };
}

describe('writing behind', () => {
  it('writes everything in order, one write at a time', async () => {
    const { file, written, state } = memoryFile();
    const writer = new WriteBehind(file);
    const parts = Array.from({ length: 400 }, (_, i) => Buffer.alloc((i * 7919) % 30_000, i));
    for (const part of parts) await writer.write(part);
    expect(await writer.flush()).toBe(Buffer.concat(parts).length);
    expect(Buffer.concat(written).equals(Buffer.concat(parts))).toBe(true);
    expect(state.most).toBe(1);
  });

  it('holds its producer back while a write is slow', async () => {
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const writer = new WriteBehind(memoryFile({ gate }).file);
    let taken = 0;
    const producing = (async () => {
      for (; taken < 1000; taken++) await writer.write(Buffer.alloc(64 * 1024));
    })();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toBeLessThan(60);
    open();
    await producing;
    expect(await writer.flush()).toBe(1000 * 64 * 1024);
  });

  it('throws the error of a write at the next call, again and again', async () => {
    const writer = new WriteBehind(memoryFile({ failAt: 100 }).file);
    void writer.write(Buffer.alloc(600_000));
    await expect(writer.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(() => writer.write(Buffer.alloc(1))).toThrow('No space left on device');
    await writer.abandon();
  });
});

describe('reading ahead', () => {
  it('gives exactly the bytes, and each chunk stays until the next but one is asked for', async () => {
    const { path, directory } = await openTemp();
    const bytes = Buffer.alloc(1_500_007);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31) % 251;
    await writeFile(join(path, 'f'), bytes);
    const file = await directory.open('f', { access: 'read' });
    let previous: { chunk: Uint8Array; copy: Buffer } | undefined;
    const collected: Buffer[] = [];
    for await (const chunk of readAhead(file, bytes.length)) {
      if (previous) expect(previous.copy.equals(previous.chunk)).toBe(true);
      previous = { chunk, copy: Buffer.from(chunk) };
      collected.push(previous.copy);
    }
    await file.close();
    expect(Buffer.concat(collected).equals(bytes)).toBe(true);
  });

  it('stops at the size it was given, and at the end of a file that became shorter', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'x'.repeat(1000));
    const file = await directory.open('f', { access: 'read' });
    const length = async (size: number) => {
      let total = 0;
      for await (const chunk of readAhead(file, size)) total += chunk.length;
      return total;
    };
    expect([await length(10), await length(1000), await length(5000), await length(0)]).toEqual([10, 1000, 1000, 0]);
    await file.close();
  });
});

describe('a file that lands where an earlier attempt broke off', () => {
  const resume = { key: 'k', size: 10, agrees: async () => true };

  async function beginAndLeave(directory: Directory, name: string, content: string): Promise<void> {
    const landing = await land(directory, name, { mode: 0o600, resume });
    await landing.write(Buffer.from(content));
    await landing.discard();
  }

  it('goes on behind what is there', async () => {
    const { path, directory } = await openTemp();
    await beginAndLeave(directory, 'f', 'hello');
    const landing = await land(directory, 'f', { mode: 0o600, resume });
    expect(landing.offset).toBe(5);
    await landing.write(Buffer.from('world'));
    await landing.commit({});
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('helloworld');
    expect(await readdir(path)).toEqual(['f']);
  });

  it('leaves the file of another copy alone that was quicker', async () => {
    const { path, directory } = await openTemp();
    await beginAndLeave(directory, 'f', 'hello');
    const [one, other] = [
      await land(directory, 'f', { mode: 0o600, resume }),
      await land(directory, 'f', { mode: 0o600, resume }),
    ];
    for (const landing of [one, other]) await landing.write(Buffer.from('world'));
    await one.commit({});
    await expect(other.commit({})).rejects.toMatchObject({ code: 'EBUSY' });
    await other.discard();
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('helloworld');
  });

  it('does not take what another copy has put in its place for its own', async () => {
    const { path, directory } = await openTemp();
    const one = await land(directory, 'f', { mode: 0o600, resume });
    await one.write(Buffer.from('helloworld'));
    // The other one finds nothing fit and begins anew, under the same name.
    const other = await land(directory, 'f', { mode: 0o600, resume: { ...resume, agrees: async () => false } });
    await other.write(Buffer.from('hel'));
    await expect(one.commit({})).rejects.toMatchObject({ code: 'EBUSY' });
    await one.discard();
    expect(await readdir(path)).not.toContain('f');
    await other.write(Buffer.from('loworld'));
    await other.commit({});
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('helloworld');
  });

  it('never removes the old file of a server where the new one is gone', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'old');
    const broken = failing(directory, { rename: 'EEXIST' });
    const landing = await landByRename(broken, 'f', { mode: 0o600 });
    await landing.write(Buffer.from('new'));
    for (const name of await readdir(path)) if (name.endsWith(PARTIAL_SUFFIX)) await rm(join(path, name));
    await expect(landing.commit({})).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('old');
  });

  it('keeps nothing behind a write that failed while later ones went through', async () => {
    const { path, directory } = await openTemp();
    // A server that has no room for the second write, and has some again for the third.
    const holed = new Proxy(directory, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (property !== 'open') return typeof value === 'function' ? value.bind(target) : value;
        return async (name: string, options: OpenOptions): Promise<OpenFile> => {
          const file = await target.open(name, options);
          const written: Promise<void>[] = [];
          file.writerFrom = (position) => ({
            write(chunk) {
              written.push(file.write([chunk], position + 5 * written.length));
              return undefined;
            },
            flush: async () => Promise.reject(new FileError('f', 'write', 'ENOSPC')),
            abandon: async () => {
              await Promise.all(written);
              return 5;
            },
          });
          return file;
        };
      },
    });
    const landing = await land(holed, 'f', { mode: 0o600, resume: { ...resume, size: 15 } });
    for (const text of ['hello', '.....', 'world']) await landing.write(Buffer.from(text));
    await expect(landing.commit({})).rejects.toMatchObject({ code: 'ENOSPC' });
    await landing.discard();
    const [partial = ''] = await readdir(path);
    expect(await readFile(join(path, partial), 'utf8')).toBe('hello');
  });

  it('tells long names apart that begin alike', async () => {
    const { path, directory } = await openTemp();
    const long = 'n'.repeat(250);
    await beginAndLeave(directory, `${long}1`, 'hello');
    const landing = await land(directory, `${long}2`, { mode: 0o600, resume });
    expect(landing.offset).toBe(0);
    await landing.discard();
    expect(await readdir(path)).toHaveLength(2);
  });

  it.skipIf(process.getuid?.() !== 0)('does not go on with what another user has left there', async () => {
    const { path, directory } = await openTemp();
    await beginAndLeave(directory, 'f', 'evil!');
    const [partial = ''] = await readdir(path);
    await chown(join(path, partial), 65_534, 65_534);
    const landing = await land(directory, 'f', { mode: 0o600, resume });
    expect(landing.offset).toBe(0);
    await landing.write(Buffer.from('helloworld'));
    await landing.commit({});
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('helloworld');
    expect((await stat(join(path, 'f'))).uid).toBe(process.getuid?.());
  });
});

/** A directory whose renames go to free names only, as on a server without posix-rename. */
function timid(directory: Directory, faults: { failAt?: string } = {}): Directory {
  return new Proxy(directory, {
    get(target, property) {
      if (property === 'renameReplaces') return false;
      const value: unknown = Reflect.get(target, property, target);
      if (property !== 'rename') return typeof value === 'function' ? value.bind(target) : value;
      return async (from: string, to: string): Promise<void> => {
        if (from.endsWith(faults.failAt ?? '?') && (await target.status(to)) === undefined)
          throw new FileError(to, 'rename', 'EIO');
        if ((await target.status(to)) !== undefined) throw new FileError(to, 'rename', 'ERR_FILE');
        await target.rename(from, to);
      };
    },
  });
}

describe('a file that lands where names cannot be replaced', () => {
  async function replace(directory: Directory): Promise<void> {
    const landing = await landByRename(directory, 'f', { mode: 0o600 });
    await landing.write(Buffer.from('new'));
    try {
      await landing.commit({});
    } catch (error) {
      await landing.discard();
      throw error;
    }
  }

  it('has the old one make room, and leaves nothing else', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'old');
    await replace(timid(directory));
    expect(await readdir(path)).toEqual(['f']);
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('new');
  });

  it('puts the old one back where it cannot take its place', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'old');
    await expect(replace(timid(directory, { failAt: PARTIAL_SUFFIX }))).rejects.toMatchObject({ code: 'EIO' });
    expect(await readdir(path)).toEqual(['f']);
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('old');
  });

  it('keeps the old one where it stands when closing fails', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'old');
    const broken = new Proxy(directory, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (property !== 'open') return typeof value === 'function' ? value.bind(target) : value;
        return async (name: string, options: OpenOptions): Promise<OpenFile> => {
          const file = await target.open(name, options);
          const close = file.close.bind(file);
          return Object.assign(file, {
            close: async () => {
              await close();
              throw new FileError('f', 'close', 'EDQUOT');
            },
          });
        };
      },
    });
    await expect(replace(broken)).rejects.toMatchObject({ code: 'EDQUOT' });
    expect(await readdir(path)).toEqual(['f']);
    expect(await readFile(join(path, 'f'), 'utf8')).toBe('old');
  });

  it('gets no mode and no owner that nobody told', async () => {
    const { path, directory } = await openTemp();
    await writeFile(join(path, 'f'), 'old');
    const set: string[] = [];
    const vague = new Proxy(directory, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (property === 'status')
          return async (name: string) => {
            const status = await target.status(name);
            return status && { ...status, mode: 0o644, uid: 0, gid: 0, untold: ['mode', 'owner'] };
          };
        if (property !== 'open') return typeof value === 'function' ? value.bind(target) : value;
        return async (name: string, options: OpenOptions): Promise<OpenFile> => {
          const setMode = async (): Promise<void> => void set.push('mode');
          const setOwner = async (): Promise<void> => void set.push('owner');
          return Object.assign(await target.open(name, options), { setMode, setOwner });
        };
      },
    });
    await replace(vague);
    expect(set).toEqual([]);
  });

  it('says what it had to leave behind', async () => {
    const { path, directory } = await openTemp();
    const stuck = new Proxy(directory, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (property === 'remove') return async () => Promise.reject(new FileError('f', 'remove', 'EIO'));
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const left: string[] = [];
    const landing = await landByRename(stuck, 'f', { mode: 0o600, left: (what) => left.push(what) });
    await landing.discard();
    const [partial = ''] = await readdir(path);
    expect(left).toEqual([join(path, partial)]);
  });
});
