import { createPublicKey, type KeyObject } from 'node:crypto';

const curves: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  'P-256': { name: 'nistp256', bytes: 32 },
  'P-384': { name: 'nistp384', bytes: 48 },
  'P-521': { name: 'nistp521', bytes: 66 },
};

/** `string`: uint32 length and the bytes (RFC 4251 section 5). */
export function sshString(bytes: Uint8Array | string): Buffer {
  const data = Buffer.from(bytes as Uint8Array);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, data]);
}

/** `mpint` of a number without sign (RFC 4251 section 5). */
function mpint(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start++;
  const short = bytes.subarray(start);
  return sshString((short[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
}

function number(encoded: string | undefined): Buffer {
  return Buffer.from(encoded ?? '', 'base64url');
}

/**
 * The SSH public key blob of a private key: RSA (RFC 4253 section 6.6), ECDSA (RFC 5656 section 3.1) or Ed25519
 * (RFC 8709 section 4). Undefined for any other kind.
 */
export function publicKeyBlob(key: KeyObject): { readonly type: string; readonly blob: Buffer } | undefined {
  const kind = key.asymmetricKeyType;
  if (kind !== 'rsa' && kind !== 'ec' && kind !== 'ed25519') return undefined;
  const jwk = createPublicKey(key).export({ format: 'jwk' });
  if (kind === 'rsa') {
    return { type: 'ssh-rsa', blob: Buffer.concat([sshString('ssh-rsa'), mpint(number(jwk.e)), mpint(number(jwk.n))]) };
  }
  if (kind === 'ed25519') {
    return { type: 'ssh-ed25519', blob: Buffer.concat([sshString('ssh-ed25519'), sshString(number(jwk.x))]) };
  }
  const curve = jwk.crv !== undefined && Object.hasOwn(curves, jwk.crv) ? curves[jwk.crv] : undefined;
  if (curve === undefined) return undefined;
  const coordinate = (text: string | undefined): Buffer => {
    const bytes = number(text);
    return Buffer.concat([Buffer.alloc(Math.max(0, curve.bytes - bytes.length)), bytes]);
  };
  const point = Buffer.concat([Buffer.of(4), coordinate(jwk.x), coordinate(jwk.y)]);
  const type = `ecdsa-sha2-${curve.name}`;
  return { type, blob: Buffer.concat([sshString(type), sshString(curve.name), sshString(point)]) };
}
