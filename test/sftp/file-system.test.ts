import { describe, expect, it } from 'vitest';
import { FileError, ProtocolError } from '../../src/base/errors.ts';
import type { SftpDirectory } from '../../src/sftp/directory.ts';
import { sftpFileSystem } from '../../src/sftp/file-system.ts';
import type { SftpSession } from '../../src/sftp/session.ts';
import { ByteReader } from '../../src/wire/byte-reader.ts';
import { type Asked, openSession, type ScriptedPeer, settle } from './scripted-peer.ts';

async function open(
  path = '.',
  extensions: readonly string[] = [],
): Promise<{ peer: ScriptedPeer; session: SftpSession; directory: SftpDirectory }> {
  const { peer, session } = await openSession(extensions);
  const directory = await sftpFileSystem(session, { shown: (shown) => `host:${shown}` }).directory(path);
  return { peer, session, directory };
}

/** The first string of a request. */
function nameIn({ body }: Asked): string {
  return new ByteReader(body, 'TEST').name();
}

const entry = (filename: string, permissions?: number) => ({ filename, attributes: { permissions, size: 1 } });

describe('paths of an SFTP file system', () => {
  it.each([
    ['.', 'f', 'host:f'],
    ['', 'f', 'host:f'],
    ['a/b', 'a/b/f', 'host:a/b/f'],
    ['/', '/f', 'host:/f'],
    ['/a/', '/a/f', 'host:/a/f'],
    ['~', 'f', 'host:~/f'],
    ['~/', 'f', 'host:~/f'],
    ['~/a', 'a/f', 'host:~/a/f'],
    ['~//a', 'a/f', 'host:~//a/f'],
    ['~/~x', './~x/f', 'host:~/~x/f'],
    ['a/~x', 'a/~x/f', 'host:a/~x/f'],
  ])('%j and the name f make %j, and nothing is asked before', async (path, sent, shown) => {
    const { peer, directory } = await open(path);
    expect(peer.asked).toHaveLength(0);
    const work = directory.remove('f').catch((error: unknown) => error);
    const request = await peer.next();
    expect(nameIn(request)).toBe(sent);
    peer.status(request.id, 3);
    expect(await work).toMatchObject({ message: `${shown}: Permission denied` });
  });

  it('has the server expand ~user, once, and takes the answer literally', async () => {
    const { peer, session } = await openSession(['expand-path@openssh.com']);
    const fileSystem = sftpFileSystem(session);
    const first = fileSystem.directory('~bob/x');
    const { id, body } = await peer.next();
    expect(body.subarray(-8).toString('latin1')).toBe('\0\0\0\x04~bob');
    peer.names(id, [entry('/home/*/')]);
    expect((await first).path).toBe('~bob/x');
    expect(await fileSystem.expand('~bob/y')).toBe('/home/*/y');
    expect(await fileSystem.expand('~bob')).toBe('/home/*/');
    expect(await fileSystem.expand('~')).toBe('.');
    expect(await fileSystem.expand('a~')).toBe('a~');
    expect(peer.asked).toHaveLength(0);
  });

  it('says what is missing where the server cannot expand ~user', async () => {
    const { session } = await openSession();
    await expect(sftpFileSystem(session).directory('~bob/x')).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: '~bob/x: server expand-path extension is required for ~user paths in SFTP mode',
    });
  });
});

describe('times that the protocol cannot hold', () => {
  it.each([-1, 2 ** 32])('are an error and are not set to others: %d', async (seconds) => {
    const { peer, directory } = await open();
    await expect(directory.setOwnTimes(0, seconds)).rejects.toMatchObject({ code: 'EOVERFLOW' });
    const times = { atimeSeconds: 0, mtimeSeconds: seconds };
    await expect(directory.setAttributes('f', { times }, { follow: true })).rejects.toMatchObject({
      code: 'EOVERFLOW',
    });
    expect(peer.asked).toHaveLength(0);
  });
});

