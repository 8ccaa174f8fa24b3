import { ImageError } from '../base/errors.ts';
import type { ContentCheck, ContentPass, VerifiedContent } from '../files/content-check.ts';
import type { DigestName, ImagePolicy, ImageType, KeyLookup, VerifiedImage } from './types.ts';
import { ImageVerifier } from './verify-stream.ts';

/** Keys, and the security counters that whoever keeps them has seen. */
export interface CountedKeys extends KeyLookup {
  /** The highest one of a type of image and a key version: images with a lower one are refused. */
  counter?(type: ImageType, keyVersion: string): number;
}

export interface ImageCheckOptions {
  /**
   * The keys as they are now: asked before an image comes, and again when all of it has come, so that a key that was revoked meanwhile does not count.
   *
   * @throws {SealiftError} there are none that could be used
   */
  readonly keys: () => Promise<CountedKeys>;
  readonly policy?: ImagePolicy | undefined;
}

/** The check of contents that finds signed images good, and nothing else: in one pass, while they come in. */
export function imageCheck(options: ImageCheckOptions): ContentCheck {
  return {
    ready: async () => {
      await options.keys();
    },
    begin: (name) => new ImagePass(name, options, DIGESTS),
  };
}

/** The digest is computed before the envelope comes that names it: by the usual one first. */
const DIGESTS: readonly DigestName[] = ['sha512', 'sha256', 'sha384'];

class ImagePass implements ContentPass {
  readonly #name: string;
  readonly #options: ImageCheckOptions;
  readonly #others: readonly DigestName[];
  readonly #verifier: ImageVerifier;
  /** Those that the verifier asks: known at the end only. */
  #keys: CountedKeys = { keys: () => [], floor: () => undefined };
  #isOtherDigest = false;

  constructor(name: string, options: ImageCheckOptions, [digest, ...others]: readonly DigestName[]) {
    this.#name = name;
    this.#options = options;
    this.#others = others;
    const wanted = options.policy?.minCounter ?? (() => 0);
    const minCounter: ImagePolicy['minCounter'] = (type, version) =>
      Math.max(wanted(type, version), this.#keys.counter?.(type, version) ?? 0);
    this.#verifier = new ImageVerifier({
      lookup: () => this.#keys,
      policy: { ...options.policy, minCounter },
      name,
      digest,
    });
  }

  write(chunk: Uint8Array): void {
    this.#verifier.write(chunk);
  }

  async end(): Promise<VerifiedContent> {
    this.#keys = await this.#options.keys();
    try {
      return contentOf(this.#verifier.end());
    } catch (error) {
      this.#isOtherDigest = error instanceof ImageError && error.code === 'ERR_IMAGE_ALGORITHM';
      throw error;
    }
  }

  again(): ContentPass | undefined {
    if (!this.#isOtherDigest || this.#others.length === 0) return undefined;
    return new ImagePass(this.#name, this.#options, this.#others);
  }
}

function contentOf({ info, signers, warnings }: VerifiedImage): VerifiedContent {
  const { type, product, version } = info;
  return {
    type,
    product,
    version,
    signers: signers.map(({ key }) => ({ type: key.type, version: key.version })),
    warnings,
  };
}
