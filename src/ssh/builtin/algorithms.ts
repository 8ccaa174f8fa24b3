import { ConnectionError } from '../../base/errors.ts';
import { matchPatternList } from '../../base/patterns.ts';
import { printable } from '../../base/printable.ts';
import { authoritySignatures } from '../certificates/judge.ts';
import { certificateAlgorithms, hostKeyType, isCertificateName, plainName } from '../certificates/names.ts';
import type { HostConfig } from '../config/host-config.ts';

/** One list of algorithms: what is offered by itself, and what is only offered when the configuration names it. */
interface Choice {
  /** The keyword of ssh_config. */
  readonly keyword: string;
  readonly standard: readonly string[];
  readonly onRequest: readonly string[];
}

/** No SHA-1 and nothing of 1024 bits by default; group exchange last choice only, since its groups are the server's. */
const kex: Choice = {
  keyword: 'KexAlgorithms',
  standard: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
    'diffie-hellman-group14-sha256',
  ],
  onRequest: [
    'diffie-hellman-group15-sha512',
    'diffie-hellman-group17-sha512',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group14-sha1',
    'diffie-hellman-group-exchange-sha1',
    'diffie-hellman-group1-sha1',
  ],
};

/** AES-GCM first: it is the fastest that node:crypto does, and not among what Terrapin concerns. */
const ciphers: Choice = {
  keyword: 'Ciphers',
  standard: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  onRequest: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'],
};

const macs: Choice = {
  keyword: 'MACs',
  standard: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  onRequest: ['hmac-sha1-etm@openssh.com', 'hmac-sha1'],
};

const hostKeys: Choice = {
  keyword: 'HostKeyAlgorithms',
  standard: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  onRequest: ['ssh-rsa', 'ssh-dss'],
};

/** The host keys of a host with a certificate authority in known_hosts. To others, certificates prove nothing. */
const certifiedHostKeys: Choice = { ...hostKeys, standard: [...certificateAlgorithms, ...hostKeys.standard] };

const authorities: Choice = { keyword: 'CASignatureAlgorithms', standard: authoritySignatures, onRequest: [] };

function applyList(choice: Choice, spec: string | undefined): string[] {
  if (spec === undefined) return [...choice.standard];
  const operator = /^[+\-^]/.exec(spec)?.[0] ?? '';
  const names = spec
    .slice(operator.length)
    .split(',')
    .map((name) => name.trim());
  const known = [...choice.standard, ...choice.onRequest];
  // Only a removal takes wildcards in OpenSSH too.
  const listed = names.filter((name, index) => known.includes(name) && names.indexOf(name) === index);
  const others = choice.standard.filter((name) => !listed.includes(name));
  if (operator === '+') return [...choice.standard, ...listed.filter((name) => !choice.standard.includes(name))];
  if (operator === '^') return [...listed, ...others];
  if (operator === '-') return choice.standard.filter((name) => !matchPatternList(name, names));
  return listed;
}

/**
 * Applies a list of ssh_config to what is spoken here: `+` adds at the end, `-` removes, `^` puts in front, anything else
 * replaces. Names that are not spoken here are left out.
 *
 * @throws {ConnectionError} `ERR_NO_COMMON_ALGORITHM` naming the option when nothing is left
 */
export function chooseAlgorithms(choice: Choice, spec: string | undefined, host: string): string[] {
  const result = applyList(choice, spec);
  if (result.length > 0) return result;
  const known = [...choice.standard, ...choice.onRequest];
  const reason = `${choice.keyword} ${printable(spec ?? '')} leaves no algorithm that the built-in transport speaks`;
  throw new ConnectionError(printable(host), 'handshake', reason, {
    code: 'ERR_NO_COMMON_ALGORITHM',
    cure: `name one of ${known
      .filter((name) => !isCertificateName(name))
      .slice(0, 6)
      .join(', ')}, or use --transport ssh`,
  });
}

/** How authorities may sign host certificates. Nothing may be left: no certificate is accepted then. */
export function authoritySignaturesFor(config: HostConfig): string[] {
  return applyList(authorities, config.caSignatureAlgorithms);
}

/**
 * Puts certificates in front, as OpenSSH does for a host with an authority, and the algorithms for known key types in front
 * of the others of their kind, so that a server shows what can be checked.
 */
export function preferKnownTypes(algorithms: readonly string[], known: readonly string[]): string[] {
  const rank = (algorithm: string): number =>
    (isCertificateName(algorithm) ? 0 : 2) + (known.includes(hostKeyType(plainName(algorithm))) ? 0 : 1);
  return [...algorithms].sort((one, other) => rank(one) - rank(other));
}

/** The lists offered in a key exchange. */
export interface Offer {
  readonly kex: string[];
  /** Those of certificates first, where there are any. */
  readonly serverHostKey: string[];
  readonly cipher: string[];
  readonly hmac: string[];
  readonly compress: string[];
}

/**
 * What is offered to a host.
 *
 * @param knownTypes the types of the keys that are known for it
 * @param certified whether an authority is known for it
 * @throws {ConnectionError} `ERR_NO_COMMON_ALGORITHM`
 */
export function offerFor(config: HostConfig, knownTypes: readonly string[], certified = false): Offer {
  const choice = certified ? certifiedHostKeys : hostKeys;
  return {
    kex: chooseAlgorithms(kex, config.kexAlgorithms, config.alias),
    serverHostKey: preferKnownTypes(chooseAlgorithms(choice, config.hostKeyAlgorithms, config.alias), knownTypes),
    cipher: chooseAlgorithms(ciphers, config.ciphers, config.alias),
    hmac: chooseAlgorithms(macs, config.macs, config.alias),
    compress: config.compression ? ['zlib@openssh.com', 'none'] : ['none'],
  };
}
