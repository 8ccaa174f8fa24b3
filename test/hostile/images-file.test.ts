import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FileError, type ImageError } from '../../src/base/errors.ts';
import type { OpenFile } from '../../src/files/file-system.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { digestPayload, type ImageSigner } from '../../src/images/sign.ts';
import type { KeyLookup } from '../../src/images/types.ts';
import { ImageDigestError } from '../../src/images/verified.ts';
import { verifyImageFile } from '../../src/images/verify-file.ts';
import { ImageVerifier } from '../../src/images/verify-stream.ts';
import { asFile, forge, forgeEnvelope, infoOf, sealFooter } from '../support/forged-image.ts';
import { lookupOf, makeSigner, signed, testTime, trusted } from '../support/image-keys.ts';
import { expectRefused, imageErrorOf, verifyBytes, verifyStream } from '../support/image-refusal.ts';
import { memoryImage } from '../support/memory-image.ts';
import { tempDirectory } from '../support/temp.ts';

const payload = Buffer.from('the payload of a small image\n');
let signer: ImageSigner;
let lookup: KeyLookup;
let good: Buffer;
let envelope: Uint8Array;

beforeAll(async () => {
  signer = await makeSigner('ecdsa-p256');
  lookup = lookupOf([trusted(signer)]);
  ({ file: good, envelope } = await signed(payload, [signer]));
});

async function openLocal(path: string): Promise<OpenFile> {
  const at = path.lastIndexOf('/');
  const directory = await localFileSystem().directory(path.slice(0, at));
  try {
    return await directory.open(path.slice(at + 1), { access: 'read' });
  } finally {
    await directory.close();
  }
}

async function verifyPath(path: string): Promise<unknown> {
  const file = await openLocal(path);
  try {
    return await verifyImageFile(file, { lookup, now: testTime });
  } finally {
    await file.close();
  }
}

describe('I1: what is no file with an envelope', () => {
  it.each([0, 1, 63, 64, 95])('I1: %i bytes', async (size) => {
    await expectRefused(Buffer.alloc(size), lookup, 'ERR_IMAGE_UNSIGNED', /no signature envelope/);
  });

  it('I1: a directory, a FIFO, a socket, a device and a link are refused at once, a file is verified', async () => {
    const directory = await tempDirectory('image');
    const path = (name: string): string => join(directory, name);
    writeFileSync(path('app.SPA'), good);
    await expect(verifyPath(path('app.SPA'))).resolves.toMatchObject({ info: { name: 'app.SPA' } });
    mkdirSync(path('directory'));
    expect(spawnSync('mkfifo', [path('fifo')]).status).toBe(0);
    symlinkSync('app.SPA', path('link'));
    const server = createServer().listen(path('socket'));
    try {
      await new Promise((resolve) => server.once('listening', resolve));
      const codes: Record<string, unknown> = {};
      for (const name of ['directory', 'fifo', 'socket', 'link']) {
        codes[name] = await verifyPath(path(name)).catch((error: FileError) => error.code);
      }
      codes['device'] = await verifyPath('/dev/zero').catch((error: FileError) => error.code);
      expect(codes).toEqual({
        directory: 'ERR_NOT_REGULAR_FILE',
        fifo: 'ERR_NOT_REGULAR_FILE',
        socket: 'ENXIO',
        link: 'ELOOP',
        device: 'ERR_NOT_REGULAR_FILE',
      });
    } finally {
      server.close();
    }
  });

  it('I1: a file that becomes shorter while it is read is an error of the file', async () => {
    const file = {
      ...memoryImage(good),
      read: (buffer: Uint8Array, position: number) => {
        const part = position < payload.length ? Buffer.alloc(0) : good.subarray(position, position + buffer.length);
        buffer.set(part);
        return Promise.resolve(part.length);
      },
    };
    const error: unknown = await verifyImageFile(file, { lookup }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ code: 'ERR_FILE_CHANGED' });
  });
});

it('I2: every truncation is refused, and none is taken for anything but damaged or unsigned', async () => {
  const codes = new Set<string>();
  for (let size = 0; size < good.length; size++) {
    const cut = good.subarray(0, size);
    for (const error of [
      await imageErrorOf(() => verifyBytes(cut, lookup)),
      await imageErrorOf(() => verifyStream(cut, lookup)),
    ]) {
      codes.add(error.code);
    }
  }
  expect([...codes].sort()).toEqual(['ERR_IMAGE_FOOTER', 'ERR_IMAGE_UNSIGNED']);
});

