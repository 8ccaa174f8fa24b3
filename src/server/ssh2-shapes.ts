/**
 * What of ssh2's types is part of declarations that users of the library see. ssh2 has none of its own, and they need not install `@types/ssh2` to check theirs.
 */

/** A key as ssh2 parses it. */
export interface ParsedKey {
  type: 'ssh-rsa' | 'ssh-dss' | 'ssh-ed25519' | 'ecdsa-sha2-nistp256' | 'ecdsa-sha2-nistp384' | 'ecdsa-sha2-nistp521';
  comment: string;
  sign(data: Buffer | string, algorithm?: string): Buffer;
  verify(data: Buffer | string, signature: Buffer, algorithm?: string): boolean;
  isPrivateKey(): boolean;
  getPrivatePEM(): string;
  getPublicPEM(): string;
  getPublicSSH(): Buffer;
  equals(key: Buffer | string | ParsedKey): boolean;
}

/** A way to log in (RFC 4252). */
export type AuthenticationType = 'password' | 'publickey' | 'keyboard-interactive';
