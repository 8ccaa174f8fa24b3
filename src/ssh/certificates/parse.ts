import { decodeName } from '../../base/byte-name.ts';
import { ProtocolError } from '../../base/errors.ts';
import { sshString } from '../identities/key-blob.ts';
import { BlobReader } from './blob-reader.ts';
import { isCertificateName, plainName } from './names.ts';
import { type PublicKey, readPublicKey, signatureHolds } from './public-key.ts';

/** No SSH packet that carries a certificate is longer (RFC 4253 section 6.1 asks for 35,000; OpenSSH takes more). */
export const MAX_CERTIFICATE_BYTES: number = 256 * 1024;
/** OpenSSH's limit. */
export const MAX_PRINCIPALS = 256;
/** More than are defined by far. */
export const MAX_OPTIONS = 64;
/** RFC 4251 section 6. */
export const MAX_NAME_LENGTH = 64;

const MALFORMED = 'malformed certificate';

/** An OpenSSH certificate (PROTOCOL.certkeys of OpenSSH), whose layout is in order. Nothing says yet that it holds. */
export interface Certificate {
  /** With `-cert-v01@openssh.com`. */
  readonly type: string;
  /** The certified key as a public key blob of its own. */
  readonly key: Buffer;
  readonly role: 'user' | 'host';
  readonly serial: bigint;
  readonly keyId: string;
  /** In the form of byte-name.ts. */
  readonly principals: readonly string[];
  /** Seconds since 1970; valid from here on. */
  readonly validAfter: bigint;
  /** Seconds since 1970; not valid any more from here on. */
  readonly validBefore: bigint;
  readonly criticalOptions: readonly string[];
  readonly extensions: readonly string[];
  readonly authority: {
    readonly type: string;
    readonly blob: Buffer;
    /** Undefined for a type whose signatures cannot be checked here. */
    readonly key: PublicKey | undefined;
  };
  readonly signature: { readonly algorithm: string; readonly value: Buffer };
  /** What the signature covers. */
  readonly signed: Buffer;
}

function readText(reader: BlobReader): string {
  const text = reader.string();
  if (text.includes(0)) reader.fail('a text with a NUL');
  return decodeName(text);
}

/** The name of a type or an algorithm. */
function readName(reader: BlobReader): string {
  const name = readText(reader);
  return name.length > MAX_NAME_LENGTH ? reader.fail('a name that is too long') : name;
}

function readPrincipals(list: Buffer): string[] {
  const reader = new BlobReader(list, MALFORMED);
  const principals: string[] = [];
  while (!reader.isAtEnd) {
    if (principals.length === MAX_PRINCIPALS) reader.fail(`more than ${MAX_PRINCIPALS} principals`);
    principals.push(readText(reader));
  }
  return principals;
}

/** The names of `string name, string data` pairs. */
function readOptions(list: Buffer): string[] {
  const reader = new BlobReader(list, MALFORMED);
  const names: string[] = [];
  while (!reader.isAtEnd) {
    if (names.length === MAX_OPTIONS) reader.fail(`more than ${MAX_OPTIONS} options`);
    names.push(readText(reader));
    reader.string();
  }
  return names;
}

function readRole(reader: BlobReader): Certificate['role'] {
  const role = reader.uint32();
  if (role === 1) return 'user';
  return role === 2 ? 'host' : reader.fail(`type ${role}, which is neither user nor host`);
}

function readAuthority(blob: Buffer): Certificate['authority'] {
  const reader = new BlobReader(blob, `${MALFORMED}: signature key`);
  const type = readName(reader);
  // A chain of certificates would let a certified host certify others.
  if (isCertificateName(type)) reader.fail('it is a certificate itself');
  const key = readPublicKey(type, reader);
  if (key !== undefined) reader.end();
  return { type, blob, key };
}

function readSignature(blob: Buffer): Certificate['signature'] {
  const reader = new BlobReader(blob, `${MALFORMED}: signature`);
  const algorithm = readName(reader);
  const value = reader.string();
  // Behind it security keys have more, and those are not checked here.
  if (!algorithm.startsWith('sk-')) reader.end();
  return { algorithm, value };
}

/**
 * Reads a certificate.
 *
 * ```
 * string   type
 * string   nonce
 * …        fields of the public key
 * uint64   serial
 * uint32   1 user, 2 host
 * string   key id
 * string   valid principals, each a string
 * uint64   valid after
 * uint64   valid before
 * string   critical options, pairs of name and data
 * string   extensions, pairs of name and data
 * string   reserved
 * string   signature key
 * string   signature over everything in front of it
 * ```
 *
 * @throws {ProtocolError} for anything else, above all for bytes behind the end
 */
export function parseCertificate(blob: Uint8Array): Certificate {
  if (blob.length > MAX_CERTIFICATE_BYTES) throw new ProtocolError(`${MALFORMED}: too long`, { code: 'ERR_LIMIT' });
  const reader = new BlobReader(blob, MALFORMED);
  const type = readName(reader);
  if (!isCertificateName(type)) reader.fail('not a certificate');
  reader.string();
  const start = reader.at;
  if (readPublicKey(plainName(type), reader) === undefined) reader.fail('a key of unknown type');
  const key = Buffer.concat([sshString(plainName(type)), reader.since(start)]);
  const serial = reader.uint64();
  const role = readRole(reader);
  const keyId = readText(reader);
  const principals = readPrincipals(reader.string());
  const validAfter = reader.uint64();
  const validBefore = reader.uint64();
  const criticalOptions = readOptions(reader.string());
  const extensions = readOptions(reader.string());
  reader.string();
  const authority = readAuthority(reader.string());
  const signed = reader.since(0);
  const signature = readSignature(reader.string());
  reader.end();
  const validity = { validAfter, validBefore, criticalOptions, extensions };
  return { type, key, role, serial, keyId, principals, ...validity, authority, signature, signed };
}

/**
 * Whether the signature is one of the key in the certificate that claims to have made it. Says nothing about whether that
 * key is an authority. False for algorithms that are not checked here: SHA-1, DSA, security keys.
 */
export function isSignedByItsAuthority({ authority, signature, signed }: Certificate): boolean {
  if (authority.key === undefined) return false;
  try {
    return signatureHolds(authority.key, signature.algorithm, signed, signature.value);
  } catch {
    return false;
  }
}