describe('listing a directory', () => {
  const list = async (directory: SftpDirectory): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name, status } of directory.entries()) names.push(`${name} ${status?.kind}`);
    return names;
  };

  /** Answers READDIR with these, then with the end; says whether the directory was closed. */
  const serve = (peer: ScriptedPeer, answers: (ReturnType<typeof entry>[] | number)[]): { closed: () => number } => {
    let closed = 0;
    peer.onRequest = ({ type, id }) => {
      if (type === 11) peer.handle(id);
      else if (type === 12) {
        const answer = answers.shift() ?? 1;
        if (typeof answer === 'number') peer.status(id, answer);
        else peer.names(id, answer);
      } else if (type === 4) {
        closed++;
        peer.status(id, 0);
      }
      return true;
    };
    return { closed: () => closed };
  };

  it('gives names with their kinds, without . and .., and closes the directory', async () => {
    const { peer, directory } = await open();
    const { closed } = serve(peer, [
      [entry('.', 0o40755), entry('..', 0o40755), entry('f', 0o100644), entry('l', 0o120777)],
      [],
      [entry('d', 0o40700), entry('p', 0o10600), entry('u'), entry('\udce9\n', 0o644)],
    ]);
    expect(await list(directory)).toEqual([
      'f file',
      'l symlink',
      'd directory',
      'p other',
      'u undefined',
      '\udce9\n file',
    ]);
    await settle();
    expect(closed()).toBe(1);
  });

  it('leaves the status to a question where a file comes without its size', async () => {
    const { peer, directory } = await open();
    serve(peer, [[{ filename: 'f', attributes: { permissions: 0o100644 } } as ReturnType<typeof entry>]]);
    expect(await list(directory)).toEqual(['f undefined']);
  });

  it.each(['', 'a/b', '/', '../x', 'a\0b', 'x'.repeat(1025)])('refuses the name %j', async (name) => {
    const { peer, session, directory } = await open();
    const { closed } = serve(peer, [[entry('ok', 0o644), entry(name, 0o644)]]);
    const error = await list(directory).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: 'ERR_UNSAFE_NAME' });
    await settle();
    expect(closed()).toBe(1);
    expect(session.failure).toBeUndefined();
  });

  it('ends a listing that never brings a name', async () => {
    const { peer, session, directory } = await open();
    serve(
      peer,
      Array.from({ length: 100 }, () => []),
    );
    await expect(list(directory)).rejects.toThrow('answers READDIR with no names');
    expect(session.failure).toBeDefined();
  });

  it('ends a listing that never ends', { timeout: 60_000 }, async () => {
    const { peer, session, directory } = await open();
    const answer = Array.from({ length: 2000 }, () => entry('n', 0o644));
    let answers = 0;
    peer.onRequest = ({ type, id }) => {
      if (type === 11) peer.handle(id);
      else if (type === 12) {
        answers++;
        peer.names(id, answer);
      } else peer.status(id, 0);
      return true;
    };
    let count = 0;
    const error = await (async () => {
      for await (const _ of directory.names()) count++;
    })().catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'ERR_LIMIT', message: 'host:.: too many names in one directory' });
    expect(count).toBe(1_000_000);
    expect(answers).toBeLessThan(520);
    expect(session.failure).toBeUndefined();
  });

  it('ends a listing that never brings anything but the directory itself', { timeout: 60_000 }, async () => {
    const { peer, session, directory } = await open();
    const answer = Array.from({ length: 2000 }, (_, index) => entry(index % 2 === 0 ? '.' : '..', 0o40755));
    peer.onRequest = ({ type, id }) => {
      if (type === 11) peer.handle(id);
      else if (type === 12) peer.names(id, answer);
      else peer.status(id, 0);
      return true;
    };
    await expect(list(directory)).rejects.toMatchObject({ code: 'ERR_LIMIT' });
    expect(session.failure).toBeUndefined();
  });

  it('closes the directory where its consumer leaves early', async () => {
    const { peer, directory } = await open();
    const { closed } = serve(peer, [[entry('a', 0o644), entry('b', 0o644)]]);
    for await (const name of directory.names()) {
      expect(name).toBe('a');
      break;
    }
    await settle();
    expect(closed()).toBe(1);
  });

  it('reports a directory that cannot be read, and one that fails on the way', async () => {
    const { peer, directory } = await open('d');
    const work = list(directory);
    peer.status((await peer.next()).id, 2);
    await expect(work).rejects.toMatchObject({ code: 'ENOENT', message: 'host:d: No such file or directory' });
    const { closed } = serve(peer, [[entry('a', 0o644)], 3]);
    await expect(list(directory)).rejects.toThrow('host:d: Permission denied');
    await settle();
    expect(closed()).toBe(1);
  });
});

