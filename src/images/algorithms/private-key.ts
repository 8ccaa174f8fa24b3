import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { ImageError } from '../../base/errors.ts';
import { type PublicKey, readPublicKey, unsupported } from './public-key.ts';

/** What keys can be made. */
export type NewKeyAlgorithm =
  | 'rsa-2048'
  | 'rsa-3072'
  | 'rsa-4096'
  | 'ecdsa-p256'
  | 'ecdsa-p384'
  | 'ed25519'
  | 'ml-dsa-44'
  | 'ml-dsa-65'
  | 'ml-dsa-87';

/** All of them, the usual one first. */
export const newKeyAlgorithms: readonly NewKeyAlgorithm[] = [
  'rsa-3072',
  'rsa-2048',
  'rsa-4096',
  'ecdsa-p256',
  'ecdsa-p384',
  'ed25519',
  'ml-dsa-44',
  'ml-dsa-65',
  'ml-dsa-87',
];

/** Octets of a file with a private key. */
const MAX_KEY_FILE_BYTES = 64 * 1024;

const generate = promisify(generateKeyPair) as unknown as (
  type: string,
  options: Readonly<Record<string, unknown>>,
) => Promise<{ readonly privateKey: KeyObject }>;

function generation(algorithm: NewKeyAlgorithm): [type: string, options: Readonly<Record<string, unknown>>] {
  switch (algorithm) {
    case 'rsa-2048':
    case 'rsa-3072':
    case 'rsa-4096':
      return ['rsa', { modulusLength: Number(algorithm.slice(4)), publicExponent: 65537 }];
    case 'ecdsa-p256':
      return ['ec', { namedCurve: 'P-256' }];
    case 'ecdsa-p384':
      return ['ec', { namedCurve: 'P-384' }];
    case 'ed25519':
    case 'ml-dsa-44':
    case 'ml-dsa-65':
    case 'ml-dsa-87':
      return [algorithm, {}];
    default:
      return algorithm satisfies never;
  }
}

/**
 * Makes a private key.
 *
 * @throws {ImageError} ERR_IMAGE_ALGORITHM where this Node cannot make one.
 */
export async function generatePrivateKey(algorithm: NewKeyAlgorithm): Promise<KeyObject> {
  try {
    return (await generate(...generation(algorithm))).privateKey;
  } catch (cause) {
    throw unsupported(algorithm.toUpperCase(), cause);
  }
}

/** The public half of a private key. @throws {ImageError} ERR_IMAGE_ALGORITHM where it may not sign images. */
export function publicKeyOf(privateKey: KeyObject): PublicKey {
  return readPublicKey(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
}

/**
 * PKCS #8 in PEM (RFC 5958, RFC 7468); with a passphrase encrypted with AES-256-CBC, the key of which is derived by
 * PBKDF2 (PBES2, RFC 8018): what Node offers.
 */
export function writePrivateKey(privateKey: KeyObject, passphrase?: string): string {
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return privateKey.export({ type: 'pkcs8', format: 'pem', ...encryption }).toString();
}

/**
 * Reads a private key in PEM: PKCS #8, encrypted or not, or one of the older forms that OpenSSL writes.
 *
 * @throws {ImageError} ERR_IMAGE_CERTIFICATE where it cannot be read or needs a(nother) passphrase, ERR_IMAGE_ALGORITHM where it may not sign images.
 */
export function readPrivateKey(pem: string, passphrase?: string): KeyObject {
  const refuse = (reason: string, cure?: string, cause?: unknown): ImageError =>
    new ImageError('', 'ERR_IMAGE_CERTIFICATE', reason, { cause, ...(cure === undefined ? {} : { cure }) });
  if (pem.length > MAX_KEY_FILE_BYTES || !pem.includes('PRIVATE KEY-----')) throw refuse('not a private key in PEM');
  if (isEncrypted(pem) && passphrase === undefined) {
    throw refuse('the private key is encrypted', 'give its passphrase');
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (cause) {
    if (isEncrypted(pem)) throw refuse('the private key cannot be decrypted', 'check the passphrase', cause);
    throw refuse('the private key cannot be read', undefined, cause);
  }
  publicKeyOf(key);
  return key;
}

/** Whether a private key in PEM needs a passphrase. */
export function isEncrypted(pem: string): boolean {
  return pem.includes('ENCRYPTED PRIVATE KEY-----') || /^Proc-Type: 4,ENCRYPTED/m.test(pem);
}
