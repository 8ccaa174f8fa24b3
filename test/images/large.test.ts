import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LocalFile } from '../../src/files/local-file.ts';
import { digestPayload, type ImageSigner, signImage } from '../../src/images/sign.ts';
import { verifyImageFile } from '../../src/images/verify-file.ts';
import { ImageVerifier } from '../../src/images/verify-stream.ts';
import { describedAs, lookupOf, makeSigner, testTime, trusted } from '../support/image-keys.ts';
import { runsEverything } from '../support/large.ts';
import { createTempDirectory, type OwnedDirectory } from '../support/temp.ts';

const GIBIBYTE = 2 ** 30;

/** Behind 2 GiB and behind 4 GiB, where a number of 32 bits, signed or not, has no room any more. */
const sizes = runsEverything ? [2 * GIBIBYTE + 4096, 4 * GIBIBYTE + 4096] : [];

let directory: OwnedDirectory;
let signer: ImageSigner;
beforeAll(async () => {
  directory = await createTempDirectory('large-image');
  signer = await makeSigner('ecdsa-p256');
});
afterAll(() => directory.remove());

/** Writes a sparse image of this size. */
async function writeImage(path: string, size: number): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await handle.truncate(size);
    const payload = await digestPayload(createReadStream(path, { highWaterMark: 2 ** 20 }));
    expect(payload.size).toBe(size);
    const { envelope, footer } = signImage({ payload, description: describedAs(), signingTime: testTime }, [signer]);
    await handle.write(Buffer.concat([envelope, footer]), 0, undefined, size);
  } finally {
    await handle.close();
  }
}

async function flip(path: string, position: number): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    byte[0] = (byte[0] as number) ^ 1;
    await handle.write(byte, 0, 1, position);
  } finally {
    await handle.close();
  }
}

async function verifyAsFile(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const lookup = lookupOf([trusted(signer)]);
    await verifyImageFile(new LocalFile(handle.fd, path), { lookup, now: testTime });
    return 'verified';
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await handle.close();
  }
}

async function verifyAsStream(path: string): Promise<string> {
  const verifier = new ImageVerifier({ lookup: lookupOf([trusted(signer)]), name: path });
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18 })) verifier.write(chunk as Buffer);
  try {
    verifier.end();
    return 'verified';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe.skipIf(!runsEverything)('I4: a large payload', () => {
  it.each(sizes)(
    'I4: of %i bytes is verified, and refused with a bit flipped at its end, its beginning and behind each boundary',
    {
      timeout: 600_000,
    },
    async (size) => {
      const path = join(directory.path, `${size}.SPA`);
      await writeImage(path, size);
      expect(await verifyAsFile(path)).toBe('verified');
      expect(await verifyAsStream(path)).toBe('verified');
      const places = [0, 2 * GIBIBYTE - 1, 2 * GIBIBYTE, 4 * GIBIBYTE, size - 1].filter((place) => place < size);
      for (const place of places) {
        await flip(path, place);
        expect({ place, file: await verifyAsFile(path) }).toEqual({ place, file: 'ERR_IMAGE_DIGEST' });
        if (place === size - 1) expect(await verifyAsStream(path)).toBe('ERR_IMAGE_DIGEST');
        await flip(path, place);
      }
    },
  );
});
