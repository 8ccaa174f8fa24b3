import { createHash, type KeyObject } from 'node:crypto';
import { digestIdentifier, hashOf } from '../../src/images/algorithms/digests.ts';
import { createSignature, signatureIdentifier } from '../../src/images/algorithms/signatures.ts';
import { signingCertificate } from '../../src/images/cms/signing-certificate.ts';
import { compareEncodings } from '../../src/images/der/check.ts';
import {
  element,
  explicit,
  objectIdentifier,
  octetString,
  retagged,
  sequence,
  time,
  unsigned,
  utf8String,
} from '../../src/images/der/writer.ts';
import { encodeFooter } from '../../src/images/footer.ts';
import { IMAGE_INFO_OID, Oid } from '../../src/images/oids.ts';
import type { ImageSigner } from '../../src/images/sign.ts';
import type { DigestName } from '../../src/images/types.ts';
import type { Certificate } from '../../src/images/x509/certificate.ts';
import { describedAs, testTime } from './image-keys.ts';

/** What differs from an image as it should be. Signatures are made over what results, so that nothing but the change is wrong. */
export interface SignerForgery {
  readonly digest?: DigestName;
  readonly digestAlgorithm?: Uint8Array;
  readonly signatureAlgorithm?: Uint8Array;
  /** imageInfo as it is to stand there; default: what describes the payload. */
  readonly info?: Readonly<Record<string, unknown>> | string | Uint8Array;
  /** Values of attributes by their OID. Undefined: left out. */
  readonly values?: Readonly<Record<string, readonly Uint8Array[] | undefined>>;
  /** Changes the encoded attributes, which are sorted. */
  readonly attributes?: (sorted: readonly Uint8Array[]) => readonly Uint8Array[];
  readonly version?: Uint8Array;
  /** Default: issuer and serial number of the certificate. */
  readonly sid?: Uint8Array;
  /** What signs; default: the key of the signer, as its certificate says. */
  readonly sign?: (attributes: Uint8Array) => Uint8Array;
  /** Behind the signature. */
  readonly extra?: readonly Uint8Array[];
  /** Which certificate signingCertificateV2 names. */
  readonly named?: Certificate;
}

export interface Forgery {
  readonly certificates?: readonly Uint8Array[];
  readonly version?: Uint8Array;
  readonly digestAlgorithms?: readonly Uint8Array[];
  readonly content?: Uint8Array;
  /** Changes the elements of SignedData: version, digest algorithms, content, certificates, signers. */
  readonly parts?: (parts: readonly Uint8Array[]) => readonly Uint8Array[];
  /** Default: signed data. */
  readonly contentType?: string;
}

export interface ForgedSigner extends SignerForgery {
  readonly signer: { readonly certificate: Certificate; readonly privateKey: KeyObject };
}

/** imageInfo of a payload, in the order of the schema. */
export function infoOf(payload: Uint8Array, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { type, product, name, version, counter } = describedAs();
  const info = {
    fmt: 1,
    type,
    keyVersion: 'A',
    product,
    name,
    version,
    counter,
    size: payload.length,
    bundledKeys: [],
  };
  return { ...info, ...changes };
}

function infoElement(info: NonNullable<SignerForgery['info']>): Uint8Array {
  if (info instanceof Uint8Array) return element(0x0c, info);
  return utf8String(typeof info === 'string' ? info : JSON.stringify(info));
}

