import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { Slots } from '../../src/base/slots.ts';

const never = new AbortController().signal;

it('gives as many places as there are, and the next in the order in which they were asked for', async () => {
  const slots = new Slots(2);
  const given: string[] = [];
  const take = async (name: string): Promise<() => void> => {
    const release = await slots.take(never);
    given.push(name);
    return release;
  };
  const [a, b] = [await take('a'), await take('b')];
  const waiting = [take('c'), take('d')];
  expect(slots.waiting).toBe(2);
  a();
  a();
  await waiting[0];
  expect(given).toEqual(['a', 'b', 'c']);
  expect(slots.waiting).toBe(1);
  b();
  for (const release of await Promise.all(waiting)) release();
  expect(given).toEqual(['a', 'b', 'c', 'd']);
  // All are free again.
  await Promise.all([take('e'), take('f')]);
  expect(slots.waiting).toBe(0);
});

it('whoever does not wait any longer takes no place', async () => {
  const slots = new Slots(1);
  const release = await slots.take(never);
  const stop = new AbortController();
  const left = slots.take(stop.signal);
  const next = slots.take(never);
  stop.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  await expect(slots.take(stop.signal)).rejects.toThrow('left');
  expect(slots.waiting).toBe(1);
  release();
  (await next)();
  await slots.take(never);
});

it('listens to a signal once, however many wait with it, and no longer than they do', async () => {
  const slots = new Slots(1);
  const release = await slots.take();
  const stop = new AbortController();
  const listeners = (): number => getEventListeners(stop.signal, 'abort').length;
  const waiting = Array.from({ length: 20 }, () => slots.take(stop.signal));
  expect(listeners()).toBe(1);
  release();
  for (const one of waiting.slice(0, 18)) (await one)();
  expect(listeners()).toBe(1);
  const [lastButOne, last] = waiting.slice(18);
  (await lastButOne)?.();
  expect(listeners()).toBe(0);
  const left = Array.from({ length: 20 }, () => slots.take(stop.signal));
  expect(listeners()).toBe(1);
  stop.abort(new Error('left'));
  for (const one of left) await expect(one).rejects.toThrow('left');
  expect(slots.waiting).toBe(0);
  (await last)?.();
  await slots.take(never);
});
