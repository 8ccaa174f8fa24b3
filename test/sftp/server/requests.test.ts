import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../../src/base/errors.ts';
import { ScriptedClient as Client, openScripted, type ScriptedClient, str, u32, u64 } from './scripted-client.ts';

/** Attributes with a size of 5, user 1, group 2, permissions 0100644, times 3 and 4. */
const attributes = Buffer.concat([u32(0x0f), u64(5), u32(1), u32(2), u32(0o100644), u32(3), u32(4)]);
const noAttributes = u32(0);
/** What ServedMemory tells of a file of 5 bytes. */
const attributesOf5 = `0000000f${'0000000000000005'}${'00000000'.repeat(2)}000081a40000000100000002`;
const statvfs = [4096, 4096, 10, 5, 4, 3, 2, 2, 0, 0, 255].map((value) => u64(value).toString('hex')).join('');

describe('the beginning', () => {
  it.each([1, 3, 6, 0xffffffff])(
    'INIT of version %d is answered with version 3 and the extensions',
    async (version) => {
      const client = new Client();
      const { type, body } = await client.init(version);
      expect([type, body.readUInt32BE(0)]).toEqual([2, 3]);
      const text = body.toString('latin1');
      for (const name of [
        'posix-rename@openssh.com\0\0\0\x011',
        'statvfs@openssh.com\0\0\0\x012',
        'fstatvfs@openssh.com\0\0\0\x012',
        'hardlink@openssh.com\0\0\0\x011',
        'fsync@openssh.com\0\0\0\x011',
        'lsetstat@openssh.com\0\0\0\x011',
        'limits@openssh.com\0\0\0\x011',
        'expand-path@openssh.com\0\0\0\x011',
        'copy-data\0\0\0\x011',
        'home-directory\0\0\0\x011',
        'users-groups-by-id@openssh.com\0\0\0\x011',
        'check-file\0\0\0\x011',
      ])
        expect(text).toContain(name);
    },
  );
});

