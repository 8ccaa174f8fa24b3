import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, NegotiatedAlgorithms } from 'ssh2';

/*
 * What the server offers, the best first; the client's order decides (RFC 4253 section 7.1). Left out on purpose: group exchange, which ssh2 cannot
 * serve; the groups of 6,144 and 8,192 bits, which anybody could have the server compute for 0.2 s at a time; SHA-1 and MD5; CBC and 3DES; zlib, whose decompression has no bound in ssh2.
 */
const kex: KexAlgorithm[] = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group14-sha256',
];
const cipher: CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
];
const hmac: MacAlgorithm[] = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
];

/** What everybody is offered. */
export const algorithms: Algorithms = { kex, cipher, hmac, compress: ['none'] };

/** The host key algorithm of the legacy profile: RSA with SHA-1 (RFC 4253 section 6.6). */
const LEGACY_HOST_KEY = 'ssh-rsa';

/** What the legacy profile adds: what devices have that know neither SHA-2 nor counter modes. Weak, but not broken in the time of a session. */
const legacyKex: KexAlgorithm[] = ['diffie-hellman-group14-sha1'];
const legacyCipher: CipherAlgorithm[] = ['aes128-cbc', 'aes192-cbc', 'aes256-cbc'];
const legacyHmac: MacAlgorithm[] = ['hmac-sha1'];

const legacyNames: ReadonlySet<string> = new Set([...legacyKex, ...legacyCipher, ...legacyHmac, LEGACY_HOST_KEY]);

/** What sources of the legacy profile are offered, after everything else. */
export const legacyAlgorithms: Algorithms = {
  kex: [...kex, ...legacyKex],
  cipher: [...cipher, ...legacyCipher],
  hmac: [...hmac, ...legacyHmac],
  serverHostKey: ['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256', LEGACY_HOST_KEY],
  compress: ['none'],
};

/** Whether only the legacy profile has this algorithm. */
export function isLegacy(name: string): boolean {
  return legacyNames.has(name);
}

/** What a connection uses that only the legacy profile has. */
export function legacyAmong({ kex, serverHostKey, cs, sc }: NegotiatedAlgorithms): string[] {
  const used = [kex, serverHostKey, cs.cipher, sc.cipher, cs.mac, sc.mac].filter(isLegacy);
  return [...new Set(used)];
}
