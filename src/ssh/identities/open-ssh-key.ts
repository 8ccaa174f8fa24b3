import { createPrivateKey } from 'node:crypto';
import { loadSsh2 } from '../builtin/ssh2.ts';
import { blobType } from '../known-hosts/fingerprint.ts';
import { type PrivateKeyResult, privateKeyResult } from './private-key.ts';

const MAGIC = 'openssh-key-v1\0';

/** The clear part of a key file (OpenSSH's PROTOCOL.key): the cipher's name and the public key. */
interface Header {
  readonly cipher: string;
  readonly publicBlob: Buffer;
}

/**
 * ```
 * byte[15] "openssh-key-v1" NUL
 * string   cipher name
 * string   kdf name
 * string   kdf options
 * uint32   number of keys, 1
 * string   public key
 * ```
 */
function readHeader(data: Buffer): Header | undefined {
  if (data.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  let at = MAGIC.length;
  const string = (): Buffer | undefined => {
    if (at + 4 > data.length) return undefined;
    const length = data.readUInt32BE(at);
    if (at + 4 + length > data.length) return undefined;
    const value = data.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  const cipher = string();
  if (!cipher || !string() || !string() || at + 4 > data.length) return undefined;
  if (data.readUInt32BE(at) !== 1) return undefined;
  at += 4;
  const publicBlob = string();
  if (publicBlob === undefined || blobType(publicBlob) === undefined) return undefined;
  return { cipher: cipher.toString('latin1'), publicBlob };
}

/** Reads a key in OpenSSH's own format. The decryption (bcrypt) is ssh2's, which is loaded for it. */
export async function parseOpenSshKey(text: string, passphrase: string | undefined): Promise<PrivateKeyResult> {
  const body = /^-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END OPENSSH PRIVATE KEY-----$/.exec(
    text,
  )?.[1];
  const header = body === undefined ? undefined : readHeader(Buffer.from(body, 'base64'));
  if (header === undefined) return { kind: 'unusable', reason: 'malformed private key' };
  const encrypted = header.cipher !== 'none';
  if (encrypted && passphrase === undefined) return { kind: 'encrypted', publicBlob: header.publicBlob };
  const { utils } = await loadSsh2();
  const parsed = utils.parseKey(text, encrypted ? passphrase : undefined);
  if (parsed instanceof Error) {
    // ssh2 tells a wrong passphrase by the integrity check that fails then.
    const wrong = encrypted && /passphrase|integrity|decrypt/i.test(parsed.message);
    return wrong ? { kind: 'wrong passphrase' } : { kind: 'unusable', reason: parsed.message };
  }
  const pem = parsed.getPrivatePEM();
  if (!parsed.isPrivateKey() || !pem) return { kind: 'unusable', reason: 'holds no private key' };
  try {
    return privateKeyResult(createPrivateKey(pem));
  } catch (error) {
    return { kind: 'unusable', reason: error instanceof Error ? error.message : 'invalid key' };
  }
}
