import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/base/errors.ts';
import { checkFileHandlePacket, checkFileNamePacket, checkFileReply } from '../../src/sftp/extensions/check-file.ts';
import { copyDataPacket } from '../../src/sftp/extensions/copy-data.ts';
import { expandPathPacket } from '../../src/sftp/extensions/expand-path.ts';
import { fsyncPacket } from '../../src/sftp/extensions/fsync.ts';
import { hardlinkPacket } from '../../src/sftp/extensions/hardlink.ts';
import { homeDirectoryPacket } from '../../src/sftp/extensions/home-directory.ts';
import { limitsPacket, limitsReply } from '../../src/sftp/extensions/limits.ts';
import { lsetstatPacket } from '../../src/sftp/extensions/lsetstat.ts';
import { posixRenamePacket } from '../../src/sftp/extensions/posix-rename.ts';
import { fstatvfsPacket, statvfsPacket, statvfsReply } from '../../src/sftp/extensions/statvfs.ts';
import { usersGroupsPacket, usersGroupsReply } from '../../src/sftp/extensions/users-groups-by-id.ts';
import * as handles from '../../src/sftp/packets/handles.ts';
import * as names from '../../src/sftp/packets/names.ts';
import type { Packet } from '../../src/sftp/packets/packet.ts';
import * as paths from '../../src/sftp/packets/paths.ts';
import { statusPacket } from '../../src/sftp/packets/status.ts';
import { initPacket, versionPacket } from '../../src/sftp/packets/version.ts';
import { ByteReader } from '../../src/wire/byte-reader.ts';
import { ByteWriter } from '../../src/wire/byte-writer.ts';

/** Bytes from words: hexadecimal, or text between quotes. */
function bytesOf(text: string): Buffer {
  const parts = text.match(/'[^']*'|[0-9a-f]+/g) ?? [];
  return Buffer.concat(
    parts.map((part) => (part.startsWith("'") ? Buffer.from(part.slice(1, -1)) : Buffer.from(part, 'hex'))),
  );
}

interface Case {
  readonly name: string;
  readonly packet: Packet<unknown>;
  /** The type of the packet, as a number: the constants are not tested with themselves. */
  readonly type: number;
  readonly fields: unknown;
  /** What follows the request id. */
  readonly bytes: string;
  /** Lengths at which the packet may end early. */
  readonly mayEndAt?: readonly number[];
}

function describeCase<F>(
  name: string,
  packet: Packet<F>,
  type: number,
  fields: F,
  bytes: string,
  mayEndAt: readonly number[] = [],
): Case {
  return { name, packet, type, fields, bytes, mayEndAt };
}

const handle = Buffer.from([0, 0, 0, 1]);
const allAttributes = {
  size: 0x0102030405,
  uid: 1000,
  gid: 100,
  permissions: 0o100644,
  atimeSeconds: 1,
  mtimeSeconds: 0xffffffff,
  extended: [{ type: 'x@y', data: Buffer.from([9]) }],
};
const allAttributesBytes = `8000000f
  0000000102030405
  000003e8 00000064
  000081a4
  00000001 ffffffff
  00000001 00000003 'x@y' 00000001 09`;
const permissionsOnly = { permissions: 0o755 };
const permissionsBytes = '00000004 000001ed';
const statvfs = {
  bsize: 1n,
  frsize: 2n,
  blocks: 3n,
  bfree: 4n,
  bavail: 5n,
  files: 6n,
  ffree: 7n,
  favail: 8n,
  fsid: 2n ** 64n - 1n,
  flag: 10n,
  namemax: 255n,
};
const statvfsBytes = `
  0000000000000001 0000000000000002 0000000000000003 0000000000000004 0000000000000005 0000000000000006
  0000000000000007 0000000000000008 ffffffffffffffff 000000000000000a 00000000000000ff`;
const range = { algorithms: ['sha256', 'md5'], offset: 1, length: 2, blockSize: 256 };
const rangeBytes = "0000000a 'sha256,md5' 0000000000000001 0000000000000002 00000100";