describe('I3: data that does not belong there', () => {
  it.each<[string, (file: Buffer) => Buffer, ImageError['code']]>([
    ['one byte behind', (file) => Buffer.concat([file, Buffer.alloc(1)]), 'ERR_IMAGE_FOOTER'],
    ['a kibibyte behind', (file) => Buffer.concat([file, Buffer.alloc(1024)]), 'ERR_IMAGE_UNSIGNED'],
    ['one byte in front', (file) => Buffer.concat([Buffer.alloc(1), file]), 'ERR_IMAGE_FOOTER'],
    ['the file twice', (file) => Buffer.concat([file, file]), 'ERR_IMAGE_FOOTER'],
    ['two footers', (file) => Buffer.concat([file, file.subarray(-64)]), 'ERR_IMAGE_FOOTER'],
    [
      'the envelope twice',
      (file) => Buffer.concat([file.subarray(0, -64), envelope, file.subarray(-64)]),
      'ERR_IMAGE_FOOTER',
    ],
  ])('I3: %s', async (_what, change, code) => {
    await expectRefused(change(good), lookup, code as 'ERR_IMAGE_FOOTER', /footer|no signature envelope/);
  });

  it('I3: text behind the CMS inside the length of the envelope', async () => {
    const file = asFile(payload, Buffer.concat([envelope, Buffer.from('more')]));
    await expectRefused(file, lookup, 'ERR_IMAGE_DER', /octets behind the end/);
  });
});

describe('I4: a flipped bit of the payload', () => {
  it.each([0, 14, payload.length - 1])('I4: in byte %i; the error has both digests', async (at) => {
    const file = Buffer.from(good);
    file[at] = (file[at] as number) ^ 0x10;
    await expectRefused(file, lookup, 'ERR_IMAGE_DIGEST', /not what was signed/);
    const error = (await imageErrorOf(() => verifyBytes(file, lookup))) as ImageDigestError;
    expect(error).toBeInstanceOf(ImageDigestError);
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    expect(hex(error.computed)).toBe(hex((await digestPayload([file.subarray(0, payload.length)])).value));
    expect(hex(error.embedded)).toBe(hex((await digestPayload([payload])).value));
    expect(error.digest).toBe('sha512');
  });
});

it('I5: the envelope of another image of the same size', async () => {
  const other = await signed(Buffer.from('THE PAYLOAD OF A SMALL IMAGE\n'), [signer]);
  await expectRefused(asFile(payload, other.envelope), lookup, 'ERR_IMAGE_DIGEST', /not what was signed/);
});

describe('I6: a signature that was taken away', () => {
  it('I6: the payload alone', async () => {
    await expectRefused(Buffer.alloc(5000, 'x'), lookup, 'ERR_IMAGE_UNSIGNED', /no signature envelope/);
  });

  it('I6: the footer alone behind the payload, which says a length of 0', async () => {
    const footer = Buffer.from(good.subarray(-64));
    footer.writeUInt32BE(0, 24);
    footer.writeBigUInt64BE(100n, 16);
    const file = sealFooter(Buffer.concat([Buffer.alloc(100), footer]));
    await expectRefused(file, lookup, 'ERR_IMAGE_UNSIGNED', /its length is 0/);
  });

  it('I6: an envelope of zeros, and one that is nothing but an empty SEQUENCE', async () => {
    await expectRefused(asFile(payload, new Uint8Array(100)), lookup, 'ERR_IMAGE_DER', /not DER/);
    const empty = Buffer.concat([Buffer.of(0x30, 30), Buffer.alloc(30, Buffer.of(0x05, 0x00))]);
    await expectRefused(asFile(payload, empty), lookup, 'ERR_IMAGE_ENVELOPE', /OBJECT IDENTIFIER expected/);
  });
});

