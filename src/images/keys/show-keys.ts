import { ImageError } from '../../base/errors.ts';
import { readPublicKey } from '../algorithms/public-key.ts';
import type { KeyType } from '../types.ts';
import { copyNames } from './records.ts';
import type { KeyStorage } from './storage.ts';

/** Octets in a line. */
const OCTETS_PER_LINE = 16;

/** A public key as `show software authenticity keys` shows it. */
export interface ShownKey {
  readonly type: KeyType;
  readonly storage: 'Primary' | 'Backup' | 'Root';
  readonly version: string;
  /** `RSA`, `ECDSA P-256`, `Ed25519`, `ML-DSA-65`; `unknown` where it is not known here. */
  readonly algorithm: string;
  /** What the octets are: RSA has a modulus, the others a key that is a string of octets. */
  readonly title: 'Modulus' | 'Public Key';
  readonly octets: Uint8Array;
  /** RSA only. */
  readonly exponent: number | undefined;
}

const typeWords: Readonly<Record<KeyType, string>> = {
  production: 'Release',
  special: 'Development',
  rollover: 'Rollover',
};

const copyTitles = { primary: 'Primary', backup: 'Backup' } as const;

/** The valid keys of a storage: those in Primary, those in Backup, and the rollover keys of the root. A key that is in both stands there twice. */
export function shownKeys(storage: KeyStorage): readonly ShownKey[] {
  const valid = storage.state.records.filter(({ state }) => state === 'valid');
  const inCopies = copyNames.flatMap((copy) =>
    valid
      .filter((record) => storage.isFound(copy, record))
      .map(({ type, version, spki }) => shownKey(type, version, spki, copyTitles[copy])),
  );
  const rollover = storage.rolloverKeys.map(({ type, version, spki }) => shownKey(type, version, spki, 'Root'));
  return [...inCopies, ...rollover];
}

function shownKey(type: KeyType, version: string, spki: Uint8Array, storage: ShownKey['storage']): ShownKey {
  const base = { type, version, storage };
  try {
    const { title, material } = readPublicKey(spki);
    if (material.kind === 'octets')
      return { ...base, algorithm: title, title: 'Public Key', octets: material.octets, exponent: undefined };
    const { modulus: octets, exponent } = material;
    return { ...base, algorithm: 'RSA', title: 'Modulus', octets, exponent };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { ...base, algorithm: 'unknown', title: 'Public Key', octets: spki, exponent: undefined };
  }
}

/** The lines of `show software authenticity keys`. */
export function shownKeyLines(keys: readonly ShownKey[]): readonly string[] {
  return keys.flatMap((key, index) => {
    const heading = `Public Key #${index + 1} Information`;
    return [
      heading,
      '-'.repeat(heading.length),
      `Key Type             : ${typeWords[key.type]}  (${key.storage})`,
      `Public Key Algorithm : ${key.algorithm}`,
      `${key.title} :`,
      ...octetLines(key.octets),
      ...(key.exponent === undefined ? [] : [`Exponent : ${key.exponent}`]),
      `Key Version          : ${key.version}`,
    ];
  });
}

/** 16 octets a line, a colon behind each but the last of the key. */
function octetLines(octets: Uint8Array): string[] {
  const hex = Array.from(octets, (octet) => octet.toString(16).toUpperCase().padStart(2, '0'));
  const lines: string[] = [];
  for (let at = 0; at < hex.length; at += OCTETS_PER_LINE) {
    const isLast = at + OCTETS_PER_LINE >= hex.length;
    lines.push(`        ${hex.slice(at, at + OCTETS_PER_LINE).join(':')}${isLast ? '' : ':'}`);
  }
  return lines;
}

/** The same for programs. */
export function shownKeysJson(keys: readonly ShownKey[]): string {
  return JSON.stringify(
    keys.map(({ octets, title, ...key }) => ({
      ...key,
      [title === 'Modulus' ? 'modulus' : 'publicKey']: Buffer.from(octets).toString('hex'),
    })),
  );
}