const cases: readonly Case[] = [
  describeCase('INIT', initPacket, 1, { version: 3, extensions: new Map() }, '00000003'),
  describeCase(
    'VERSION',
    versionPacket,
    2,
    {
      version: 3,
      extensions: new Map([
        ['a@b', '1'],
        ['c', ''],
      ]),
    },
    "00000003 00000003 'a@b' 00000001 '1' 00000001 'c' 00000000",
    [4, 16],
  ),
  describeCase(
    'OPEN',
    handles.openPacket,
    3,
    { path: 'f', flags: 0x2a, attributes: permissionsOnly },
    `00000001 'f' 0000002a ${permissionsBytes}`,
  ),
  describeCase('CLOSE', handles.closePacket, 4, handle, '00000004 00000001'),
  describeCase(
    'READ',
    handles.readPacket,
    5,
    { handle, offset: 0x100000002, length: 0x8000 },
    '00000004 00000001 0000000100000002 00008000',
  ),
  describeCase(
    'WRITE',
    handles.writePacket,
    6,
    { handle, offset: 3, data: Buffer.from('abc') },
    "00000004 00000001 0000000000000003 00000003 'abc'",
  ),
  describeCase('LSTAT', paths.lstatPacket, 7, '/a', "00000002 '/a'"),
  describeCase('FSTAT', handles.fstatPacket, 8, handle, '00000004 00000001'),
  describeCase(
    'SETSTAT',
    paths.setstatPacket,
    9,
    { path: 'f', attributes: allAttributes },
    `00000001 'f' ${allAttributesBytes}`,
  ),
  describeCase(
    'FSETSTAT',
    handles.fsetstatPacket,
    10,
    { handle, attributes: { size: 5 } },
    '00000004 00000001 00000001 0000000000000005',
  ),
  describeCase('OPENDIR', paths.opendirPacket, 11, 'ü', '00000002 c3bc'),
  describeCase('READDIR', handles.readdirPacket, 12, handle, '00000004 00000001'),
  describeCase('REMOVE', paths.removePacket, 13, '\udcff', '00000001 ff'),
  describeCase(
    'MKDIR',
    paths.mkdirPacket,
    14,
    { path: 'd', attributes: permissionsOnly },
    `00000001 'd' ${permissionsBytes}`,
  ),
  describeCase('RMDIR', paths.rmdirPacket, 15, 'd', "00000001 'd'"),
  describeCase('REALPATH', paths.realpathPacket, 16, '.', "00000001 '.'"),
  describeCase('STAT', paths.statPacket, 17, 'f', "00000001 'f'"),
  describeCase('RENAME', paths.renamePacket, 18, { oldPath: 'o', newPath: 'nn' }, "00000001 'o' 00000002 'nn'"),
  describeCase('READLINK', paths.readlinkPacket, 19, 'l', "00000001 'l'"),
  describeCase(
    "SYMLINK in OpenSSH's order",
    paths.symlinkPacket,
    20,
    { linkPath: 'link', targetPath: 'to' },
    "00000002 'to' 00000004 'link'",
  ),
  describeCase(
    'STATUS',
    statusPacket,
    101,
    { code: 4, message: 'Failure', language: 'en' },
    "00000004 00000007 'Failure' 00000002 'en'",
    [4, 15],
  ),
  describeCase('HANDLE', handles.handlePacket, 102, handle, '00000004 00000001'),
  describeCase('DATA', handles.dataPacket, 103, Buffer.from('xy'), "00000002 'xy'"),
  describeCase(
    'NAME',
    names.namePacket,
    104,
    [
      { filename: 'a', attributes: permissionsOnly },
      { filename: '', attributes: {} },
    ],
    `00000002 00000001 'a' 00000001 'a' ${permissionsBytes} 00000000 00000000 00000000`,
  ),
  describeCase('NAME with one name', names.oneNamePacket, 104, '/h', "00000001 00000002 '/h' 00000002 '/h' 00000000"),
  describeCase('ATTRS', names.attrsPacket, 105, allAttributes, allAttributesBytes),
  describeCase(
    'posix-rename',
    posixRenamePacket,
    200,
    { oldPath: 'o', newPath: 'n' },
    "00000018 'posix-rename@openssh.com' 00000001 'o' 00000001 'n'",
  ),
  describeCase(
    'hardlink',
    hardlinkPacket,
    200,
    { oldPath: 'o', newPath: 'n' },
    "00000014 'hardlink@openssh.com' 00000001 'o' 00000001 'n'",
  ),
  describeCase('statvfs', statvfsPacket, 200, '/', "00000013 'statvfs@openssh.com' 00000001 '/'"),
  describeCase('fstatvfs', fstatvfsPacket, 200, handle, "00000014 'fstatvfs@openssh.com' 00000004 00000001"),
  describeCase('the reply to statvfs', statvfsReply, 201, statvfs, statvfsBytes),
  describeCase('fsync', fsyncPacket, 200, handle, "00000011 'fsync@openssh.com' 00000004 00000001"),
  describeCase(
    'lsetstat',
    lsetstatPacket,
    200,
    { path: 'l', attributes: permissionsOnly },
    `00000014 'lsetstat@openssh.com' 00000001 'l' ${permissionsBytes}`,
  ),
  describeCase('limits', limitsPacket, 200, undefined, "00000012 'limits@openssh.com'"),
  describeCase(
    'the reply to limits',
    limitsReply,
    201,
    { maxPacketBytes: 262144n, maxReadBytes: 261120n, maxWriteBytes: 0n, maxOpenHandles: 2n ** 64n - 1n },
    '0000000000040000 000000000003fc00 0000000000000000 ffffffffffffffff',
  ),
  describeCase('expand-path', expandPathPacket, 200, '~u', "00000017 'expand-path@openssh.com' 00000002 '~u'"),
  describeCase('home-directory', homeDirectoryPacket, 200, 'u', "0000000e 'home-directory' 00000001 'u'"),
  describeCase(
    'copy-data',
    copyDataPacket,
    200,
    { readHandle: handle, readOffset: 1, length: 2, writeHandle: Buffer.from('w'), writeOffset: 3 },
    "00000009 'copy-data' 00000004 00000001 0000000000000001 0000000000000002 00000001 'w' 0000000000000003",
  ),
  describeCase(
    'users-groups-by-id',
    usersGroupsPacket,
    200,
    { uids: [0, 1000], gids: [5] },
    "0000001e 'users-groups-by-id@openssh.com' 00000008 00000000 000003e8 00000004 00000005",
  ),
  describeCase(
    'the reply to users-groups-by-id',
    usersGroupsReply,
    201,
    { userNames: ['root', ''], groupNames: ['tty'] },
    "0000000c 00000004 'root' 00000000 00000007 00000003 'tty'",
  ),
  describeCase(
    'check-file-handle',
    checkFileHandlePacket,
    200,
    { handle, ...range },
    `00000011 'check-file-handle' 00000004 00000001 ${rangeBytes}`,
  ),
  describeCase(
    'check-file-name',
    checkFileNamePacket,
    200,
    { path: 'f', ...range },
    `0000000f 'check-file-name' 00000001 'f' ${rangeBytes}`,
  ),
  describeCase(
    'the reply to check-file',
    checkFileReply,
    201,
    { algorithm: 'md5', hashes: Buffer.from([1, 2]) },
    "0000000a 'check-file' 00000003 'md5' 0102",
    [21, 22],
  ),
];

