import { printable } from '../../base/printable.ts';
import { fingerprint, keyTypeLabel } from '../known-hosts/fingerprint.ts';
import { type Certificate, isSignedByItsAuthority } from './parse.ts';

/** How authorities may sign: CASignatureAlgorithms of ssh_config by default, without security keys. No SHA-1, no DSA. */
export const authoritySignatures: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** What a certificate of a host is measured by. */
export interface CertificateUse {
  /** The name the host was asked for under, without port, in lower case; or its HostKeyAlias. */
  readonly name: string;
  /** Seconds since 1970. */
  readonly now: bigint;
  /** The public key blobs of the authorities that are trusted for the host. */
  readonly authorities: readonly Buffer[];
  /** How these may sign; names that are not in {@link authoritySignatures} do not count. */
  readonly signatures: readonly string[];
}

/** How many names of a certificate an error shows. */
const SHOWN_NAMES = 4;

function shown(names: readonly string[]): string {
  const rest = names.length > SHOWN_NAMES ? ', …' : '';
  return (
    names
      .slice(0, SHOWN_NAMES)
      .map((name) => printable(name.slice(0, 100)))
      .join(', ') + rest
  );
}

function date(seconds: bigint): string {
  const time = new Date(Number(seconds) * 1000);
  return Number.isNaN(time.getTime()) ? `second ${seconds}` : time.toISOString().replace('.000', '');
}

function originFault(certificate: Certificate, use: CertificateUse): string | undefined {
  const { authority, signature } = certificate;
  if (!use.authorities.some((key) => key.equals(authority.blob))) {
    return `is by an unknown authority, ${keyTypeLabel(printable(authority.type))} ${fingerprint(authority.blob)}`;
  }
  if (!authoritySignatures.includes(signature.algorithm) || !use.signatures.includes(signature.algorithm)) {
    return `is signed with ${printable(signature.algorithm)}, which is not accepted`;
  }
  return isSignedByItsAuthority(certificate) ? undefined : 'has a wrong signature';
}

/**
 * Why a certificate proves nothing about this host at this time; undefined where it does. This is the whole decision, but
 * for revocation.
 *
 * A certificate without principals is refused, where OpenSSH 9.2 takes it for every host. Principals are compared as
 * they stand: `*` in one is no wildcard.
 */
export function certificateFault(certificate: Certificate, use: CertificateUse): string | undefined {
  const origin = originFault(certificate, use);
  if (origin !== undefined) return origin;
  const { role, principals, validAfter, validBefore, criticalOptions } = certificate;
  if (role !== 'host') return 'is one for users, not for hosts';
  if (use.now < validAfter) return `is not valid before ${date(validAfter)}`;
  if (use.now >= validBefore) return `expired at ${date(validBefore)}`;
  if (criticalOptions.length > 0)
    return `has critical options, which no host certificate may: ${shown(criticalOptions)}`;
  if (principals.length === 0) return 'names no host';
  if (principals.some((principal) => principal === use.name)) return undefined;
  return `is for ${shown(principals)}, not for ${printable(use.name)}`;
}
