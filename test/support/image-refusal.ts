import { expect } from 'vitest';
import { ImageError, type ImageErrorCode } from '../../src/base/errors.ts';
import type { ImagePolicy, KeyLookup, VerifiedImage } from '../../src/images/types.ts';
import { verifyImageFile } from '../../src/images/verify-file.ts';
import { ImageVerifier } from '../../src/images/verify-stream.ts';
import { testTime } from './image-keys.ts';
import { memoryImage } from './memory-image.ts';

/** What a function throws, which must be an ImageError. */
export async function imageErrorOf(run: () => unknown): Promise<ImageError> {
  let value: unknown;
  try {
    value = await run();
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
  throw new Error(`not refused: ${JSON.stringify(value)?.slice(0, 200)}`);
}

/** Verifies bytes as they come through a pipe. */
export function verifyStream(bytes: Uint8Array, lookup: KeyLookup, policy: ImagePolicy = {}): VerifiedImage {
  const verifier = new ImageVerifier({ lookup, policy, name: 'app.SPA', now: testTime });
  verifier.write(bytes);
  return verifier.end();
}

/** Verifies bytes as a file. */
export async function verifyBytes(
  bytes: Uint8Array,
  lookup: KeyLookup,
  policy: ImagePolicy = {},
): Promise<VerifiedImage> {
  return await verifyImageFile(memoryImage(bytes), { lookup, policy, now: testTime });
}

/** That an image is refused with this code and reason, as a file and as a stream, and that messages name it. */
export async function expectRefused(
  bytes: Uint8Array,
  lookup: KeyLookup,
  code: ImageErrorCode,
  reason: RegExp,
  policy: ImagePolicy = {},
): Promise<void> {
  const asFile = await imageErrorOf(() => verifyBytes(bytes, lookup, policy));
  const asStream = await imageErrorOf(() => verifyStream(bytes, lookup, policy));
  for (const { code: found, reason: text, message, subject } of [asFile, asStream]) {
    expect(`${found}: ${text}`).toMatch(reason);
    expect({ code: found, subject }).toEqual({ code, subject: 'app.SPA' });
    expect(message).toBe(`app.SPA: ${text}`);
  }
}