describe('requests that name a path', () => {
  it.each([
    [13, [str('/f')], 'remove /f'],
    [14, [str('/d'), noAttributes], 'mkdir /d undefined'],
    [14, [str('/d'), u32(4), u32(0o40750)], 'mkdir /d 750'],
    [15, [str('/d')], 'rmdir /d'],
    [18, [str('/a'), str('/b')], 'rename /a /b false'],
    [20, [str('target'), str('/link')], 'symlink /link target'],
    [
      9,
      [str('/f'), attributes],
      'setstat /f {"size":5,"uid":1,"gid":2,"permissions":33188,"atimeSeconds":3,"mtimeSeconds":4}',
    ],
    [200, [str('posix-rename@openssh.com'), str('/a'), str('/b')], 'rename /a /b true'],
    [200, [str('hardlink@openssh.com'), str('/a'), str('/b')], 'link /a /b'],
    [200, [str('lsetstat@openssh.com'), str('/f'), u32(4), u32(0o644)], 'lsetstat /f {"permissions":420}'],
  ] as const)('type %d is done and confirmed: %s', async (type, fields, call) => {
    const client = await openScripted();
    expect(await client.shown(client.send(type, ...fields))).toBe('STATUS 0 Success');
    expect(client.files.calls).toEqual([call]);
    client.files.failures.set(call, new FileError('/x', 'do', 'EACCES'));
    expect(await client.shown(client.send(type, ...fields))).toBe('STATUS 3 Permission denied');
  });

  it.each([
    [16, [str('.')], 'realpath .', `104 00000001${str('/real.').toString('hex').repeat(2)}00000000`],
    [19, [str('/l')], 'readlink /l', `104 00000001${str('target').toString('hex').repeat(2)}00000000`],
    [17, [str('/5')], 'stat /5', `105 ${attributesOf5}`],
    [7, [str('/5')], 'lstat /5', `105 ${attributesOf5}`],
    [200, [str('statvfs@openssh.com'), str('/5')], 'space /5', `201 ${statvfs}`],
    [
      200,
      [str('expand-path@openssh.com'), str('~x')],
      'expand ~x',
      `104 00000001${str('/expanded').toString('hex').repeat(2)}00000000`,
    ],
    [
      200,
      [str('home-directory'), str('bob')],
      'home bob',
      `104 00000001${str('/home/bob').toString('hex').repeat(2)}00000000`,
    ],
  ] as const)('type %d is answered: %s', async (type, fields, call, answer) => {
    const client = await openScripted();
    client.files.contents.set('/5', Buffer.from('12345'));
    expect(await client.shown(client.send(type, ...fields))).toBe(answer);
    expect(client.files.calls).toEqual([call]);
    client.files.failures.set(call, new FileError('/x', 'do', 'ENAMETOOLONG'));
    expect(await client.shown(client.send(type, ...fields))).toBe('STATUS 5 Bad message');
  });

  it.each([
    ['ENOENT', 'STATUS 2 No such file'],
    ['ENOTDIR', 'STATUS 2 No such file'],
    ['ELOOP', 'STATUS 2 No such file'],
    ['EPERM', 'STATUS 3 Permission denied'],
    ['EINVAL', 'STATUS 5 Bad message'],
    ['ENOTSUP', 'STATUS 8 Operation unsupported'],
    ['ENOSPC', 'STATUS 4 No space left on device'],
    ['EDQUOT', 'STATUS 4 Disk quota exceeded'],
    ['EEXIST', 'STATUS 4 File exists'],
    ['ENOTEMPTY', 'STATUS 4 Directory not empty'],
    ['EMFILE', 'STATUS 4 Too many open files'],
  ] as const)('%s is told as %s', async (code, answer) => {
    const client = await openScripted();
    client.files.failures.set('remove /f', new FileError('/secret/f', 'remove', code));
    expect(await client.shown(client.send(13, str('/f')))).toBe(answer);
  });

  it('opens with what the flags say', async () => {
    const client = await openScripted();
    const how = async (flags: number, ...rest: Buffer[]): Promise<unknown> => {
      await client.answer(client.send(3, str('/f'), u32(flags), ...(rest.length === 0 ? [noAttributes] : rest)));
      return JSON.parse(client.files.calls.at(-1) ?? '');
    };
    const reading = { access: 'read', create: false, exclusive: false, truncate: false, append: false };
    expect(await how(1)).toEqual(reading);
    expect(await how(0)).toEqual(reading);
    // Without WRITE nothing is made or cut.
    expect(await how(1 | 8 | 16)).toEqual(reading);
    expect(await how(2)).toEqual({ ...reading, access: 'write' });
    expect(await how(3 | 4)).toEqual({ ...reading, access: 'read-write', append: true });
    expect(await how(2 | 8 | 16 | 32, u32(4), u32(0o100640))).toEqual({
      access: 'write',
      create: true,
      exclusive: true,
      truncate: true,
      append: false,
      mode: 0o640,
    });
  });

  it('keeps names of any bytes', async () => {
    const client = await openScripted();
    await client.answer(client.send(13, str(Buffer.from([0x2f, 0xff, 0xfe]))));
    expect(client.files.calls).toEqual(['remove /\udcff\udcfe']);
  });
});