describe('an SFTP directory', () => {
  it('tells the status of a name, and undefined where there is none', async () => {
    const { peer, directory } = await open();
    const own = directory.status('f');
    const request = await peer.next();
    expect(request.type).toBe(7);
    peer.attributes(request.id, { size: 7, uid: 1, gid: 2, permissions: 0o100640, atimeSeconds: 3, mtimeSeconds: 4 });
    expect(await own).toEqual({
      kind: 'file',
      mode: 0o640,
      size: 7,
      uid: 1,
      gid: 2,
      atimeSeconds: 3,
      mtimeSeconds: 4,
      device: 0,
      inode: 0,
      links: 1,
    });
    const followed = directory.status('l', { follow: true });
    const second = await peer.next();
    expect(second.type).toBe(17);
    peer.status(second.id, 2);
    expect(await followed).toBeUndefined();
  });

  it('has defaults for what a server leaves out', async () => {
    const { peer, directory } = await open();
    const file = directory.status('f');
    peer.attributes((await peer.next()).id, {});
    expect(await file).toMatchObject({ kind: 'file', mode: 0o644, size: 0 });
    const own = directory.ownStatus();
    peer.attributes((await peer.next()).id, {});
    expect(await own).toMatchObject({ kind: 'directory', mode: 0o755 });
  });

  it.each([
    ['read', {}, 1, 0],
    ['write', {}, 2, 0],
    ['write', { create: 'if-missing' }, 0x0a, 0],
    ['write', { create: 'new', mode: 0o100600 }, 0x2a, 4],
  ] as const)('opens for %s with %j, never truncating', async (access, options, flags, attributes) => {
    const { peer, directory } = await open();
    const opening = directory.open('f', { access, follow: true, ...options });
    const { id, type, body } = await peer.next();
    const reader = new ByteReader(body, 'TEST');
    expect([type, reader.name(), reader.uint32(), reader.uint32()]).toEqual([3, 'f', flags, attributes]);
    if (attributes > 0) expect(reader.uint32()).toBe(0o600);
    peer.handle(id);
    const file = await opening;
    expect(file.path).toBe('host:f');
    const [closing, again] = [file.close(), file.close()];
    // For a file that was read the answer is not waited for.
    if (access === 'read') await Promise.all([closing, again]);
    peer.status((await peer.next()).id, 4, 'No space left on device');
    if (access === 'write') {
      await expect(closing).rejects.toThrow('host:f: No space left on device');
      await expect(again).rejects.toThrow(FileError);
    }
    await settle();
    expect(peer.asked).toHaveLength(0);
  });

  it('refuses a link for reading, and closes what was opened meanwhile', async () => {
    const { peer, directory } = await open();
    const opening = directory.open('l', { access: 'read' });
    const [look, request] = await peer.nextOf(2);
    expect([look!.type, request!.type]).toEqual([7, 3]);
    peer.attributes(look!.id, { permissions: 0o120777 });
    peer.handle(request!.id, Buffer.from('opened'));
    await expect(opening).rejects.toMatchObject({ code: 'ELOOP' });
    const close = await peer.next();
    expect([close.type, nameIn(close)]).toEqual([4, 'opened']);
    peer.status(close.id, 0);
  });

  it('looks before it opens an existing name for writing', async () => {
    const { peer, directory } = await open();
    const refused = directory.open('l', { access: 'write', create: 'if-missing' });
    const look = await peer.next();
    expect(look.type).toBe(7);
    peer.attributes(look.id, { permissions: 0o120777 });
    await expect(refused).rejects.toMatchObject({ code: 'ELOOP' });
    expect(peer.asked).toHaveLength(0);
    const allowed = directory.open('f', { access: 'write', create: 'if-missing', shownAs: 'other' });
    peer.status((await peer.next()).id, 2);
    peer.handle((await peer.next()).id);
    expect((await allowed).path).toBe('host:other');
  });

  it('finds out why a name cannot be made', async () => {
    const { peer, directory } = await open();
    for (const make of [
      () => directory.open('f', { access: 'write', create: 'new' }),
      () => directory.makeDirectory('f', 0o755),
      () => directory.makeLink('f', 'to'),
    ]) {
      const taken = make();
      peer.status((await peer.next()).id, 4, 'Failure');
      const look = await peer.next();
      expect(look.type).toBe(7);
      peer.attributes(look.id, {});
      await expect(taken).rejects.toMatchObject({ code: 'EEXIST', message: 'host:f: File exists' });
      const free = make();
      peer.status((await peer.next()).id, 4, 'Failure');
      peer.status((await peer.next()).id, 2);
      await expect(free).rejects.toMatchObject({ code: 'ERR_FILE', message: 'host:f: Failure' });
    }
  });

  it('goes down without a question where it may follow, and looks where it may not', async () => {
    const { peer, directory } = await open('a');
    expect((await directory.directory('b', { follow: true })).path).toBe('host:a/b');
    expect(directory.below('c').path).toBe('host:a/c');
    expect(peer.asked).toHaveLength(0);
    for (const [permissions, code] of [
      [0o120777, 'ELOOP'],
      [0o100644, 'ENOTDIR'],
    ] as const) {
      const refused = directory.directory('b');
      peer.attributes((await peer.next()).id, { permissions });
      await expect(refused).rejects.toMatchObject({ code, path: 'host:a/b' });
    }
    const allowed = directory.directory('b');
    peer.attributes((await peer.next()).id, { permissions: 0o40755 });
    expect((await allowed).path).toBe('host:a/b');
  });

  it('renames so that the new name is replaced, where the server can', async () => {
    for (const [extensions, type] of [
      [['posix-rename@openssh.com'], 200],
      [[], 18],
    ] as const) {
      const { peer, directory } = await open('.', extensions);
      const work = directory.rename('a', 'b');
      const request = await peer.next();
      expect(request.type).toBe(type);
      expect(request.body.subarray(-10).toString('latin1')).toBe('\0\0\0\x01a\0\0\0\x01b');
      peer.status(request.id, 0);
      await work;
    }
  });
});

