/** What a key is for. Production is also called release, special also development. */
export type KeyType = 'production' | 'special' | 'rollover';

/** What an image is. A key of type production signs `production` and `rommon.production`, one of type special the other two, a rollover key `revocation` and nothing else. */
export type ImageType = 'production' | 'special' | 'revocation' | 'rommon.production' | 'rommon.special';

/** A new key that comes with an image: what the signed attribute says of it. */
export interface BundledKey {
  readonly type: 'production' | 'special';
  /** A letter from A to Z. */
  readonly version: string;
  /** SHA-256 of the certificate (DER), which stands in the envelope: 64 digits of lower-case hex. */
  readonly sha256: string;
}

/** The signed attribute imageInfo, as docs/protocols/image-format.md has it. */
export interface ImageInfo {
  readonly fmt: 1;
  readonly type: ImageType;
  /** A letter from A to Z. */
  readonly keyVersion: string;
  /** The hardware that the image is for. */
  readonly product: string;
  /** The name of the image's file as it was signed, for displays only. */
  readonly name: string;
  readonly version: string;
  /** The security counter: a device that has seen a higher one for this key version refuses the image. 0 to 2^32-1. */
  readonly counter: number;
  /** Bytes of the payload. */
  readonly size: number;
  readonly bundledKeys: readonly BundledKey[];
  /** The least version of a loader that may start it. */
  readonly minLoader?: string | undefined;
}

/** A key as who verifies knows it. */
export interface TrustedKey {
  readonly type: KeyType;
  readonly version: string;
  /** SubjectPublicKeyInfo, DER (RFC 5280, 4.1). */
  readonly spki: Uint8Array;
  readonly state: 'valid' | 'revoked';
}

/** Where keys come from: a key storage, or a list. */
export interface KeyLookup {
  /** All keys of a type and a version, revoked ones too; empty where there are none. */
  keys(type: KeyType, version: string): readonly TrustedKey[];
  /** Versions below this letter are refused, whatever is known of them. Undefined: none is. */
  floor(type: KeyType): string | undefined;
  /** How many distinct keys of one version must have signed, at least, whatever a policy says. Absent: one. */
  minSigners?(type: KeyType): number;
}

/** The name of a digest that may stand in an envelope. */
export type DigestName = 'sha256' | 'sha384' | 'sha512';

/** The fields of a certificate's subject that displays show, as they are in it: not yet made printable. */
export interface SignerName {
  readonly commonName: string;
  readonly organizationalUnit: string;
  readonly organization: string;
}

/** One signer whose key is known, valid, and whose signature is right. */
export interface VerifiedSigner {
  readonly key: TrustedKey;
  readonly name: SignerName;
  /** Upper-case hex without a sign or leading zero octets, as displays show it. */
  readonly serialNumber: string;
  readonly digest: DigestName;
  /** As displays name it: `2048-bit RSA`, `ECDSA P-256`, `Ed25519`. */
  readonly signatureAlgorithm: string;
  /** Validity of the certificate. It decides nothing. */
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What was verified, and by whom. */
export interface VerifiedImage {
  /** As the first of {@link signers} signed it. */
  readonly info: ImageInfo;
  /** At least as many as the policy asks for, with distinct keys. */
  readonly signers: readonly VerifiedSigner[];
  /** The digest of the payload by the digest algorithm of the first signer. */
  readonly payloadDigest: Uint8Array;
  /** The CMS, DER: proves what was verified once more, without the payload. */
  readonly envelope: Uint8Array;
  /** The certificates of {@link ImageInfo.bundledKeys}, DER, in that order. */
  readonly bundledCertificates: readonly Uint8Array[];
  /** What is worth saying and decides nothing: a name that contradicts the envelope, a certificate out of its dates. */
  readonly warnings: readonly string[];
}

/** What an envelope proves without its payload: all of {@link VerifiedImage} but that the payload is the one that was signed. */
export interface VerifiedEnvelope extends Omit<VerifiedImage, 'payloadDigest'> {
  /** The digest that the payload must have, by the algorithm `digest`. */
  readonly signedDigest: Uint8Array;
  readonly digest: DigestName;
}

/** What an image must be besides well signed. Everything absent is not asked for. */
export interface ImagePolicy {
  /** How many distinct valid keys must have signed. Default 1. */
  readonly minSigners?: number | undefined;
  /** The hardware. An image for another one is refused. */
  readonly product?: string | undefined;
  /** The types that are taken. Default: all. */
  readonly types?: readonly ImageType[] | undefined;
  /** The least security counter for a type and a key version. */
  readonly minCounter?: ((type: ImageType, keyVersion: string) => number) | undefined;
  /** Bytes of the largest payload that is taken. Default: 2^53-1. */
  readonly maxSize?: number | undefined;
}