describe('requests that name a handle', () => {
  async function opened(content = 'hello'): Promise<{ client: ScriptedClient; handle: Buffer }> {
    const client = await openScripted();
    client.files.contents.set('/f', Buffer.from(content));
    const handle = await client.handle('/f');
    client.files.calls.length = 0;
    return { client, handle };
  }

  it('READ gives what is there, less at the end, and then the end', async () => {
    const { client, handle } = await opened();
    const read = (at: number, length: number): Promise<string> =>
      client.shown(client.send(5, handle, u64(at), u32(length)));
    expect(await read(1, 3)).toBe('DATA ell');
    expect(await read(3, 100)).toBe('DATA lo');
    expect(await read(5, 100)).toBe('STATUS 1 End of file');
    expect(await read(1000, 1)).toBe('STATUS 1 End of file');
    expect(await read(0, 0)).toBe('STATUS 1 End of file');
    // No more than 256 KiB, whatever is asked for.
    expect(await read(0, 0xffff_ffff)).toBe('DATA hello');
    expect(client.files.calls.at(-1)).toBe('read /f 0 262144');
  });

  it('WRITE, FSTAT, FSETSTAT, fsync, fstatvfs and CLOSE', async () => {
    const { client, handle } = await opened();
    expect(await client.shown(client.send(6, handle, u64(3), str('LO!')))).toBe('STATUS 0 Success');
    expect(await client.shown(client.send(8, handle))).toMatch(/^105 0000000f0000000000000006/);
    expect(await client.shown(client.send(10, handle, u32(1), u64(2)))).toBe('STATUS 0 Success');
    expect(await client.shown(client.extended('fsync@openssh.com', handle))).toBe('STATUS 0 Success');
    expect(await client.shown(client.extended('fstatvfs@openssh.com', handle))).toBe(`201 ${statvfs}`);
    expect(await client.shown(client.send(4, handle))).toBe('STATUS 0 Success');
    expect(client.files.calls.join()).toBe('write /f 3 3,fstat /f,fsetstat /f 2,fsync /f,fspace /f,close /f');
    expect(await client.shown(client.send(4, handle))).toBe('STATUS 2 No such file');
  });

  it('refuse a size that no file can have, and go on', async () => {
    const { client, handle } = await opened();
    const huge = Buffer.concat([u32(1), Buffer.alloc(8, 0xff)]);
    const tooLarge = /^STATUS 4 File too large/;
    expect(await client.shown(client.send(10, handle, huge))).toMatch(tooLarge);
    expect(await client.shown(client.send(9, str('/f'), huge))).toMatch(tooLarge);
    expect(await client.shown(client.extended('lsetstat@openssh.com', str('/f'), huge))).toMatch(tooLarge);
    expect(client.files.calls).toEqual([]);
    expect(await client.shown(client.send(4, handle))).toBe('STATUS 0 Success');
  });

  it.each([
    ['write /f 0 1', (client: ScriptedClient, handle: Buffer) => client.send(6, handle, u64(0), str('x'))],
    ['read /f 0 9', (client: ScriptedClient, handle: Buffer) => client.send(5, handle, u64(0), u32(9))],
    ['fstat /f', (client: ScriptedClient, handle: Buffer) => client.send(8, handle)],
    ['fsync /f', (client: ScriptedClient, handle: Buffer) => client.extended('fsync@openssh.com', handle)],
    ['close /f', (client: ScriptedClient, handle: Buffer) => client.send(4, handle)],
  ] as const)('tell what %s fails with', async (call, send) => {
    const { client, handle } = await opened();
    client.files.failures.set(call, new FileError('/f', 'do', 'EIO'));
    expect(await client.shown(send(client, handle))).toBe('STATUS 4 Input/output error');
  });

  it('are done in the order in which they came, pieces that follow each other together', async () => {
    const { client, handle } = await opened('');
    client.files.hold(/^write \/f 0/);
    const ids = [
      client.send(6, handle, u64(0), str('ab')),
      client.send(6, handle, u64(2), str('cd')),
      client.send(6, handle, u64(4), str('ef')),
      client.send(6, handle, u64(9), str('x')),
      client.send(5, handle, u64(0), u32(3)),
      client.send(5, handle, u64(3), u32(3)),
      client.send(5, handle, u64(6), u32(100)),
      client.send(4, handle),
    ];
    while (client.files.calls.length === 0) await new Promise(setImmediate);
    client.files.letGo();
    expect(await Promise.all(ids.map((id) => client.shown(id)))).toEqual([
      ...Array<string>(4).fill('STATUS 0 Success'),
      'DATA abc',
      'DATA def',
      'DATA \0\0\0x',
      'STATUS 0 Success',
    ]);
    expect(client.files.calls).toEqual(['write /f 0 2', 'write /f 2 4', 'write /f 9 1', 'read /f 0 106', 'close /f']);
  });

  it('of different files do not wait for each other', async () => {
    const { client, handle } = await opened();
    const other = await client.handle('/g');
    client.files.hold(/^write \/f/);
    const slow = client.send(6, handle, u64(0), str('x'));
    expect(await client.shown(client.send(6, other, u64(0), str('y')))).toBe('STATUS 0 Success');
    expect(client.answers.some(({ id }) => id === slow)).toBe(false);
    client.files.letGo();
    expect(await client.shown(slow)).toBe('STATUS 0 Success');
  });

  it('where reads together fail each gets a try of its own', async () => {
    const { client, handle } = await opened('0123456789');
    client.files.hold(/^fstat/);
    const first = client.send(8, handle);
    client.files.failures.set('read /f 0 8', new FileError('/f', 'read', 'EIO'));
    client.files.failures.set('read /f 4 4', new FileError('/f', 'read', 'EIO'));
    const reads = [client.send(5, handle, u64(0), u32(4)), client.send(5, handle, u64(4), u32(4))];
    while (client.files.calls.length === 0) await new Promise(setImmediate);
    client.files.letGo();
    await client.answer(first);
    expect(await Promise.all(reads.map((id) => client.shown(id)))).toEqual([
      'DATA 0123',
      'STATUS 4 Input/output error',
    ]);
  });

  it.each([
    ['an unknown handle', Buffer.concat([u32(4), u32(77)])],
    ['a handle of no bytes', u32(0)],
    ['a handle of 256 bytes', str(Buffer.alloc(256))],
    ['a handle that was closed', undefined],
  ])('%s is refused by each of them', async (_what, bytes) => {
    const { client, handle } = await opened();
    if (bytes === undefined) await client.answer(client.send(4, handle));
    const bad = bytes ?? handle;
    for (const [type, ...fields] of [
      [4],
      [5, u64(0), u32(1)],
      [6, u64(0), str('x')],
      [8],
      [10, noAttributes],
      [12],
    ] as const)
      expect(await client.shown(client.send(type, bad, ...fields))).toBe('STATUS 2 No such file');
    for (const name of ['fsync@openssh.com', 'fstatvfs@openssh.com'])
      expect(await client.shown(client.extended(name, bad))).toBe('STATUS 2 No such file');
  });

  it('a handle of the wrong kind is refused', async () => {
    const { client, handle } = await opened();
    const { body: directory } = await client.answer(client.send(11, str('/d')));
    expect(await client.shown(client.send(12, handle))).toBe('STATUS 2 No such file');
    expect(await client.shown(client.send(5, directory, u64(0), u32(1)))).toBe('STATUS 2 No such file');
    expect(await client.shown(client.send(4, directory))).toBe('STATUS 0 Success');
    expect(client.files.openCount).toBe(1);
  });

  it('there are 100 handles, and each closed one makes room', async () => {
    const client = await openScripted();
    const handles: Buffer[] = [];
    for (let index = 0; index < 100; index++) handles.push(await client.handle(`/${index}`));
    expect(await client.shown(client.send(3, str('/x'), u32(1), noAttributes))).toBe('STATUS 4 Too many open files');
    expect(await client.shown(client.send(11, str('/x')))).toBe('STATUS 4 Too many open files');
    expect(client.files.openCount).toBe(100);
    await client.answer(client.send(4, handles[50] as Buffer));
    expect(await client.shown(client.send(3, str('/x'), u32(1), noAttributes))).toBe('HANDLE 00000064');
    client.files.failures.set('open /fails', new FileError('/fails', 'open', 'ENOENT'));
    await client.answer(client.send(4, handles[51] as Buffer));
    for (let index = 0; index < 3; index++)
      expect(await client.shown(client.send(3, str('/fails'), u32(1), noAttributes))).toBe('STATUS 2 No such file');
    expect(await client.shown(client.send(3, str('/x'), u32(1), noAttributes))).toMatch(/^HANDLE/);
  });
});