describe('I7: a wrong footer', () => {
  const footer = (change: (footer: Buffer) => void, seal = true): Buffer => {
    const file = Buffer.from(good);
    change(file.subarray(-64));
    return seal ? sealFooter(file) : file;
  };

  it.each<[string, (footer: Buffer) => void, 'ERR_IMAGE_FOOTER' | 'ERR_IMAGE_UNSIGNED', RegExp]>([
    ['version 0', (b) => void b.writeUInt16BE(0, 8), 'ERR_IMAGE_FOOTER', /version 0 of the format/],
    ['version 2', (b) => void b.writeUInt16BE(2, 8), 'ERR_IMAGE_FOOTER', /version 2 of the format/],
    ['its length', (b) => void b.writeUInt16BE(65, 10), 'ERR_IMAGE_FOOTER', /its length/],
    ['a flag', (b) => void b.writeUInt32BE(0x80000000, 12), 'ERR_IMAGE_FOOTER', /its flags/],
    ['reserved octets', (b) => void b.writeUInt32BE(1, 28), 'ERR_IMAGE_FOOTER', /reserved/],
    ['a payload longer than the file', (b) => void b.writeBigUInt64BE(2n ** 40n, 16), 'ERR_IMAGE_FOOTER', /add up/],
    ['a payload of 2^53', (b) => void b.writeBigUInt64BE(2n ** 53n, 16), 'ERR_IMAGE_FOOTER', /add up/],
    ['a payload of 2^63', (b) => void b.writeBigUInt64BE(2n ** 63n, 16), 'ERR_IMAGE_FOOTER', /add up/],
    ['a payload of 2^64-1', (b) => void b.writeBigUInt64BE(2n ** 64n - 1n, 16), 'ERR_IMAGE_FOOTER', /add up/],
    [
      'lengths whose sum is right modulo 2^64',
      (b) =>
        b.writeBigUInt64BE(BigInt.asUintN(64, BigInt(payload.length + envelope.length) - 65536n), 16) &&
        b.writeUInt32BE(65536, 24),
      'ERR_IMAGE_FOOTER',
      /add up/,
    ],
    ['an envelope of 65537', (b) => void b.writeUInt32BE(65537, 24), 'ERR_IMAGE_FOOTER', /an envelope of 65537/],
    [
      'an envelope of 2^32-1',
      (b) => void b.writeUInt32BE(2 ** 32 - 1, 24),
      'ERR_IMAGE_FOOTER',
      /an envelope of 4294967295/,
    ],
    ['an envelope of 31', (b) => void b.writeUInt32BE(31, 24), 'ERR_IMAGE_FOOTER', /an envelope of 31/],
    ['another magic', (b) => void b.writeUInt8(0x09, 0), 'ERR_IMAGE_FOOTER', /the footer is damaged/],
    ['no magic at all', (b) => void b.fill(0, 0, 8), 'ERR_IMAGE_UNSIGNED', /no signature envelope/],
  ])('I7: %s', async (_what, change, code, reason) => {
    await expectRefused(footer(change), lookup, code, reason);
  });

  it('I7: any change without a new checksum', async () => {
    const codes = new Set<string>();
    for (let at = 0; at < 64; at++) {
      const file = footer((b) => b.writeUInt8((b[at] as number) ^ 1, at), false);
      codes.add((await imageErrorOf(() => verifyBytes(file, lookup))).code);
    }
    expect([...codes].sort()).toEqual(['ERR_IMAGE_FOOTER', 'ERR_IMAGE_UNSIGNED']);
  });

  it('I7: a transfer as text is told as such', async () => {
    const asText = Buffer.from(good.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    const error = await imageErrorOf(() => verifyBytes(asText, lookup));
    expect(error).toMatchObject({ code: 'ERR_IMAGE_FOOTER', cure: 'transfer the file in binary mode, not as text' });
  });
});

describe('I8: the boundary between payload and envelope moved', () => {
  it.each([-1, 1])('I8: by %i', async (by) => {
    const file = Buffer.from(good);
    const footer = file.subarray(-64);
    footer.writeBigUInt64BE(BigInt(payload.length + by), 16);
    footer.writeUInt32BE(envelope.length - by, 24);
    await expectRefused(sealFooter(file), lookup, 'ERR_IMAGE_DER', /not DER/);
  });

  it('I8: a payload that has taken over what was in front of a shorter envelope: the signed size differs', async () => {
    const longer = Buffer.concat([payload, Buffer.from('more')]);
    await expectRefused(asFile(longer, envelope), lookup, 'ERR_IMAGE_DIGEST', /33 bytes, 29 were signed/);
    await expectRefused(asFile(payload.subarray(1), envelope), lookup, 'ERR_IMAGE_DIGEST', /28 bytes, 29 were signed/);
  });

  it('I8: a signed size that is not that of the payload whose digest was signed', async () => {
    const file = forge(payload, signer, { info: infoOf(payload, { size: payload.length + 1 }) });
    await expectRefused(file, lookup, 'ERR_IMAGE_DIGEST', /29 bytes, 30 were signed/);
  });
});

it('I19: nothing is unpacked: what is hashed and what the size counts are the bytes that stand there', async () => {
  const bomb = Buffer.from('1f8b0800000000000003', 'hex');
  const { file } = await signed(bomb, [signer]);
  await expect(verifyBytes(file, lookup, { maxSize: bomb.length })).resolves.toMatchObject({ info: { size: 10 } });
  await expectRefused(file, lookup, 'ERR_IMAGE_POLICY', /10 bytes are more than the 9|more bytes than/, { maxSize: 9 });
});

it('I19: a stream without an end is left as soon as it is longer than the policy takes', async () => {
  const verifier = new ImageVerifier({ lookup, policy: { maxSize: 1000 }, name: 'app.SPA' });
  const chunk = Buffer.alloc(1000);
  const error = await imageErrorOf(() => {
    for (let sent = 0; sent < 1_000_000; sent += chunk.length) verifier.write(chunk);
  });
  expect(error.code).toBe('ERR_IMAGE_POLICY');
  expect(verifier.bytes).toBe(67_000);
});

it('I22: weak digests are in no list: an envelope with SHA-1 or MD5 is refused whatever it says', async () => {
  for (const oid of ['2b0e03021a', '2a864886f70d0205']) {
    const content = Buffer.from(oid, 'hex');
    const identifier = Buffer.concat([Buffer.of(0x30, content.length + 2, 6, content.length), content]);
    const bad = forgeEnvelope(payload, [{ signer, digestAlgorithm: identifier }]);
    await expectRefused(asFile(payload, bad), lookup, 'ERR_IMAGE_ALGORITHM', /digest algorithm .* is not allowed/);
  }
});
