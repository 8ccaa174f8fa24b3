import type { BundledKey, ImageType, KeyType } from './types.ts';

/** All types of images. */
export const imageTypes: readonly ImageType[] = [
  'production',
  'special',
  'revocation',
  'rommon.production',
  'rommon.special',
];

/** All types of keys. */
export const keyTypes: readonly KeyType[] = ['production', 'special', 'rollover'];

/** The type of the keys that sign images of a type. No other may. */
export function keyTypeFor(type: ImageType): KeyType {
  switch (type) {
    case 'production':
    case 'rommon.production':
      return 'production';
    case 'special':
    case 'rommon.special':
      return 'special';
    case 'revocation':
      return 'rollover';
    default:
      return type satisfies never;
  }
}

/** The type of the new keys that images of a type may bring: a revocation image production keys, a production image special ones, others none. */
export function bundledKeyTypeFor(type: ImageType): BundledKey['type'] | undefined {
  return type === 'revocation' ? 'production' : type === 'production' ? 'special' : undefined;
}

const extensionLetters: Readonly<Record<KeyType, string>> = { production: 'P', special: 'S', rollover: 'R' };

/** The extension that the name of an image has: `SPA` for production, version A; `SSA`; `SRA`. */
export function imageExtension(type: ImageType, keyVersion: string): string {
  return `S${extensionLetters[keyTypeFor(type)]}${keyVersion}`;
}

/** A word on a name that says something else than the envelope. The name decides nothing. */
export function nameWarning(name: string, type: ImageType, keyVersions: readonly string[]): string | undefined {
  const extension = /\.(S[PSR][A-Z])$/.exec(name)?.[1];
  if (extension === undefined) return undefined;
  const expected = keyVersions.map((version) => imageExtension(type, version));
  if (expected.includes(extension)) return undefined;
  return `the name ends in .${extension}, the image is signed as .${expected[0] ?? ''}`;
}
