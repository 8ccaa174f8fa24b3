import { FileError, ImageError } from '../../base/errors.ts';
import { newHash } from '../algorithms/digests.ts';
import { type ImageFile, readImageParts } from '../image-file.ts';
import type { ImagePolicy, KeyLookup, VerifiedEnvelope, VerifiedImage } from '../types.ts';
import { withPayload } from '../verified.ts';
import { verifyEnvelope } from '../verify-envelope.ts';
import { checkSize } from '../verify-file.ts';
import type { BootPayload, PayloadKeeper } from './payload.ts';

/** Bytes that are read at once. */
const READ_BYTES: number = 1024 * 1024;

/** How an image is verified that is about to start. */
export interface VerifyKeptOptions {
  readonly lookup: KeyLookup;
  readonly policy: ImagePolicy;
  /** Looks at what was signed, before the payload is read. @throws {ImageError} it may not start */
  readonly check: (envelope: VerifiedEnvelope) => void;
  /** Gives the place for a payload of this size. @throws {ImageError | FileError} */
  readonly keeper: (size: number) => PayloadKeeper | Promise<PayloadKeeper>;
  readonly name: string;
  readonly now: Date;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Verifies an image and keeps the very bytes that were hashed. The file is read once: what becomes of it meanwhile or later changes nothing.
 *
 * @throws {ImageError | FileError} nothing is kept then
 */
export async function verifyKept(
  file: ImageFile,
  options: VerifyKeptOptions,
): Promise<{ readonly image: VerifiedImage; readonly payload: BootPayload }> {
  const { lookup, policy, name, now } = options;
  const parts = await readImageParts(file);
  const envelope = verifyEnvelope(parts.envelope, lookup, policy);
  checkSize(envelope.info.size, parts.payloadBytes);
  options.check(envelope);
  const keeper = await options.keeper(envelope.info.size);
  try {
    const digest = await copyHashing(file, keeper, envelope, options.signal);
    const image = withPayload(envelope, digest, { name, now });
    return { image, payload: await keeper.keep() };
  } finally {
    await keeper[Symbol.asyncDispose]();
  }
}

async function copyHashing(
  file: ImageFile,
  keeper: PayloadKeeper,
  { info: { size }, digest }: VerifiedEnvelope,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const hash = newHash(digest);
  const buffer = new Uint8Array(Math.min(READ_BYTES, size));
  for (let done = 0; done < size; ) {
    signal?.throwIfAborted();
    const count = await file.read(buffer.subarray(0, Math.min(buffer.length, size - done)), done);
    if (count === 0) throw new FileError(file.path, 'read', 'ERR_FILE_CHANGED', { reason: 'it became shorter' });
    const chunk = buffer.subarray(0, count);
    hash.update(chunk);
    await keeper.write(chunk);
    done += count;
  }
  return hash.digest();
}

/** Said of an image that needs more room than there is. */
export function tooLarge(size: number, bytes: number): ImageError {
  const reason = `its ${size} bytes are more than the ${bytes} that are kept in memory`;
  return new ImageError('', 'ERR_IMAGE_POLICY', reason, { cure: 'give a folder where larger ones are kept' });
}