describe('an open SFTP file', () => {
  const openFile = async (extensions: readonly string[] = []) => {
    const { peer, session, directory } = await open('.', extensions);
    const opening = directory.open('f', { access: 'read', follow: true });
    peer.handle((await peer.next()).id);
    return { peer, session, file: await opening };
  };

  it('reads into a buffer with one READ', async () => {
    const { peer, file } = await openFile();
    const buffer = Buffer.alloc(100_000);
    const reading = file.read(buffer, 5);
    const { id, body } = await peer.next();
    expect(body.toString('hex')).toBe('0000000168000000000000000500008000');
    peer.content(id, Buffer.from('abc'));
    expect(await reading).toBe(3);
    expect(buffer.subarray(0, 4).toString('latin1')).toBe('abc\0');
    const end = file.read(buffer, 8);
    peer.status((await peer.next()).id, 1);
    expect(await end).toBe(0);
  });

  it('asks once more where an answer has no byte, and fails the session after the second', async () => {
    const { peer, session, file } = await openFile();
    const reading = file.read(Buffer.alloc(10), 0).catch((error: unknown) => error);
    peer.content((await peer.next()).id, Buffer.alloc(0));
    peer.content((await peer.next()).id, Buffer.alloc(0));
    expect(await reading).toBeInstanceOf(ProtocolError);
    expect(session.failure).toBeDefined();
  });

  it('sets attributes one by one', async () => {
    const { peer, file } = await openFile();
    for (const [work, attributes] of [
      [() => file.truncate(9), '00000001 0000000000000009'],
      [() => file.setMode(0o104755), '00000004 000009ed'],
      [() => file.setOwner(1, 2), '00000002 00000001 00000002'],
      [() => file.setTimes(1.9, 2), '00000008 00000001 00000002'],
    ] as const) {
      const working = work();
      const { id, type, body } = await peer.next();
      expect([type, body.subarray(5).toString('hex')]).toEqual([10, attributes.replaceAll(' ', '')]);
      peer.status(id, 3);
      await expect(working).rejects.toThrow('host:f: Permission denied');
    }
  });

  it('syncs where the server can, and does nothing where it cannot', async () => {
    const plain = await openFile();
    await plain.file.sync();
    expect(plain.peer.asked).toHaveLength(0);
    const { peer, file } = await openFile(['fsync@openssh.com']);
    const work = file.sync();
    peer.status((await peer.next()).id, 0);
    await work;
  });

  it('sends what is asked for at once, in order, without waiting for answers', async () => {
    const { peer, file } = await openFile();
    const writer = file.writerFrom?.(0);
    await writer?.write(Buffer.from('abc'));
    const work = Promise.all([writer?.flush(), file.setTimes(1, 2), file.close()]);
    await settle();
    expect(peer.asked.map(({ type }) => type)).toEqual([6, 10, 4]);
    for (const { id } of peer.asked) peer.status(id, 0);
    await work;
  });
});

