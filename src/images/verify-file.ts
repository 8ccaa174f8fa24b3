import { FileError, ImageError } from '../base/errors.ts';
import { newHash } from './algorithms/digests.ts';
import { type ImageFile, readImageParts } from './image-file.ts';
import type { DigestName, ImagePolicy, KeyLookup, VerifiedImage } from './types.ts';
import { named, withPayload } from './verified.ts';
import { verifyEnvelope } from './verify-envelope.ts';

/** Octets that are read at once. Two buffers of that size take turns. */
const READ_BYTES: number = 1024 * 1024;

export interface VerifyFileOptions {
  readonly lookup: KeyLookup;
  readonly policy?: ImagePolicy | undefined;
  /** How messages name the image, and what its extension is taken from. Default: the path of the file. */
  readonly name?: string | undefined;
  /** What the dates of certificates are held against, for warnings. Default: now. */
  readonly now?: Date | undefined;
  /** Octets of the payload that are hashed. */
  readonly progress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Hashes the first `size` octets of a file: while one buffer is hashed the next is being read. */
async function hashPayload(
  file: ImageFile,
  size: number,
  digest: DigestName,
  { progress, signal }: VerifyFileOptions,
): Promise<Uint8Array> {
  const hash = newHash(digest);
  let spare: Uint8Array = new Uint8Array(Math.min(READ_BYTES, size));
  let filling: Uint8Array = new Uint8Array(spare.length);
  let done = 0;
  let reading = file.read(filling, 0);
  try {
    while (done < size) {
      signal?.throwIfAborted();
      const count = await reading;
      if (count === 0) throw new FileError(file.path, 'read', 'ERR_FILE_CHANGED', { reason: 'it became shorter' });
      const chunk = filling.subarray(0, count);
      done += count;
      [filling, spare] = [spare, filling];
      if (done < size) reading = file.read(filling.subarray(0, Math.min(filling.length, size - done)), done);
      hash.update(chunk);
      progress?.(done, size);
    }
    return hash.digest();
  } finally {
    // Nothing may write to a buffer, or reject unseen, when the caller goes on.
    await reading.catch(() => undefined);
  }
}

/**
 * Verifies an image that is a file: the signature first, then as many octets of the payload as were signed.
 * Holds two buffers of 1 MiB, whatever the size.
 *
 * @throws {ImageError} with the code of what is wrong; {@link ImageDigestError} where it is the payload
 * @throws {FileError} ERR_NOT_REGULAR_FILE, ERR_FILE_CHANGED, and what reading throws
 */
export async function verifyImageFile(file: ImageFile, options: VerifyFileOptions): Promise<VerifiedImage> {
  const { lookup, policy = {}, name = file.path, now = new Date() } = options;
  try {
    options.signal?.throwIfAborted();
    const parts = await readImageParts(file);
    const envelope = verifyEnvelope(parts.envelope, lookup, policy);
    checkSize(envelope.info.size, parts.payloadBytes);
    const computed = parts.payloadBytes === 0 ? newHash(envelope.digest).digest() : undefined;
    return withPayload(envelope, computed ?? (await hashPayload(file, envelope.info.size, envelope.digest, options)), {
      name,
      now,
    });
  } catch (error) {
    throw named(error, name);
  }
}

/** The size that was signed must be the one in the footer. @throws {ImageError} ERR_IMAGE_DIGEST */
export function checkSize(signedBytes: number, payloadBytes: number): void {
  if (signedBytes === payloadBytes) return;
  throw new ImageError('', 'ERR_IMAGE_DIGEST', `the payload has ${payloadBytes} bytes, ${signedBytes} were signed`);
}