/** Signed attributes with these changes, as SET OF. */
export function forgeAttributes(payload: Uint8Array, forged: ForgedSigner): Uint8Array {
  const { signer, digest = 'sha512', info = infoOf(payload) } = forged;
  const { digestAlgorithm, signatureAlgorithm } = algorithmsOf(forged);
  const values: Record<string, readonly Uint8Array[] | undefined> = {
    [Oid.contentType]: [objectIdentifier(Oid.data)],
    [Oid.messageDigest]: [octetString(hashOf(digest, payload))],
    [Oid.signingTime]: [time(testTime)],
    [Oid.signingCertificateV2]: [signingCertificate((forged.named ?? signer.certificate).bytes)],
    [Oid.algorithmProtection]: [sequence(digestAlgorithm, retagged(signatureAlgorithm, 0xa1))],
    [IMAGE_INFO_OID]: [infoElement(info)],
    ...forged.values,
  };
  const encoded = Object.entries(values).flatMap(([oid, list]) =>
    list === undefined ? [] : [sequence(objectIdentifier(oid), element(0x31, ...list))],
  );
  const sorted = encoded.sort(compareEncodings);
  return element(0x31, ...(forged.attributes?.(sorted) ?? sorted));
}

function algorithmsOf(forged: ForgedSigner): { digestAlgorithm: Uint8Array; signatureAlgorithm: Uint8Array } {
  const { digest = 'sha512' } = forged;
  return {
    digestAlgorithm: forged.digestAlgorithm ?? digestIdentifier(digest),
    signatureAlgorithm: forged.signatureAlgorithm ?? signatureIdentifier(forged.signer.certificate.publicKey, digest),
  };
}

function forgeSigner(payload: Uint8Array, forged: ForgedSigner): Uint8Array {
  const { signer, digest = 'sha512' } = forged;
  const attributes = forgeAttributes(payload, forged);
  const sign =
    forged.sign ?? ((bytes) => createSignature(signer.certificate.publicKey, signer.privateKey, digest, bytes));
  const { digestAlgorithm, signatureAlgorithm } = algorithmsOf(forged);
  return sequence(
    forged.version ?? unsigned(Uint8Array.of(1)),
    forged.sid ?? signer.certificate.issuerAndSerial,
    digestAlgorithm,
    retagged(attributes, 0xa0),
    signatureAlgorithm,
    octetString(sign(attributes)),
    ...(forged.extra ?? []),
  );
}

/** An envelope with these changes. */
export function forgeEnvelope(
  payload: Uint8Array,
  signers: readonly ForgedSigner[],
  forgery: Forgery = {},
): Uint8Array {
  const [first] = signers;
  const digestAlgorithms =
    forgery.digestAlgorithms ?? (first === undefined ? [] : [algorithmsOf(first).digestAlgorithm]);
  const certificates =
    forgery.certificates ?? signers.map(({ signer }) => signer.certificate.bytes).sort(compareEncodings);
  const infos = signers.map((signer) => forgeSigner(payload, signer)).sort(compareEncodings);
  const parts = [
    forgery.version ?? unsigned(Uint8Array.of(1)),
    element(0x31, ...digestAlgorithms),
    forgery.content ?? sequence(objectIdentifier(Oid.data)),
    element(0xa0, ...certificates),
    element(0x31, ...infos),
  ];
  const signedData = sequence(...(forgery.parts?.(parts) ?? parts));
  return sequence(objectIdentifier(forgery.contentType ?? Oid.signedData), explicit(0, signedData));
}

/** Payload, envelope and a footer that fits. */
export function asFile(payload: Uint8Array, envelope: Uint8Array): Buffer {
  const footer = encodeFooter({ payloadBytes: payload.length, envelopeBytes: envelope.length });
  return Buffer.concat([payload, envelope, footer]);
}

/** An image of one signer with these changes. */
export function forge(
  payload: Uint8Array,
  signer: ImageSigner,
  forged: SignerForgery = {},
  forgery: Forgery = {},
): Buffer {
  return asFile(payload, forgeEnvelope(payload, [{ ...forged, signer }], forgery));
}

/** Corrects the checksum of a footer whose octets were changed. */
export function sealFooter(file: Buffer): Buffer {
  const footer = file.subarray(-64);
  createHash('sha256').update(footer.subarray(0, 32)).digest().copy(footer, 32);
  return file;
}
