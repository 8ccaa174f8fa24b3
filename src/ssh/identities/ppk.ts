import { createPrivateKey, timingSafeEqual } from 'node:crypto';
import { blobType } from '../known-hosts/fingerprint.ts';
import { decryptPpk, derivePpkKeys, ppkMac } from './ppk-crypto.ts';
import { type PpkFile, parsePpkFile } from './ppk-file.ts';
import { ppkJwk } from './ppk-jwk.ts';
import { type PrivateKeyResult, privateKeyResult } from './private-key.ts';

async function unlock(file: PpkFile, passphrase: string): Promise<PrivateKeyResult> {
  const encrypted = file.encryption !== 'none';
  const keys = await derivePpkKeys(file, encrypted ? passphrase : '');
  const privateBlob = encrypted ? decryptPpk(file.privateBlob, keys) : file.privateBlob;
  const mac = ppkMac(file, privateBlob, keys.mac);
  if (mac.length !== file.mac.length || !timingSafeEqual(mac, file.mac)) {
    // The check covers the public part too: without a passphrase it can only be a changed file.
    return encrypted ? { kind: 'wrong passphrase' } : { kind: 'unusable', reason: 'the check of the key file fails' };
  }
  const jwk = ppkJwk(file.publicBlob, privateBlob);
  if (jwk === undefined) return { kind: 'unusable', reason: `keys of type ${file.type} cannot be used` };
  const result = privateKeyResult(createPrivateKey({ key: jwk, format: 'jwk' }));
  if (result.kind === 'key' && !result.key.publicBlob.equals(file.publicBlob)) {
    return { kind: 'unusable', reason: 'the private part does not belong to the public part' };
  }
  return result;
}

/** Reads PuTTY's private key format, version 2 and 3. Total. */
export async function parsePpk(text: string, passphrase: string | undefined): Promise<PrivateKeyResult> {
  const file = parsePpkFile(text);
  if (typeof file === 'string') return { kind: 'unusable', reason: file };
  if (file.encryption !== 'none' && passphrase === undefined) {
    const known = blobType(file.publicBlob) !== undefined;
    return { kind: 'encrypted', publicBlob: known ? file.publicBlob : undefined };
  }
  try {
    return await unlock(file, passphrase ?? '');
  } catch (error) {
    return { kind: 'unusable', reason: error instanceof Error ? error.message : 'invalid key' };
  }
}
