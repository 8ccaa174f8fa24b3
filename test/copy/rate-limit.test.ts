import { expect, it } from 'vitest';
import { RateLimit } from '../../src/copy/rate-limit.ts';

it('asks for the wait that keeps the rate, and saves short ones up', () => {
  let nowMs = 0;
  const limit = new RateLimit(1000, () => nowMs);
  expect(limit.delayMs(5)).toBe(0);
  expect(limit.delayMs(95)).toBe(100);
  nowMs = 100;
  expect(limit.delayMs(100)).toBe(100);
});

it('does not make up for time in which nothing moved', () => {
  let nowMs = 0;
  const limit = new RateLimit(1000, () => nowMs);
  limit.delayMs(100);
  nowMs = 60_000;
  expect(limit.delayMs(100)).toBe(0);
  expect(limit.delayMs(100)).toBe(100);
});

it.each([0, -1, Number.NaN])('refuses a rate of %d', (rate) => {
  expect(() => new RateLimit(rate)).toThrow(RangeError);
});
