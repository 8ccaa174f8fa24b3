import type { Hash } from 'node:crypto';
import { ImageError } from '../../base/errors.ts';
import { newHash } from '../../images/algorithms/digests.ts';
import { decodeFooter, FOOTER_BYTES } from '../../images/footer.ts';
import type { PayloadDigest, SignedImage } from '../../images/sign.ts';
import type { DigestName } from '../../images/types.ts';
import { writeOutput } from './output.ts';

/** Where an image goes. */
export interface ImageOutput {
  /** `-`: standard output. */
  readonly path: string;
  /** How messages name the payload. */
  readonly source: string;
}

/**
 * Writes an image in one pass over its payload: the envelope comes last, so it may be made when the payload has been hashed.
 *
 * @param seal makes the envelope
 * @throws {ImageError} ERR_IMAGE_ENVELOPE where the payload is an image itself
 */
export async function writeImage(
  payload: AsyncIterable<Uint8Array>,
  digest: DigestName,
  seal: (payload: PayloadDigest) => SignedImage | Promise<SignedImage>,
  { path, source }: ImageOutput,
): Promise<SignedImage> {
  let image: SignedImage | undefined;
  const content = async function* (): AsyncGenerator<Uint8Array, void, void> {
    const hash: Hash = newHash(digest);
    const tail = new Tail();
    let size = 0;
    for await (const chunk of payload) {
      hash.update(chunk);
      tail.add(chunk);
      size += chunk.length;
      yield chunk;
    }
    tail.refuseImage(source, size);
    image = await seal({ digest, value: hash.digest(), size });
    yield image.envelope;
    yield image.footer;
  };
  if (path === '-') for await (const chunk of content()) await written(chunk);
  else await writeOutput(path, content());
  return image as unknown as SignedImage;
}

async function written(chunk: Uint8Array): Promise<void> {
  // A chunk is used again as soon as this returns.
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/** The last octets of a payload: an image in an image is a mistake. */
class Tail {
  #bytes: Buffer = Buffer.alloc(0);

  add(chunk: Uint8Array): void {
    const end = chunk.subarray(Math.max(0, chunk.length - FOOTER_BYTES));
    this.#bytes = Buffer.concat([this.#bytes, end]).subarray(-FOOTER_BYTES);
  }

  refuseImage(source: string, size: number): void {
    try {
      decodeFooter(this.#bytes, size);
    } catch {
      return;
    }
    throw new ImageError(source, 'ERR_IMAGE_ENVELOPE', 'it is a signed image already', {
      cure: 'sign the payload of it: sealift image verify --extract gives it',
    });
  }
}
