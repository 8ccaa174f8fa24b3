import { createHash } from 'node:crypto';
import { ImageError } from '../../src/base/errors.ts';
import { canonicalJson, type JsonValue } from '../../src/images/keys/canonical-json.ts';
import type { ProofVerifier, ProvenEnvelope } from '../../src/images/keys/proof-verifier.ts';
import { sha256Hex } from '../../src/images/keys/records.ts';
import type { RootKey } from '../../src/images/keys/root-file.ts';
import type { BundledKey, ImageInfo, ImageType, KeyType, VerifiedImage } from '../../src/images/types.ts';

/*
 * Keys, certificates and envelopes that cost nothing to make and to check, for tests of what a key storage does with them. A signature is a hash with the name of the key in it: whoever calls `signFake` has the key. What real envelopes are is
 * tested where they are made.
 */

/** A key by its name: `production A` is type and version, what comes behind tells several of one version apart. */
export function fakeCertificate(name: string): Uint8Array {
  return Buffer.from(`certificate of ${name}`);
}

function fakeKey(certificate: Uint8Array): Uint8Array {
  const [, name = ''] = /^certificate of (.*)$/s.exec(Buffer.from(certificate).toString()) ?? [];
  if (name === '') throw new ImageError('', 'ERR_IMAGE_CERTIFICATE', 'cannot be read');
  if (name.includes('unknown algorithm')) throw new ImageError('', 'ERR_IMAGE_ALGORITHM', 'is not known here');
  // A certificate may be made anew for the same key.
  return Buffer.from(`key ${name.replace(/ \(again\)$/, '')}`);
}

/** Type and version in the name of a key. */
function parts(name: string): { readonly type: KeyType; readonly version: string } {
  const [type, version] = name.split(' ');
  return { type: type as KeyType, version: version as string };
}

/** A key for `initKeyStorage`. */
export function fakeRootKey(name: string): RootKey {
  return { ...parts(name), certificate: fakeCertificate(name) };
}

function signature(info: ImageInfo, signer: string): string {
  return createHash('sha256')
    .update(`${canonicalJson(info as unknown as JsonValue)}\n${signer}`)
    .digest('hex');
}

export interface FakeImage {
  readonly type: ImageType;
  /** Names of keys. */
  readonly signers: readonly string[];
  /** Names of keys that it brings; `production B` may be said as `production B=production C` to bring C's certificate as B. */
  readonly bundled?: readonly string[] | undefined;
  readonly counter?: number | undefined;
  readonly name?: string | undefined;
}

/** An image as its verification gives it. */
export function fakeImage({ type, signers, bundled = [], counter = 0, name = 'image' }: FakeImage): VerifiedImage {
  const certificates = bundled.map((one) => fakeCertificate(one.split('=').at(-1) as string));
  const bundledKeys = bundled.map((one, index): BundledKey => {
    const { type: keyType, version } = parts(one.split('=')[0] as string);
    return { type: keyType as BundledKey['type'], version, sha256: sha256Hex(certificates[index] as Uint8Array) };
  });
  const info: ImageInfo = {
    fmt: 1,
    type,
    keyVersion: parts(signers[0] as string).version,
    product: 'NX3900',
    name,
    version: '1.0',
    counter,
    size: 0,
    bundledKeys,
  };
  const signed = signers.map((signer) => ({ name: signer, signature: signature(info, signer) }));
  const envelope = Buffer.from(canonicalJson({ info: info as unknown as JsonValue, signers: signed }));
  return {
    info,
    envelope,
    bundledCertificates: certificates,
    payloadDigest: createHash('sha256').update(envelope).digest(),
    warnings: [],
    signers: signers.map((signer) => ({
      key: { ...parts(signer), spki: fakeKey(fakeCertificate(signer)), state: 'valid' },
      name: { commonName: 'Example', organizationalUnit: 'NX3900', organization: 'Example' },
      serialNumber: '1',
      digest: 'sha512',
      signatureAlgorithm: 'fake',
      notBefore: new Date(0),
      notAfter: new Date(0),
    })),
  };
}

const maySign: Readonly<Record<KeyType, readonly ImageType[]>> = {
  production: ['production', 'rommon.production'],
  special: ['special', 'rommon.special'],
  rollover: ['revocation'],
};

/** Verifies what {@link fakeImage} makes. */
export const fakeVerifier: ProofVerifier = {
  publicKeyOf: fakeKey,
  purposeOf: () => undefined,
  verifyEnvelope(envelope, keys): ProvenEnvelope {
    let parsed: { info: ImageInfo; signers: { name: string; signature: string }[] };
    try {
      parsed = JSON.parse(Buffer.from(envelope).toString());
    } catch (cause) {
      throw new ImageError('', 'ERR_IMAGE_DER', 'is no envelope', { cause });
    }
    const { info, signers } = parsed;
    let isRevoked = false;
    const good = signers.flatMap((signer) => {
      const { type, version } = parts(signer.name);
      const spki = fakeKey(fakeCertificate(signer.name));
      const key = keys.keys(type, version).find((one) => Buffer.from(one.spki).equals(spki));
      if (key === undefined) return [];
      if (signer.signature !== signature(info, signer.name))
        throw new ImageError('', 'ERR_IMAGE_SIGNATURE', 'is wrong');
      if (!maySign[type].includes(info.type)) throw new ImageError('', 'ERR_IMAGE_KEY_TYPE', 'may not sign this');
      if (key.state === 'valid' && version >= (keys.floor(type) ?? 'A')) return [{ key }];
      isRevoked = true;
      return [];
    });
    if (good.length === 0 && isRevoked) throw new ImageError('', 'ERR_IMAGE_REVOKED_KEY', 'key is revoked');
    if (good.length === 0) throw new ImageError('', 'ERR_IMAGE_UNKNOWN_KEY', 'no key is known');
    const needed = good[0] === undefined ? 1 : (keys.minSigners?.(good[0].key.type) ?? 1);
    if (good.length < needed) throw new ImageError('', 'ERR_IMAGE_SIGNERS', `${needed} must sign`);
    return { info, signers: good };
  },
};
