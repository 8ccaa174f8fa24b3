import type { Hash } from 'node:crypto';
import { ImageError } from '../base/errors.ts';
import { DEFAULT_DIGEST, newHash } from './algorithms/digests.ts';
import { MAX_TAIL_BYTES } from './footer.ts';
import { cutTail } from './image-file.ts';
import type { DigestName, ImagePolicy, KeyLookup, VerifiedImage } from './types.ts';
import { named, withPayload } from './verified.ts';
import { verifyEnvelope } from './verify-envelope.ts';
import { checkSize } from './verify-file.ts';

export interface ImageVerifierOptions {
  /** The keys; or what gives them, which is asked when all has come. */
  readonly lookup: KeyLookup | (() => KeyLookup);
  readonly policy?: ImagePolicy | undefined;
  /** How messages name the image, and what its extension is taken from. */
  readonly name?: string | undefined;
  /** The digest that the payload is expected to have: it is computed before the envelope comes. Default: sha512. */
  readonly digest?: DigestName | undefined;
  /** What the dates of certificates are held against, for warnings. Default: now. */
  readonly now?: Date | undefined;
}

/**
 * Verifies an image in one pass, while it comes through a pipe or is being written. The envelope and the footer are at
 * the end: until {@link end} returns nothing of the image may be used. Holds the last 64 KiB and 64 octets.
 *
 * @example
 * const verifier = new ImageVerifier({ lookup, name: 'app.SPA' });
 * for await (const chunk of stream) verifier.write(chunk);
 * const image = verifier.end();
 */
export class ImageVerifier {
  readonly #options: ImageVerifierOptions;
  readonly #digest: DigestName;
  readonly #hash: Hash;
  readonly #maxBytes: number;
  /** The last octets that came: they may be envelope and footer. */
  readonly #tail = new Uint8Array(MAX_TAIL_BYTES);
  #tailBytes = 0;
  #totalBytes = 0;
  #ended = false;

  constructor(options: ImageVerifierOptions) {
    this.#options = options;
    this.#digest = options.digest ?? DEFAULT_DIGEST;
    this.#hash = newHash(this.#digest);
    this.#maxBytes = (options.policy?.maxSize ?? Number.MAX_SAFE_INTEGER - MAX_TAIL_BYTES) + MAX_TAIL_BYTES;
  }

  /** Octets that came so far. */
  get bytes(): number {
    return this.#totalBytes;
  }

  /**
   * Takes the next octets, in order. The chunk may be used again as soon as this returns.
   *
   * @throws {ImageError} ERR_IMAGE_POLICY as soon as more came than the policy takes
   */
  write(chunk: Uint8Array): void {
    if (this.#ended) throw new TypeError('write after the end');
    this.#totalBytes += chunk.length;
    if (this.#totalBytes > this.#maxBytes) {
      throw this.#named(new ImageError('', 'ERR_IMAGE_POLICY', 'it has more bytes than are taken here'));
    }
    const surplus = this.#tailBytes + chunk.length - MAX_TAIL_BYTES;
    if (surplus > 0) this.#passOn(chunk, surplus);
    const kept = surplus > this.#tailBytes ? chunk.subarray(surplus - this.#tailBytes) : chunk;
    const left = this.#tailBytes - Math.min(this.#tailBytes, Math.max(0, surplus));
    if (left < this.#tailBytes) this.#tail.copyWithin(0, this.#tailBytes - left, this.#tailBytes);
    this.#tail.set(kept, left);
    this.#tailBytes = left + kept.length;
  }

  /** Hashes the first `surplus` octets of what is kept and what came: they cannot be envelope or footer. */
  #passOn(chunk: Uint8Array, surplus: number): void {
    this.#hash.update(this.#tail.subarray(0, Math.min(surplus, this.#tailBytes)));
    if (surplus > this.#tailBytes) this.#hash.update(chunk.subarray(0, surplus - this.#tailBytes));
  }

  /**
   * Says that all has come.
   *
   * @throws {ImageError} with the code of what is wrong; {@link ImageDigestError} where it is the payload
   */
  end(): VerifiedImage {
    if (this.#ended) throw new TypeError('end after the end');
    this.#ended = true;
    const { lookup, policy = {}, name = '', now = new Date() } = this.#options;
    try {
      const tail = this.#tail.subarray(0, this.#tailBytes);
      const parts = cutTail(tail, this.#totalBytes);
      const envelope = verifyEnvelope(parts.envelope, typeof lookup === 'function' ? lookup() : lookup, policy);
      checkSize(envelope.info.size, parts.payloadBytes);
      this.#checkDigest(envelope.digest);
      this.#hash.update(tail.subarray(0, parts.payloadBytes - (this.#totalBytes - this.#tailBytes)));
      return withPayload(envelope, this.#hash.digest(), { name, now });
    } catch (error) {
      throw this.#named(error);
    }
  }

  #checkDigest(signed: DigestName): void {
    if (signed === this.#digest) return;
    throw new ImageError('', 'ERR_IMAGE_ALGORITHM', `its digest is ${signed}, ${this.#digest} was computed`, {
      cure: `expect ${signed}, or verify it as a file`,
    });
  }

  #named(error: unknown): unknown {
    return named(error, this.#options.name ?? '');
  }
}
