const SUFFIX = '-cert-v01@openssh.com';

/** Algorithms that show a host certificate, best first. Neither host nor authority signs with SHA-1 under any of them. */
export const certificateAlgorithms: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
].map((name) => name + SUFFIX);

/** Whether the name of a key type or of an algorithm is that of a certificate. */
export function isCertificateName(name: string): boolean {
  return name.endsWith(SUFFIX);
}

/** The name without the certificate: the type of the key inside, or the algorithm this key signs with. */
export function plainName(name: string): string {
  return isCertificateName(name) ? name.slice(0, -SUFFIX.length) : name;
}

/** The type of key a host key algorithm shows: the three RSA algorithms show the same key, certified or not. */
export function hostKeyType(algorithm: string): string {
  const plain = plainName(algorithm);
  const type = plain.startsWith('rsa-sha2-') ? 'ssh-rsa' : plain;
  return isCertificateName(algorithm) ? type + SUFFIX : type;
}
