import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { areLent, borrowBytes, canLend, lendBytes } from '../../src/base/lent-bytes.ts';

const silent = (): Readable => new Readable({ read() {} });

it('lends to a reader that borrows and takes everything at once, and to nobody else', async () => {
  const stream = silent();
  expect(canLend(stream)).toBe(false);
  borrowBytes(stream, () => true);
  expect(canLend(stream)).toBe(false);
  stream.on('data', () => {});
  await new Promise((resolve) => setImmediate(resolve));
  expect(canLend(stream)).toBe(true);
  stream.pause();
  expect(canLend(stream)).toBe(false);
  stream.push('waits');
  stream.resume();
  expect(canLend(stream)).toBe(false);
  await new Promise((resolve) => setImmediate(resolve));
  borrowBytes(stream, () => false);
  expect(canLend(stream)).toBe(false);
  borrowBytes(stream, () => true);
  stream.destroy();
  expect(canLend(stream)).toBe(false);
});

it('says which bytes are lent, and only while they are', async () => {
  const [stream, inner] = [silent(), silent()];
  const [bytes, others] = [Buffer.from('lent'), Buffer.from('others')];
  const seen: boolean[] = [];
  inner.on('data', () => seen.push(areLent(others), areLent(bytes)));
  stream.on('data', () => {
    seen.push(areLent(bytes), areLent(others));
    lendBytes(inner, others);
    seen.push(areLent(bytes));
  });
  lendBytes(stream, bytes);
  expect(seen).toEqual([true, false, true, false, true]);
  expect(areLent(bytes)).toBe(false);
});
