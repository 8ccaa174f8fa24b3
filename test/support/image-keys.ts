import { generatePrivateKey, type NewKeyAlgorithm } from '../../src/images/algorithms/private-key.ts';
import {
  digestPayload,
  type ImageDescription,
  type ImageSigner,
  type SignedImage,
  signImage,
} from '../../src/images/sign.ts';
import type { DigestName, ImageType, KeyLookup, KeyType, TrustedKey } from '../../src/images/types.ts';
import type { KeyPurpose } from '../../src/images/x509/extensions.ts';
import { makeCertificate, NO_EXPIRY } from '../../src/images/x509/make-certificate.ts';

/** The name that certificates of tests have. */
export const signerName = {
  commonName: 'Sealift Test Maker',
  organizationalUnit: 'NX3900',
  organization: 'Example Networks',
} as const;

/** When certificates of tests begin to be valid, and images of tests are signed. */
export const testTime: Date = new Date('2026-03-01T12:00:00Z');

/** Makes a key and its certificate. */
export async function makeSigner(
  algorithm: NewKeyAlgorithm,
  type: KeyType = 'production',
  version = 'A',
): Promise<ImageSigner> {
  const privateKey = await generatePrivateKey(algorithm);
  return { privateKey, certificate: certificateFor(privateKey, { type, version }) };
}

/** A certificate for a key. */
export function certificateFor(
  privateKey: ImageSigner['privateKey'],
  purpose: KeyPurpose,
  name: Partial<typeof signerName> | Record<string, string> = {},
): ImageSigner['certificate'] {
  return makeCertificate({
    privateKey,
    name: { ...signerName, ...name },
    purpose,
    notBefore: testTime,
    notAfter: NO_EXPIRY,
  });
}

/** The key of a signer as a key storage has it; its purpose as its certificate says it, unless told otherwise. */
export function trusted(
  { certificate }: Pick<ImageSigner, 'certificate'>,
  changes: Partial<TrustedKey> = {},
): TrustedKey {
  const { type = 'production', version = 'A' } = certificate.purpose ?? {};
  return { type, version, spki: certificate.publicKey.spki, state: 'valid', ...changes };
}

/** A key lookup over a list. */
export function lookupOf(keys: readonly TrustedKey[], floors: Partial<Record<KeyType, string>> = {}): KeyLookup {
  return {
    keys: (type, version) => keys.filter((key) => key.type === type && key.version === version),
    floor: (type) => floors[type],
  };
}

/** What images of tests say of themselves. */
export function describedAs(type: ImageType = 'production', changes: Partial<ImageDescription> = {}): ImageDescription {
  return { type, product: 'NX3900', name: 'app.SPA', version: '1.0.0', counter: 1, ...changes };
}

/** Signs a payload. */
export async function signed(
  payload: Uint8Array,
  signers: readonly ImageSigner[],
  options: {
    digest?: DigestName;
    description?: ImageDescription;
    newKeys?: readonly Pick<ImageSigner, 'certificate'>[];
  } = {},
): Promise<SignedImage & { readonly file: Buffer }> {
  const { digest, description = describedAs(), newKeys = [] } = options;
  const image = signImage(
    { payload: await digestPayload([payload], digest), description, newKeys, signingTime: testTime },
    signers,
  );
  return { ...image, file: Buffer.concat([payload, image.envelope, image.footer]) };
}
