import { createPrivateKey } from 'node:crypto';
import { parseOpenSshKey } from './open-ssh-key.ts';
import { parsePpk } from './ppk.ts';
import { type PrivateKeyResult, privateKeyResult } from './private-key.ts';

/** The largest private key file that is read; an RSA key of 16384 bits has 13 KiB. */
export const MAX_PRIVATE_KEY_BYTES: number = 256 * 1024;

/** PKCS #1, SEC 1 and PKCS #8, encrypted or not. */
function parsePem(text: string, passphrase: string | undefined): PrivateKeyResult {
  const encrypted = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);
  if (encrypted && passphrase === undefined) return { kind: 'encrypted', publicBlob: undefined };
  try {
    return privateKeyResult(
      createPrivateKey({ key: text, format: 'pem', ...(encrypted && { passphrase: passphrase ?? '' }) }),
    );
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
