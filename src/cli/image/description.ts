import { FileError } from '../../base/errors.ts';
import { MAX_NAME_BYTES } from '../../base/peer-name.ts';
import { printable } from '../../base/printable.ts';
import { splitPath } from '../../files/path.ts';
import { digestNames } from '../../images/algorithms/digests.ts';
import { MAX_COUNTER } from '../../images/image-info.ts';
import { isImageText } from '../../images/image-text.ts';
import { imageTypes } from '../../images/image-types.ts';
import type { ImageDescription, ImageSigner, NewKey, SigningCertificate } from '../../images/sign.ts';
import type { DigestName, ImageType } from '../../images/types.ts';
import type { Certificate } from '../../images/x509/certificate.ts';
import { UsageError } from '../getopt.ts';
import { certificateAt } from './input.ts';
import type { Read } from './options.ts';
import { signerAt } from './signer.ts';

/** Options that describe an image. */
export const descriptionOptions: readonly string[] = ['version:', 'name:', 'counter:', 'min-loader:', 'digest:'];

/** Options that say who signs. */
export const signerOptions: readonly string[] = ['key:', 'cert:', 'passphrase-file:'];

/** @param out where the image goes: its name is that of the image */
export function readDescription(
  read: Read,
  type: ImageType,
  out: string,
  defaults: { readonly product?: string; readonly version?: string } = {},
): ImageDescription {
  const counter = read.number('counter', 0, MAX_COUNTER) ?? 0;
  const name = read.text('name') ?? splitPath(out).name;
  if (read.text('name') === undefined && (name === '' || name === '-' || !isImageText(name, MAX_NAME_BYTES)))
    throw new UsageError(`--name is missing, and ${printable(out)} is no name that could be signed`);
  const minLoader = read.text('min-loader');
  return {
    type,
    product: read.text('product') ?? defaults.product ?? read.needed('product'),
    version: read.text('version') ?? defaults.version ?? read.needed('version'),
    name,
    counter,
    ...(minLoader === undefined ? {} : { minLoader }),
  };
}

export function readDigest(read: Read): DigestName | undefined {
  return read.word('digest', digestNames);
}

/** The type of image that is meant: the one given, or what keys of this type sign. */
export function readType(read: Read, signers: readonly SigningCertificate[]): ImageType {
  const given = read.word('type', imageTypes);
  if (given !== undefined) return given;
  const purposes = signers.map(({ certificate }) => certificate.purpose?.type);
  const type = purposes[0];
  if (type === 'rollover')
    throw new UsageError('a rollover key signs revocation images only: see sealift image revocation --help');
  if (type === undefined) throw new UsageError('--type is missing: the certificate does not say what its key is for');
  return type;
}

/** @throws {UsageError} none, or not as many keys as certificates */
export async function readSigners(read: Read): Promise<readonly ImageSigner[]> {
  const [keys, certificates] = [read.texts('key'), read.texts('cert')];
  if (keys.length === 0) throw new UsageError('--key is missing');
  if (keys.length !== certificates.length)
    throw new UsageError(`${keys.length} --key and ${certificates.length} --cert: each key needs its certificate`);
  const signers: ImageSigner[] = [];
  const passphrases = read.texts('passphrase-file');
  if (passphrases.length > 1 && passphrases.length !== keys.length)
    throw new UsageError(`${passphrases.length} --passphrase-file: one for all keys, or one for each`);
  for (const [index, key] of keys.entries()) {
    const signer = await signerAt(key, certificates[index] as string, passphrases[index] ?? passphrases[0]);
    if (signer.certificate.purpose === undefined) throw noPurpose(certificates[index] as string);
    signers.push(signer);
  }
  return signers;
}

/** The certificates of new keys. @throws {FileError} one is for another type of key */
export async function readNewKeys(
  paths: readonly string[],
  type: 'production' | 'special',
): Promise<readonly NewKey[]> {
  const keys: NewKey[] = [];
  for (const path of paths) {
    const certificate = await certificateAt(path);
    checkPurpose(path, certificate, type);
    keys.push({ certificate });
  }
  return keys;
}

/** A certificate that nobody knows what to do with. */
export function noPurpose(path: string): FileError {
  return new FileError(path, 'read', 'ERR_CONFIG', {
    reason: 'the certificate does not say the type and version of its key',
    cure: 'make it with sealift image keygen, or with the extension that docs/protocols/image-format.md describes',
  });
}

function checkPurpose(path: string, { purpose }: Certificate, type: 'production' | 'special'): void {
  if (purpose?.type === type) return;
  if (purpose === undefined) throw noPurpose(path);
  const reason = `the certificate is that of a ${purpose.type} key, a ${type} key is needed`;
  throw new FileError(path, 'read', 'ERR_CONFIG', { reason });
}
