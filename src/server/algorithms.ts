import type { Algorithms } from 'ssh2';

/*
 * What the server offers, the best first; the client's order decides (RFC 4253 section 7.1). Left out on purpose: group exchange, which ssh2 cannot
 * serve; the groups of 6,144 and 8,192 bits, which anybody could have the server compute for 0.2 s at a time; SHA-1 and MD5; CBC and 3DES; zlib, whose decompression has no bound in ssh2.
 */
export const algorithms: Algorithms = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group14-sha256',
  ],
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
};
