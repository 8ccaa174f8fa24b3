import { createHash } from 'node:crypto';

/** The fingerprint of a public key blob as OpenSSH shows it: `SHA256:` and base64 without padding. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The type name at the front of a public key blob (RFC 4253 section 6.6), or undefined where there is none. */
export function blobType(blob: Uint8Array): string | undefined {
  const view = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  if (view.length < 4) return undefined;
  const length = view.readUInt32BE(0);
  if (length === 0 || length > 64 || 4 + length > view.length) return undefined;
  const type = view.toString('latin1', 4, 4 + length);
  return /^[\x21-\x2b\x2d-\x7e]+$/.test(type) ? type : undefined;
}

/** The word people know a key type by: `ED25519`, `RSA`, `ECDSA`; printable for any type. */
export function keyTypeLabel(type: string): string {
  if (type === 'ssh-ed25519') return 'ED25519';
  if (type === 'ssh-rsa') return 'RSA';
  if (type.startsWith('ecdsa-sha2-')) return 'ECDSA';
  if (type === 'ssh-dss') return 'DSA';
  return type;
}