describe('READDIR', () => {
  it('lists in answers that old clients take, with lines for people', async () => {
    const client = await openScripted();
    client.files.names = ['a', ...Array.from({ length: 300 }, (_, index) => `${'n'.repeat(200)}${index}`)];
    const { body: handle } = await client.answer(client.send(11, str('/d')));
    const names: string[] = [];
    for (;;) {
      const { type, body } = await client.answer(client.send(12, handle));
      if (type === 101) break;
      expect(body.length).toBeLessThan(33_000);
      const { ByteReader } = await import('../../../src/wire/byte-reader.ts');
      const reader = new ByteReader(body, 'TEST');
      for (let count = reader.uint32(); count > 0; count--) {
        const name = reader.name();
        names.push(name);
        expect(reader.name()).toBe(
          `-rw-r--r--   1 root     0        ${String(name.length).padStart(8)} Jan  1  1970 ${name}`,
        );
        expect(reader.uint32()).toBe(0x0f);
        reader.uint64();
        for (let skip = 0; skip < 5; skip++) reader.uint32();
      }
    }
    expect(names).toEqual(client.files.names);
    expect(await client.shown(client.send(12, handle))).toBe('STATUS 1 End of file');
  });
});

describe('extensions', () => {
  it('limits are told', async () => {
    const client = await openScripted();
    expect(await client.shown(client.extended('limits@openssh.com'))).toBe(
      `201 ${[262_144, 261_120, 261_120, 100].map((value) => u64(value).toString('hex')).join('')}`,
    );
  });

  it('unknown ones are answered', async () => {
    const client = await openScripted();
    expect(await client.shown(client.extended('who@example.com', str('x')))).toBe('STATUS 8 Operation unsupported');
  });

  it('users-groups-by-id gives names, empty where there is none', async () => {
    const client = await openScripted();
    const id = client.extended('users-groups-by-id@openssh.com', str(Buffer.concat([u32(0), u32(7)])), str(u32(0)));
    const names = Buffer.concat([str(Buffer.concat([str('root'), str('')])), str(str(''))]);
    expect(await client.shown(id)).toBe(`201 ${names.toString('hex')}`);
  });

  it('copy-data copies between two handles and within one, in the order of both', async () => {
    const client = await openScripted();
    const [from, to] = [await client.handle('/from'), await client.handle('/to')];
    const copy = (source: Buffer, at: number, length: number, target: Buffer, toAt: number): number =>
      client.extended('copy-data', source, u64(at), u64(length), target, u64(toAt));
    client.send(6, from, u64(0), str('0123456789'));
    const ids = [
      copy(from, 2, 3, to, 1),
      copy(to, 1, 2, from, 20),
      copy(from, 0, 0, to, 10),
      copy(from, 0, 2, from, 4),
    ];
    expect(await Promise.all(ids.map((id) => client.shown(id)))).toEqual(Array<string>(4).fill('STATUS 0 Success'));
    expect(client.files.contents.get('/from')?.toString('latin1')).toBe(`012301${'6789'}${'\0'.repeat(10)}23`);
    expect(client.files.contents.get('/to')?.subarray(0, 20).toString('latin1')).toBe(
      '\x00234\0\0\0\0\0\x000123456789',
    );
    expect(await client.shown(copy(from, 0, 3, from, 2))).toBe('STATUS 5 Bad message');
    expect(await client.shown(copy(from, 0, 1000, to, 0))).toBe('STATUS 5 Bad message');
    expect(await client.shown(copy(u32(0), 0, 1, to, 0))).toBe('STATUS 2 No such file');
  });

  it('check-file hashes, as a whole and in blocks', async () => {
    const client = await openScripted();
    const content = Buffer.from('x'.repeat(600) + 'y'.repeat(300));
    client.files.contents.set('/f', content);
    const handle = await client.handle('/f', 1);
    const sha = (from: number, to?: number): string =>
      createHash('sha256').update(content.subarray(from, to)).digest('hex');
    const head = Buffer.concat([str('check-file'), str('sha256')]).toString('hex');
    const range = (algorithms: string, at: number, length: number, block: number): Buffer[] => [
      str(algorithms),
      u64(at),
      u64(length),
      u32(block),
    ];
    const byName = (...fields: Parameters<typeof range>): Promise<string> =>
      client.shown(client.extended('check-file-name', str('/f'), ...range(...fields)));
    expect(await byName('what,sha256,md5', 0, 0, 0)).toBe(`201 ${head}${sha(0)}`);
    expect(await byName('sha256', 100, 50, 0)).toBe(`201 ${head}${sha(100, 150)}`);
    expect(await byName('sha256', 0, 0, 300)).toBe(`201 ${head}${sha(0, 300)}${sha(300, 600)}${sha(600)}`);
    expect(await byName('sha256', 900, 0, 0)).toBe(`201 ${head}${sha(900)}`);
    expect(await byName('sha256', 901, 0, 0)).toBe('STATUS 5 Bad message');
    expect(await byName('sha256', 0, 0, 255)).toBe('STATUS 5 Bad message');
    expect(await byName('crc32', 0, 0, 0)).toBe('STATUS 8 Operation unsupported');
    expect(await client.shown(client.extended('check-file-handle', handle, ...range('sha256', 0, 0, 0)))).toBe(
      `201 ${head}${sha(0)}`,
    );
    expect(client.files.openCount).toBe(1);
  });
});

describe('order among requests that name paths', () => {
  it('nothing overtakes a change, and looks run side by side', async () => {
    const client = await openScripted();
    client.files.hold(/^(stat \/a|remove \/b)/);
    const ids = [
      client.send(17, str('/a')),
      client.send(17, str('/c')),
      client.send(13, str('/b')),
      client.send(17, str('/d')),
      client.send(15, str('/e')),
    ];
    await client.answer(ids[1] as number);
    expect(client.files.calls).toEqual(['stat /a', 'stat /c']);
    client.files.letGo();
    await Promise.all(ids.map((id) => client.answer(id)));
    expect(client.files.calls).toEqual(['stat /a', 'stat /c', 'remove /b', 'stat /d', 'rmdir /e']);
  });
});
