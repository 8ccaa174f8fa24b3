import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { sshString } from './key-blob.ts';
import type { PpkFile } from './ppk-file.ts';

/** What a passphrase is turned into. */
export interface PpkKeys {
  readonly cipher: Buffer;
  readonly iv: Buffer;
  readonly mac: Buffer;
}

const CIPHER_KEY_BYTES = 32;
const IV_BYTES = 16;
const MAC_KEY_BYTES = 32;

const sha1 = (...parts: (string | Buffer)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha1')).digest();

/**
 * Derives the keys. Version 2: SHA-1 of a counter and the passphrase. Version 3: Argon2, which takes about a second and
 * yields to other work meanwhile; an unencrypted file has an empty MAC key.
 */
export async function derivePpkKeys(file: PpkFile, passphrase: string): Promise<PpkKeys> {
  if (file.version === 2) {
    const cipher = Buffer.concat([sha1(Buffer.of(0, 0, 0, 0), passphrase), sha1(Buffer.of(0, 0, 0, 1), passphrase)]);
    return {
      cipher: cipher.subarray(0, CIPHER_KEY_BYTES),
      iv: Buffer.alloc(IV_BYTES),
      mac: sha1('putty-private-key-file-mac-key', passphrase),
    };
  }
  if (file.encryption === 'none' || file.argon2 === undefined) {
    return { cipher: Buffer.alloc(0), iv: Buffer.alloc(0), mac: Buffer.alloc(0) };
  }
  const { argon2idAsync, argon2iAsync, argon2dAsync } = await import('@noble/hashes/argon2.js');
  const derive = { Argon2id: argon2idAsync, Argon2i: argon2iAsync, Argon2d: argon2dAsync }[file.argon2.flavour];
  const { memoryKiB, passes, parallelism, salt } = file.argon2;
  const length = CIPHER_KEY_BYTES + IV_BYTES + MAC_KEY_BYTES;
  const derived = Buffer.from(
    await derive(Buffer.from(passphrase), salt, {
      t: passes,
      m: memoryKiB,
      p: parallelism,
      dkLen: length,
      maxmem: 2 ** 32 - 1,
    }),
  );
  return {
    cipher: derived.subarray(0, CIPHER_KEY_BYTES),
    iv: derived.subarray(CIPHER_KEY_BYTES, CIPHER_KEY_BYTES + IV_BYTES),
    mac: derived.subarray(CIPHER_KEY_BYTES + IV_BYTES),
  };
}

/** AES-256-CBC without padding: the plain text was filled up with random bytes, which the MAC covers. */
export function decryptPpk(data: Buffer, keys: PpkKeys): Buffer {
  const decipher = createDecipheriv('aes-256-cbc', keys.cipher, keys.iv).setAutoPadding(false);
  return Buffer.concat([decipher.update(data), decipher.final()]);
}

/** The MAC over type, encryption, comment, public and private part: HMAC-SHA-1 in version 2, HMAC-SHA-256 in version 3. */
export function ppkMac(file: PpkFile, privateBlob: Buffer, key: Buffer): Buffer {
  return createHmac(file.version === 2 ? 'sha1' : 'sha256', key)
    .update(sshString(file.type))
    .update(sshString(file.encryption))
    .update(sshString(Buffer.from(file.comment, 'latin1')))
    .update(sshString(file.publicBlob))
    .update(sshString(privateBlob))
    .digest();
}
