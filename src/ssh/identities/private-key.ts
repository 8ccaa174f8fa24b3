import { type KeyObject, sign } from 'node:crypto';
import { publicKeyBlob } from './key-blob.ts';

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
