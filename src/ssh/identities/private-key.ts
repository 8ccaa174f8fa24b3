import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { publicKeyBlob } from './key-blob.ts';
import { parseOpenSshKey } from './open-ssh-key.ts';
import { parsePpk } from './ppk.ts';

/** The largest private key file that is read; an RSA key of 16384 bits has 13 KiB. */
export const MAX_PRIVATE_KEY_BYTES: number = 256 * 1024;

/** A private key that can sign. */
export interface PrivateKey {
  /** The type in the public key blob: `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, … */
  readonly type: string;
  readonly publicBlob: Buffer;
  /** The signature in the form of OpenSSL: DER for ECDSA. `hash` is of use for RSA only; ECDSA has its own. */
  sign(data: Buffer, hash: string | undefined): Buffer;
}

/** What came of reading a private key. */
export type PrivateKeyResult =
  | { readonly kind: 'key'; readonly key: PrivateKey }
  /** It is encrypted and no passphrase was given. `publicBlob` where the file tells it without. */
  | { readonly kind: 'encrypted'; readonly publicBlob: Buffer | undefined }
  | { readonly kind: 'wrong passphrase' }
  | { readonly kind: 'unusable'; readonly reason: string };

const ecdsaHash: Readonly<Record<string, string>> = {
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
};

/** Wraps a key of node:crypto. */
export function privateKeyResult(key: KeyObject): PrivateKeyResult {
  const known = publicKeyBlob(key);
  if (known === undefined) return { kind: 'unusable', reason: `keys of type ${key.asymmetricKeyType} cannot be used` };
  const { type, blob } = known;
  return {
    kind: 'key',
    key: {
      type,
      publicBlob: blob,
      sign: (data, hash) => sign(type === 'ssh-ed25519' ? null : (ecdsaHash[type] ?? hash ?? 'sha256'), data, key),
    },
  };
}

/** PKCS #1, SEC 1 and PKCS #8, encrypted or not. */
function parsePem(text: string, passphrase: string | undefined): PrivateKeyResult {
  const encrypted = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);
  if (encrypted && passphrase === undefined) return { kind: 'encrypted', publicBlob: undefined };
  try {
    return privateKeyResult(createPrivateKey({ key: text, format: 'pem', ...(encrypted && { passphrase: passphrase ?? '' }) }));
  } catch (error) {
    // OpenSSL has many words for a wrong passphrase, and some wrong ones decrypt to a broken key.
    if (encrypted) return { kind: 'wrong passphrase' };
    return { kind: 'unusable', reason: error instanceof Error ? error.message : 'invalid key' };
  }
}

/**
 * Reads a private key in the format of OpenSSH, in PEM (PKCS #1, SEC 1, PKCS #8) or PuTTY's (`.ppk` version 2 and 3).
 * Total: any bytes give a result.
 */
export async function parsePrivateKey(data: string | Uint8Array, passphrase?: string): Promise<PrivateKeyResult> {
  const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
  if (text.length > MAX_PRIVATE_KEY_BYTES) return { kind: 'unusable', reason: 'too large for a private key' };
  const trimmed = text.trim();
  if (trimmed.startsWith('-----BEGIN OPENSSH PRIVATE KEY-----')) return await parseOpenSshKey(trimmed, passphrase);
  if (trimmed.startsWith('PuTTY-User-Key-File-')) return await parsePpk(trimmed, passphrase);
  if (/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(trimmed)) return parsePem(trimmed, passphrase);
  return { kind: 'unusable', reason: 'not a private key in a known format' };
}
