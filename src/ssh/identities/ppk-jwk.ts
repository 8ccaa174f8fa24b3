import type { JsonWebKey } from 'node:crypto';

/** Reads `string`s and `mpint`s one after the other; undefined behind the end. */
function fields(blob: Buffer): () => Buffer | undefined {
  let at = 0;
  return () => {
    if (at + 4 > blob.length) return undefined;
    const length = blob.readUInt32BE(at);
    if (at + 4 + length > blob.length) return undefined;
    at += 4 + length;
    return blob.subarray(at - length, at);
  };
}

function unsigned(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  return bytes.subarray(start);
}

function padded(bytes: Buffer, length: number): Buffer {
  const short = unsigned(bytes);
  return Buffer.concat([Buffer.alloc(Math.max(0, length - short.length)), short]);
}

function toBigInt(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`);
}

function fromBigInt(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

const text = (bytes: Buffer): string => bytes.toString('base64url');

/** Public: e, n. Private: d, p, q, q^-1 mod p. */
function rsa(publicField: () => Buffer | undefined, privateField: () => Buffer | undefined): JsonWebKey | undefined {
  const [e, n] = [publicField(), publicField()];
  const [d, p, q, qi] = [privateField(), privateField(), privateField(), privateField()];
  if (!e || !n || !d || !p || !q || !qi) return undefined;
  const exponent = toBigInt(d);
  const [dp, dq] = [p, q].map((prime) => {
    const less = toBigInt(prime) - 1n;
    return less > 0n ? fromBigInt(exponent % less) : Buffer.alloc(1);
  });
  if (!dp || !dq) return undefined;
  const parts = { e, n, d, p, q, qi };
  const encoded = Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, text(unsigned(value))]));
  return { kty: 'RSA', ...encoded, dp: text(dp), dq: text(dq) };
}

const curves: Readonly<Record<string, { readonly crv: string; readonly bytes: number }>> = {
  'ecdsa-sha2-nistp256': { crv: 'P-256', bytes: 32 },
  'ecdsa-sha2-nistp384': { crv: 'P-384', bytes: 48 },
  'ecdsa-sha2-nistp521': { crv: 'P-521', bytes: 66 },
};

/** Makes a JSON Web Key of the two parts of a PuTTY key; undefined for a type or layout that cannot be used. */
export function ppkJwk(publicBlob: Buffer, privateBlob: Buffer): JsonWebKey | undefined {
  const publicField = fields(publicBlob);
  const privateField = fields(privateBlob);
  const type = publicField()?.toString('latin1') ?? '';
  if (type === 'ssh-rsa') return rsa(publicField, privateField);
  if (type === 'ssh-ed25519') {
    const [x, d] = [publicField(), privateField()];
    if (x?.length !== 32 || d?.length !== 32) return undefined;
    return { kty: 'OKP', crv: 'Ed25519', x: text(x), d: text(d) };
  }
  const curve = Object.hasOwn(curves, type) ? curves[type] : undefined;
  if (curve === undefined) return undefined;
  publicField();
  const [point, d] = [publicField(), privateField()];
  if (!point || !d || point.length !== 1 + 2 * curve.bytes || point[0] !== 4) return undefined;
  const [x, y] = [point.subarray(1, 1 + curve.bytes), point.subarray(1 + curve.bytes)];
  return { kty: 'EC', crv: curve.crv, x: text(x), y: text(y), d: text(padded(d, curve.bytes)) };
}
