import type { ContentCheck } from '../files/content-check.ts';
import type { ImagePolicy, KeyLookup } from '../images/types.ts';

/** Which images land, and nothing else does. */
export interface SignatureOptions {
  /** The keys that vouch for images: the folder of a key storage, which is read again when a file in it has changed; or whoever knows them. */
  readonly keys: string | KeyLookup;
  /** Where a key storage keeps its counters, if not in its folder. */
  readonly nvram?: string | undefined;
  /** What an image must be besides. Default: any image that one of the keys vouches for. */
  readonly policy?: ImagePolicy | undefined;
}

/** How a server learns which images it takes. */
export interface SignedImagesOptions extends SignatureOptions {
  /** Told once when the storage cannot be used, and again for another reason: nothing is taken then. */
  readonly onTrouble?: ((error: unknown) => void) | undefined;
  /** Told once when it can be used again. */
  readonly onRecovery?: (() => void) | undefined;
}

/**
 * What a root of a server accepts that takes signed images only: `roots: [{ name: 'images', path, accept: signedImages({ keys: '/etc/depot/store' }) }]`.
 */
export function signedImages(options: SignedImagesOptions): ContentCheck {
  let check: ContentCheck | undefined;
  // Most servers take anything: what verifies is loaded when it is first asked.
  return {
    ready: async () => {
      check ??= await load(options);
      await check.ready();
    },
    begin: (name) => {
      if (check === undefined) throw new TypeError('begin() before ready()');
      return check.begin(name);
    },
  };
}

async function load({ keys, nvram, policy, ...told }: SignedImagesOptions): Promise<ContentCheck> {
  if (typeof keys !== 'string') {
    const { imageCheck } = await import('../images/image-check.ts');
    return imageCheck({ keys: async () => keys, policy });
  }
  const { signedContent } = await import('../images/signed-content.ts');
  return signedContent({ store: keys, nvram, policy, ...told });
}
