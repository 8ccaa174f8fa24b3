import { beforeAll, expect, it } from 'vitest';
import { inspectImageFile } from '../../src/images/inspect.ts';
import type { ImageSigner } from '../../src/images/sign.ts';
import type { KeyLookup } from '../../src/images/types.ts';
import { verifyImageFile } from '../../src/images/verify-file.ts';
import { lookupOf, makeSigner, signed, testTime, trusted } from '../support/image-keys.ts';
import { memoryImage } from '../support/memory-image.ts';

const payload = Buffer.alloc(3 * 1024 * 1024 + 5, 'payload ');
let lookup: KeyLookup;
let file: Buffer;
beforeAll(async () => {
  const signer: ImageSigner = await makeSigner('ecdsa-p256');
  lookup = lookupOf([trusted(signer)]);
  ({ file } = await signed(payload, [signer]));
});

it('tells how far it is, up to the size', async () => {
  const seen: [number, number][] = [];
  await verifyImageFile(memoryImage(file), { lookup, progress: (done, total) => seen.push([done, total]) });
  expect(seen.map(([done]) => done)).toEqual([1_048_576, 2_097_152, 3_145_728, payload.length]);
  expect(new Set(seen.map(([, total]) => total))).toEqual(new Set([payload.length]));
});

it('rethrows the reason of an abort, before and while it reads', async () => {
  const reason = new Error('enough');
  const before = verifyImageFile(memoryImage(file), { lookup, signal: AbortSignal.abort(reason) });
  await expect(before).rejects.toBe(reason);
  const controller = new AbortController();
  let calls = 0;
  const progress = (): void => {
    calls++;
    controller.abort(reason);
  };
  await expect(verifyImageFile(memoryImage(file), { lookup, progress, signal: controller.signal })).rejects.toBe(
    reason,
  );
  expect(calls).toBe(1);
});

it('takes reads that give less than was asked for', async () => {
  const image = memoryImage(file);
  const slow = {
    ...image,
    read: (buffer: Uint8Array, position: number) =>
      image.read(buffer.subarray(0, Math.min(buffer.length, 70_001)), position),
  };
  await expect(verifyImageFile(slow, { lookup, now: testTime })).resolves.toMatchObject({
    info: { size: payload.length },
  });
});

it('hands on what reading throws, and leaves no read behind', async () => {
  const failure = new Error('EIO');
  let underWay = 0;
  const image = memoryImage(file);
  const broken = {
    ...image,
    async read(buffer: Uint8Array, position: number): Promise<number> {
      underWay++;
      await new Promise(setImmediate);
      underWay--;
      if (position >= 1_048_576 && position < payload.length - 100_000) throw failure;
      return await image.read(buffer, position);
    },
  };
  await expect(verifyImageFile(broken, { lookup })).rejects.toBe(failure);
  expect(underWay).toBe(0);
  const reason = new Error('enough');
  const progress = (): never => {
    throw reason;
  };
  await expect(verifyImageFile(broken, { lookup, progress })).rejects.toBe(reason);
  expect(underWay).toBe(0);
});

it('never asks for more of the payload than was signed', async () => {
  const image = memoryImage(file);
  let last = 0;
  const watched = {
    ...image,
    read(buffer: Uint8Array, position: number): Promise<number> {
      if (position + buffer.length !== file.length) last = Math.max(last, position + buffer.length);
      return image.read(buffer, position);
    },
  };
  await verifyImageFile(watched, { lookup });
  expect(last).toBe(payload.length);
});

it('inspects an image by its end alone', async () => {
  const image = memoryImage(file);
  const positions: number[] = [];
  const watched = {
    ...image,
    read(buffer: Uint8Array, position: number): Promise<number> {
      positions.push(position);
      return image.read(buffer, position);
    },
  };
  expect((await inspectImageFile(watched)).size).toBe(payload.length);
  expect(positions).toEqual([file.length - 65_600]);
  await expect(inspectImageFile(memoryImage(payload), 'flash0:x')).rejects.toMatchObject({
    message: 'flash0:x: no signature envelope',
  });
});
