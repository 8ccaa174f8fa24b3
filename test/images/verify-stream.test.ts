import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ImageSigner } from '../../src/images/sign.ts';
import type { DigestName, KeyLookup } from '../../src/images/types.ts';
import { ImageVerifier } from '../../src/images/verify-stream.ts';
import { lookupOf, makeSigner, signed, testTime, trusted } from '../support/image-keys.ts';
import { imageErrorOf } from '../support/image-refusal.ts';

let signer: ImageSigner;
let lookup: KeyLookup;
beforeAll(async () => {
  signer = await makeSigner('ecdsa-p256');
  lookup = lookupOf([trusted(signer)]);
});

/** Feeds bytes cut at these places. */
function verifyCut(
  bytes: Uint8Array,
  places: readonly number[],
  digest?: DigestName,
): ReturnType<ImageVerifier['end']> {
  const verifier = new ImageVerifier({ lookup, name: 'app.SPA', digest, now: testTime });
  const ends = [...new Set(places.filter((place) => place < bytes.length))].sort((a, b) => a - b);
  let at = 0;
  for (const end of [...ends, bytes.length]) {
    // The verifier keeps nothing of a chunk: it is overwritten as soon as it was taken.
    const chunk = Uint8Array.from(bytes.subarray(at, end));
    verifier.write(chunk);
    chunk.fill(0xaa);
    at = end;
  }
  expect(verifier.bytes).toBe(bytes.length);
  return verifier.end();
}

const held = 65_536 + 64;

describe('an image that comes in pieces', () => {
  it.each([0, 1, held - 1, held, held + 1, 3 * held])(
    'is verified with a payload of %i bytes, however it is cut',
    async (size) => {
      const payload = Buffer.alloc(size, 'payload ');
      const { file } = await signed(payload, [signer]);
      fc.assert(
        fc.property(fc.array(fc.nat({ max: file.length }), { maxLength: 6 }), (places) => {
          expect(verifyCut(file, places).info.size).toBe(size);
        }),
        { numRuns: 40 },
      );
      const every = (step: number): number[] =>
        Array.from({ length: Math.ceil(file.length / step) }, (_, i) => i * step);
      for (const step of [4096, held, 65_536, 65_537]) expect(verifyCut(file, every(step)).info.size).toBe(size);
      if (size <= 1) expect(verifyCut(file, every(1)).info.size).toBe(size);
    },
  );

  it('takes empty pieces', async () => {
    const { file } = await signed(Buffer.from('x'), [signer]);
    expect(verifyCut(file, [0, 0, 5, 5]).info.size).toBe(1);
  });

  it('is refused with the cure when its digest is not the one that was computed', async () => {
    const { file } = await signed(Buffer.from('x'), [signer], { digest: 'sha256' });
    const error = await imageErrorOf(() => verifyCut(file, []));
    expect(error).toMatchObject({
      code: 'ERR_IMAGE_ALGORITHM',
      message: 'app.SPA: its digest is sha256, sha512 was computed',
      cure: 'expect sha256, or verify it as a file',
    });
    expect(verifyCut(file, [], 'sha256').signers[0]?.digest).toBe('sha256');
  });

  it('is not used any more after its end', async () => {
    const verifier = new ImageVerifier({ lookup });
    expect(await imageErrorOf(() => verifier.end())).toMatchObject({
      code: 'ERR_IMAGE_UNSIGNED',
      message: 'no signature envelope',
    });
    expect(() => verifier.write(Buffer.of(1))).toThrow(TypeError);
    expect(() => verifier.end()).toThrow(TypeError);
  });
});
