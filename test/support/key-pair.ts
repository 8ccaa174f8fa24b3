import ssh2 from 'ssh2';

/** An ed25519 key pair in OpenSSH's format. ssh2 1.17 writes about one in 128 wrongly (without the zero byte in front of a half). */
export function makeKeyPair(): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    const parsed = ssh2.utils.parseKey(pair.private);
    if (parsed instanceof Error) continue;
    const probe = Buffer.from('probe');
    const signature = parsed.sign(probe);
    if (Buffer.isBuffer(signature) && parsed.verify(probe, signature) === true) return pair;
  }
}
