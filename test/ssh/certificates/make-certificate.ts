import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export function string(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** `mpint` of a positive number. */
export function mpint(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(start < 0 ? bytes.length : start);
  return string((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
}

export type TestKeyType =
  | 'ssh-ed25519'
  | 'ssh-rsa'
  | 'ecdsa-sha2-nistp256'
  | 'ecdsa-sha2-nistp384'
  | 'ecdsa-sha2-nistp521';

/** A key pair, its fields in SSH's encoding, and its signatures. */
export interface TestKey {
  readonly type: TestKeyType;
  readonly privateKey: KeyObject;
  /** What stands behind the type in the blob. */
  readonly fields: Buffer;
  readonly blob: Buffer;
  /** `string algorithm, string value`; `algorithm` for RSA only. */
  sign(data: Buffer, algorithm?: string): Buffer;
}

const curves = {
  'ecdsa-sha2-nistp256': ['P-256', 'nistp256', 'sha256', 32],
  'ecdsa-sha2-nistp384': ['P-384', 'nistp384', 'sha384', 48],
  'ecdsa-sha2-nistp521': ['P-521', 'nistp521', 'sha512', 66],
} as const;
const rsaHashes: Readonly<Record<string, string>> = {
  'ssh-rsa': 'sha1',
  'rsa-sha2-256': 'sha256',
  'rsa-sha2-512': 'sha512',
};

function finish(
  type: TestKeyType,
  privateKey: KeyObject,
  fields: Buffer,
  value: (data: Buffer, algorithm: string) => Buffer,
  standard: string = type,
): TestKey {
  const signature = (data: Buffer, algorithm = standard): Buffer =>
    Buffer.concat([string(algorithm), string(value(data, algorithm))]);
  return { type, privateKey, fields, blob: Buffer.concat([string(type), fields]), sign: signature };
}

export function makeKey(type: TestKeyType = 'ssh-ed25519', rsaBits = 2048): TestKey {
  const number = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
  if (type === 'ssh-ed25519') {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const fields = string(number(publicKey.export({ format: 'jwk' }).x));
    return finish(type, privateKey, fields, (data) => sign(null, data, privateKey));
  }
  if (type === 'ssh-rsa') {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: rsaBits });
    const { e, n } = publicKey.export({ format: 'jwk' });
    const value = (data: Buffer, algorithm: string): Buffer => sign(rsaHashes[algorithm], data, privateKey);
    return finish(type, privateKey, Buffer.concat([mpint(number(e)), mpint(number(n))]), value, 'rsa-sha2-512');
  }
  const [namedCurve, name, hash, bytes] = curves[type];
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), number(x), number(y)]);
  return finish(type, privateKey, Buffer.concat([string(name), string(point)]), (data) => {
    const raw = sign(hash, data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return Buffer.concat([mpint(raw.subarray(0, bytes)), mpint(raw.subarray(bytes))]);
  });
}

/** The fields of a certificate that a test may want otherwise. */
export interface TestFields {
  readonly type?: string;
  readonly keyFields?: Buffer;
  readonly serial?: bigint;
  readonly role?: number;
  readonly keyId?: string;
  readonly principals?: readonly string[];
  readonly validAfter?: bigint;
  readonly validBefore?: bigint;
  /** Names; the data is `yes`. */
  readonly criticalOptions?: readonly string[];
  readonly extensions?: readonly string[];
  readonly signatureKey?: Buffer;
  /** The algorithm of the authority's signature. */
  readonly algorithm?: string;
  /** The whole signature field. */
  readonly signature?: Buffer;
}

const options = (names: readonly string[]): Buffer =>
  Buffer.concat(names.flatMap((name) => [string(name), string(string('yes'))]));

/** Everything in front of the signature, field by field as PROTOCOL.certkeys has it. */
export function unsignedCertificate(host: TestKey, authority: TestKey, fields: TestFields = {}): Buffer {
  return Buffer.concat([
    string(fields.type ?? `${host.type}-cert-v01@openssh.com`),
    string(Buffer.alloc(32, 7)),
    fields.keyFields ?? host.fields,
    uint64(fields.serial ?? 42n),
    uint32(fields.role ?? 2),
    string(fields.keyId ?? 'the id'),
    string(Buffer.concat((fields.principals ?? ['example.org']).map(string))),
    uint64(fields.validAfter ?? 1000n),
    uint64(fields.validBefore ?? 2000n),
    string(options(fields.criticalOptions ?? [])),
    string(options(fields.extensions ?? [])),
    string(''),
    string(fields.signatureKey ?? authority.blob),
  ]);
}

export function makeCertificate(host: TestKey, authority: TestKey, fields: TestFields = {}): Buffer {
  const data = unsignedCertificate(host, authority, fields);
  return Buffer.concat([data, string(fields.signature ?? authority.sign(data, fields.algorithm))]);
}
