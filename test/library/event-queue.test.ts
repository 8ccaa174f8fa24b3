import { describe, expect, it } from 'vitest';
import type { CopiedFile, CopyEvent } from '../../src/library/copy-types.ts';
import { EventQueue, MAX_WAITING_EVENTS } from '../../src/library/event-queue.ts';

const file = (name: string): CopiedFile => ({ name, size: 1, source: undefined, target: undefined });
const start = (name: string): CopyEvent => ({ type: 'file-start', file: file(name) });

async function all(queue: EventQueue): Promise<CopyEvent[]> {
  const events: CopyEvent[] = [];
  for await (const event of queue) events.push(event);
  return events;
}

describe('the events of a copy', () => {
  it('come in order, to one who waits and to one who is late', async () => {
    const queue = new EventQueue(() => {});
    const early = queue.next();
    queue.push(start('a'));
    queue.push(start('b'));
    queue.end({});
    expect((await early).value).toMatchObject({ file: { name: 'a' } });
    expect(await all(queue)).toMatchObject([{ file: { name: 'b' } }]);
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  it('are one for all the pieces that nobody has taken', async () => {
    const queue = new EventQueue(() => {});
    const [a, b] = [file('a'), file('b')];
    for (let i = 1; i <= 10_000; i++) {
      queue.pushBytes(a, i, 2 * i);
      queue.pushBytes(b, i, 2 * i);
      queue.pushFound(i, i, false);
    }
    queue.pushFound(10_000, 10_000, true);
    queue.end({});
    expect(await all(queue)).toEqual([
      { type: 'bytes', file: a, fileBytes: 10_000, bytes: 20_000 },
      { type: 'bytes', file: b, fileBytes: 10_000, bytes: 20_000 },
      { type: 'found', files: 10_000, bytes: 10_000, all: true },
    ]);
  });

  it('never change once they are taken', async () => {
    const queue = new EventQueue(() => {});
    const a = file('a');
    queue.pushBytes(a, 1, 1);
    const first = await queue.next();
    const waiting = queue.next();
    queue.pushBytes(a, 2, 2);
    queue.pushBytes(a, 3, 3);
    expect(first.value).toMatchObject({ bytes: 1 });
    expect((await waiting).value).toMatchObject({ bytes: 2 });
    expect((await queue.next()).value).toMatchObject({ bytes: 3 });
  });

  it('hold the copy back while they are not taken, and no longer than that', async () => {
    const queue = new EventQueue(() => {});
    for (let i = 0; i < MAX_WAITING_EVENTS; i++) {
      expect(queue.ready()).toBeUndefined();
      queue.push(start(`${i}`));
    }
    let released = false;
    const held = queue.ready()?.then(() => {
      released = true;
    });
    for (let i = 0; i < 10; i++) await queue.next();
    expect(released).toBe(false);
    for (let i = 0; i < MAX_WAITING_EVENTS / 2; i++) await queue.next();
    await held;
    expect(queue.ready()).toBeUndefined();
  });

  it('let the copy go on when the loop is left or the copy is over', async () => {
    for (const leave of [(queue: EventQueue) => void queue.return(), (queue: EventQueue) => queue.end({})]) {
      let left = 0;
      const queue = new EventQueue(() => left++);
      for (let i = 0; i < MAX_WAITING_EVENTS; i++) queue.push(start(`${i}`));
      const held = queue.ready();
      leave(queue);
      await held;
      queue.push(start('late'));
      expect(left).toBeLessThan(2);
    }
  });

  it('end with the error of the copy, once', async () => {
    for (const waits of [true, false]) {
      const queue = new EventQueue(() => {});
      const error = new Error('lost');
      const waiting = waits ? queue.next() : undefined;
      queue.end({ error });
      await expect(waiting ?? queue.next()).rejects.toBe(error);
      expect(await queue.next()).toEqual({ done: true, value: undefined });
    }
  });
});