describe('what a server needs of a directory, asked of one by SFTP', () => {
  it('renames and links into another directory of the session', async () => {
    const { peer, session, directory } = await open('a', ['hardlink@openssh.com', 'posix-rename@openssh.com']);
    const target = await sftpFileSystem(session).directory('b');
    for (const work of [directory.rename('f', 'g', target), directory.makeHardLink('f', 'g', target)]) {
      const { id, body } = await peer.next();
      const reader = new ByteReader(body, 'TEST');
      reader.skipString();
      expect([reader.name(), reader.name()]).toEqual(['a/f', 'b/g']);
      peer.status(id, 0);
      await work;
    }
    const other = await open();
    await expect(directory.rename('f', 'g', other.directory)).rejects.toMatchObject({ code: 'EXDEV' });
  });

  it('tells a taken name from other failures of a link', async () => {
    const { peer, directory } = await open('a', ['hardlink@openssh.com']);
    const work = directory.makeHardLink('f', 'g').catch((error: unknown) => error);
    peer.status((await peer.next()).id, 4, 'Failure');
    const look = await peer.next();
    expect(look.type).toBe(7);
    peer.attributes(look.id, { permissions: 0o100644 });
    expect(await work).toMatchObject({ code: 'EEXIST', message: 'host:a/g: File exists' });
  });

  it('sets attributes by SETSTAT, of links by lsetstat, and removes directories by RMDIR', async () => {
    const { peer, directory } = await open('a', ['lsetstat@openssh.com']);
    const followed = directory.setAttributes('f', { mode: 0o100640, owner: { uid: 1, gid: 2 } }, { follow: true });
    const first = await peer.next();
    expect([first.type, first.body.toString('hex')]).toEqual([9, '00000003612f66000000060000000100000002000001a0']);
    peer.status(first.id, 0);
    await followed;
    const own = directory.setAttributes('f', { times: { atimeSeconds: 1, mtimeSeconds: 2 } });
    const second = await peer.next();
    expect([second.type, nameIn(second)]).toEqual([200, 'lsetstat@openssh.com']);
    peer.status(second.id, 0);
    await own;
    const removed = directory.removeDirectory('d');
    const third = await peer.next();
    expect([third.type, nameIn(third)]).toEqual([15, 'a/d']);
    peer.status(third.id, 0);
    await removed;
  });

  it('opens for reading and writing at once', async () => {
    const { peer, directory } = await open('a');
    const opening = directory.open('f', { access: 'read-write', create: 'new' });
    const { id, body } = await peer.next();
    const reader = new ByteReader(body, 'TEST');
    reader.skipString();
    expect(reader.uint32()).toBe(0x01 | 0x02 | 0x08 | 0x20);
    peer.handle(id);
    await opening;
  });

  it('has no space to tell of without statvfs', async () => {
    const { directory } = await open('a');
    await expect(directory.space()).rejects.toMatchObject({ code: 'ENOTSUP' });
  });
});
