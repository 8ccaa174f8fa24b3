import { expect, it } from 'vitest';
import { giveReadMemoryBack, takeReadMemory } from '../../src/sftp/read-memory.ts';

it('gives what came back out again, once', () => {
  const first = takeReadMemory(100_000);
  expect(first.length).toBe(100_000);
  giveReadMemoryBack(first);
  giveReadMemoryBack(first);
  const [second, third] = [takeReadMemory(120_000), takeReadMemory(120_000)];
  expect(second.buffer).toBe(first.buffer);
  expect(third.buffer).not.toBe(first.buffer);
});

it('a part of it stands for the whole', () => {
  const first = takeReadMemory(100_000);
  giveReadMemoryBack(first.subarray(50, 60));
  expect(takeReadMemory(40_000).buffer).toBe(first.buffer);
});

it('leaves other memory alone, and short answers their own', () => {
  const others = Buffer.allocUnsafeSlow(256 * 1024);
  giveReadMemoryBack(others);
  expect(takeReadMemory(100_000).buffer).not.toBe(others.buffer);
  const short = takeReadMemory(10);
  giveReadMemoryBack(short);
  expect(short.length).toBe(10);
});