/** Where the fields that the reader reads begin: the name of an extension has been read before. */
function fieldsOf({ type, bytes }: Case): Buffer {
  const all = bytesOf(bytes);
  return type === 200 ? all.subarray(4 + all.readUInt32BE(0)) : all;
}

function read(packet: Packet<unknown>, bytes: Buffer): unknown {
  const reader = new ByteReader(bytes, 'TEST');
  const fields = packet.read(reader);
  reader.end();
  return fields;
}

describe.each(cases)('$name', (one) => {
  it('is written as the standard says', () => {
    const writer = new ByteWriter();
    one.packet.write(writer, one.fields);
    expect(one.packet.type).toBe(one.type);
    expect(writer.take().toString('hex')).toBe(bytesOf(one.bytes).toString('hex'));
  });

  it('is read back', () => {
    expect(read(one.packet, fieldsOf(one))).toEqual(one.fields);
  });

  it('is refused where it ends early, at every byte', () => {
    const bytes = fieldsOf(one);
    for (let length = 0; length < bytes.length; length++) {
      if (one.mayEndAt?.includes(length)) continue;
      expect(() => read(one.packet, bytes.subarray(0, length)), `${length} bytes`).toThrow(ProtocolError);
    }
  });

  it('is refused with a byte too many, unless that is part of it', () => {
    const bytes = Buffer.concat([fieldsOf(one), Buffer.of(0)]);
    if (one.name === 'the reply to check-file') expect(read(one.packet, bytes)).toBeDefined();
    else expect(() => read(one.packet, bytes)).toThrow(ProtocolError);
  });

  it('gives fields or a ProtocolError for any bytes', () => {
    const noise = fc.uint8Array({ maxLength: 64 });
    const whole = fieldsOf(one);
    const damaged = fc.tuple(fc.nat(), fc.nat({ max: 255 })).map(([place, value]) => {
      const bytes = Buffer.from(whole);
      if (bytes.length > 0) bytes[place % bytes.length] = value;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(noise, damaged), (bytes) => {
        try {
          read(one.packet, Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 200 },
    );
  });
});

it('the reply to check-file may leave out the name, as mod_sftp of ProFTPD does', () => {
  const bytes = bytesOf("00000006 'sha256' 0102");
  expect(read(checkFileReply, bytes)).toEqual({ algorithm: 'sha256', hashes: Buffer.from([1, 2]) });
});

describe('the fields of packets', () => {
  it('take handles of 0 to 256 bytes', () => {
    const long = (length: number): Buffer =>
      Buffer.concat([Buffer.of(0, 0, length >> 8, length & 255), Buffer.alloc(length)]);
    expect(read(handles.handlePacket as Packet<unknown>, long(0))).toHaveLength(0);
    expect(read(handles.handlePacket as Packet<unknown>, long(256))).toHaveLength(256);
    expect(() => read(handles.handlePacket as Packet<unknown>, long(257))).toThrow('too long');
  });

  it('set times to the nearest that the protocol knows', () => {
    const writer = new ByteWriter();
    names.attrsPacket.write(writer, { atimeSeconds: -5.5, mtimeSeconds: 2 ** 32 + 7 });
    names.attrsPacket.write(writer, { atimeSeconds: 12.9, mtimeSeconds: Number.NaN });
    expect(writer.take().toString('hex')).toBe('0000000800000000ffffffff000000080000000c00000000');
  });

  it('leave out an owner without a group and one time without the other', () => {
    const writer = new ByteWriter();
    names.attrsPacket.write(writer, { uid: 1, mtimeSeconds: 1 });
    expect(writer.take().toString('hex')).toBe('00000000');
  });

  it('pass over flags that version 3 does not know', () => {
    expect(read(names.attrsPacket as Packet<unknown>, bytesOf('00000014 000001ed'))).toEqual({ permissions: 0o755 });
  });

  it('refuse a count of names that cannot be there', () => {
    expect(() => read(names.namePacket as Packet<unknown>, bytesOf('ffffffff 00000000 00000000 00000000'))).toThrow(
      'cut short',
    );
  });

  it('refuse several names, none, or an empty one where there must be one', () => {
    const oneName = names.oneNamePacket as Packet<unknown>;
    const entry = "00000001 'a' 00000000 00000000";
    expect(() => read(oneName, bytesOf(`00000002 ${entry} ${entry}`))).toThrow('2 names');
    expect(() => read(oneName, bytesOf('00000000'))).toThrow('0 names');
    expect(() => read(oneName, bytesOf('00000001 00000000 00000000 00000000'))).toThrow('empty name');
  });

  it('never take over the longname', () => {
    const bytes = bytesOf("00000001 00000001 'a' 00000006 'b\\u001b[2J' 00000000");
    expect(() => read(names.namePacket as Packet<unknown>, bytes)).toThrow(ProtocolError);
    expect(read(names.namePacket as Packet<unknown>, bytesOf("00000001 00000001 'a' 00000003 'bad' 00000000"))).toEqual(
      [{ filename: 'a', attributes: {} }],
    );
  });

  it('refuse more extensions than a server can mean', () => {
    const extensions = Array.from(
      { length: 257 },
      (_, index) => `00000003 '${String(index).padStart(3, '0')}' 00000000`,
    );
    expect(() => read(versionPacket as Packet<unknown>, bytesOf(`00000003 ${extensions.join(' ')}`))).toThrow(
      'too many',
    );
  });
});
