import { expect, it } from 'vitest';
import type { OpenFile } from '../../src/files/file-system.ts';
import { WriteBehind } from '../../src/files/write-behind.ts';

const BATCH = 512 * 1024;

/** A file in memory whose writes end when `go` is called. */
function slowFile() {
  const content: Buffer[] = [];
  const lengths: number[] = [];
  const waiting: (() => void)[] = [];
  let isQuick = false;
  const write = async (chunks: readonly Uint8Array[], position: number): Promise<void> => {
    const bytes = Buffer.concat(chunks);
    lengths.push(bytes.length);
    if (!isQuick) await new Promise<void>((resolve) => waiting.push(resolve));
    expect(position).toBe(content.reduce((sum, one) => sum + one.length, 0));
    // What it was given may not have changed meanwhile.
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    content.push(bytes);
  };
  const go = (): void => {
    isQuick = true;
    for (const one of waiting.splice(0)) one();
  };
  return { file: { path: 'f', write } as unknown as OpenFile, content: () => Buffer.concat(content), lengths, go };
}

it('a chunk may change as soon as it was taken', async () => {
  const { file, content, go } = slowFile();
  const writer = new WriteBehind(file);
  const expected: Buffer[] = [];
  const chunk = Buffer.alloc(300_001);
  let busy: Promise<void> | undefined;
  for (let round = 0; round < 20; round++) {
    await busy;
    chunk.fill(round + 1);
    expected.push(Buffer.from(chunk));
    busy = writer.write(chunk);
    chunk.fill(0);
    if (busy !== undefined) go();
  }
  go();
  expect(await writer.flush()).toBe(20 * chunk.length);
  expect(content().equals(Buffer.concat(expected))).toBe(true);
});

it('writes full batches, and the rest in the end', async () => {
  const { file, lengths, go } = slowFile();
  go();
  const writer = new WriteBehind(file);
  for (let count = 0; count < 10; count++) await writer.write(Buffer.alloc(150_000));
  await writer.flush();
  expect(lengths).toEqual([BATCH, BATCH, 1_500_000 - 2 * BATCH]);
});

it('holds the producer back at four batches', async () => {
  const { file, go } = slowFile();
  const writer = new WriteBehind(file);
  for (let count = 0; count < 3; count++) expect(writer.write(Buffer.alloc(BATCH))).toBe(undefined);
  let isThrough = false;
  const busy = writer.write(Buffer.alloc(BATCH))?.then(() => {
    isThrough = true;
  });
  expect(busy).toBeDefined();
  await new Promise((resolve) => setImmediate(resolve));
  expect(isThrough).toBe(false);
  go();
  await busy;
  expect(await writer.flush()).toBe(4 * BATCH);
});

it('a small file is one write, in the order of its chunks', async () => {
  const { file, content, lengths, go } = slowFile();
  go();
  const writer = new WriteBehind(file);
  for (const text of ['a', '', 'bc', 'd']) expect(writer.write(Buffer.from(text))).toBe(undefined);
  expect(await writer.flush()).toBe(4);
  expect(content().toString()).toBe('abcd');
  expect(lengths).toEqual([4]);
});

it('throws the first error of a write at the next call, and forgets the rest', async () => {
  let writes = 0;
  const write = async (): Promise<void> => {
    writes++;
    throw Object.assign(new Error('full'), { code: 'ENOSPC' });
  };
  const writer = new WriteBehind({ path: 'f', write } as unknown as OpenFile);
  void writer.write(Buffer.alloc(2 * BATCH));
  await new Promise((resolve) => setImmediate(resolve));
  expect(() => writer.write(Buffer.alloc(1))).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
  await expect(writer.flush()).rejects.toThrow(expect.objectContaining({ code: 'ENOSPC' }));
  await writer.abandon();
  expect(writes).toBe(1);
});
