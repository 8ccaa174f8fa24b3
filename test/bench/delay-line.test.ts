import { describe, expect, it } from 'vitest';
import { DelayLine, END, Link, RESET } from '../../bench/proxy/delay-line.mjs';
import { cutter, seededRandom } from '../../bench/proxy/random.mjs';

/** A clock that stands until it is moved. */
class HandClock {
  #nowMs = 0;
  readonly #calls = new Map<() => void, number>();

  now(): number {
    return this.#nowMs;
  }

  at(ms: number, call: () => void): () => void {
    this.#calls.set(call, ms);
    return () => this.#calls.delete(call);
  }

  get pending(): number {
    return this.#calls.size;
  }

  moveTo(ms: number): void {
    for (;;) {
      const next = [...this.#calls].sort(([, one], [, other]) => one - other)[0];
      if (next === undefined || next[1] > ms) break;
      this.#calls.delete(next[0]);
      this.#nowMs = Math.max(this.#nowMs, next[1]);
      next[0]();
    }
    this.#nowMs = ms;
  }
}

type Item = Buffer | symbol;

function setUp(link: Link, options: { opensAtMs?: number; takes?: () => boolean; onRoom?: () => void } = {}) {
  const clock = new HandClock();
  const came: [number, string][] = [];
  const { takes = () => true, ...rest } = options;
  const deliver = (item: Item): boolean => {
    came.push([clock.now(), typeof item === 'symbol' ? String(item.description) : item.toString()]);
    return takes();
  };
  return { clock, came, line: new DelayLine({ link, clock, deliver, ...rest }) };
}

describe('a delay line', () => {
  it('hands on each chunk one delay after it came', () => {
    const { clock, came, line } = setUp(new Link({ delayMs: 25 }));
    line.push(Buffer.from('a'));
    clock.moveTo(10);
    line.push(Buffer.from('b'));
    clock.moveTo(24.9);
    expect(came).toEqual([]);
    clock.moveTo(100);
    expect(came).toEqual([
      [25, 'a'],
      [35, 'b'],
    ]);
  });

  it('hands on at once what has no delay, without a timer', () => {
    const { clock, came, line } = setUp(new Link());
    line.push(Buffer.from('a'));
    expect(came).toEqual([[0, 'a']]);
    expect(clock.pending).toBe(0);
  });

  it('lets a chunk arrive when its last byte has left at the rate, and the delay has passed', () => {
    const { clock, came, line } = setUp(new Link({ delayMs: 50, bytesPerSecond: 1000 }));
    line.push(Buffer.from('0123456789'));
    line.push(Buffer.from('abcde'));
    clock.moveTo(1000);
    expect(came).toEqual([
      [60, '0123456789'],
      [65, 'abcde'],
    ]);
  });

  it('shares the rate of a link between its connections', () => {
    const link = new Link({ bytesPerSecond: 1000 });
    const clock = new HandClock();
    const came: [number, string][] = [];
    const lines = ['one', 'two'].map(
      (name) =>
        new DelayLine({
          link,
          clock,
          deliver: () => {
            came.push([clock.now(), name]);
            return true;
          },
        }),
    );
    for (const line of [...lines, ...lines]) line.push(Buffer.alloc(100));
    clock.moveTo(1000);
    expect(came).toEqual([
      [100, 'one'],
      [200, 'two'],
      [300, 'one'],
      [400, 'two'],
    ]);
  });

  it('saves up no rate while nothing is sent', () => {
    const { clock, came, line } = setUp(new Link({ bytesPerSecond: 1000 }));
    clock.moveTo(5000);
    line.push(Buffer.alloc(10, 'x'));
    clock.moveTo(6000);
    expect(came).toEqual([[5010, 'xxxxxxxxxx']]);
  });

  it('sends nothing before the connection is made', () => {
    const { clock, came, line } = setUp(new Link({ delayMs: 25 }), { opensAtMs: 50 });
    line.push(Buffer.from('a'));
    clock.moveTo(1000);
    expect(came).toEqual([[75, 'a']]);
  });

  it('hands on the end and a reset behind what came before', () => {
    for (const last of [END, RESET]) {
      const { clock, came, line } = setUp(new Link({ delayMs: 5 }));
      line.push(Buffer.from('a'));
      line.push(last);
      clock.moveTo(1000);
      expect(came).toEqual([
        [5, 'a'],
        [5, last.description],
      ]);
    }
  });

  it('stops where the receiver is full, and goes on in order when it takes more', () => {
    let free = false;
    const { clock, came, line } = setUp(new Link({ delayMs: 5 }), { takes: () => free });
    for (const text of ['a', 'b', 'c']) line.push(Buffer.from(text));
    clock.moveTo(10);
    expect(came).toEqual([[5, 'a']]);
    clock.moveTo(20);
    free = true;
    line.resume();
    expect(came).toEqual([
      [5, 'a'],
      [20, 'b'],
      [20, 'c'],
    ]);
    expect(line.heldBytes).toBe(0);
  });

  it('tells the sender to wait at its bound, and to go on below', () => {
    let rooms = 0;
    const link = new Link({ delayMs: 10, bytesPerSecond: 100_000_000 });
    const { clock, line } = setUp(link, { onRoom: () => rooms++ });
    const chunk = Buffer.alloc(64 * 1024);
    let pushed = 1;
    while (line.push(chunk)) pushed++;
    expect(line.heldBytes).toBeGreaterThanOrEqual(link.roomBytes);
    expect(line.heldBytes).toBeLessThan(link.roomBytes + chunk.length);
    expect(pushed * chunk.length).toBe(line.heldBytes);
    expect(rooms).toBe(0);
    clock.moveTo(1000);
    expect(rooms).toBe(1);
  });

  it('holds a bounded number of bytes on a link without a rate', () => {
    expect(new Link({ delayMs: 100 }).roomBytes).toBe(64 * 1024 * 1024);
    expect(new Link().roomBytes).toBe(64 * 1024 * 1024);
  });

  it('forgets everything when it is stopped', () => {
    const { clock, came, line } = setUp(new Link({ delayMs: 5 }));
    line.push(Buffer.from('a'));
    line.stop();
    clock.moveTo(1000);
    expect(came).toEqual([]);
    expect(line.heldBytes).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

describe('cuts', () => {
  const draw = (chance: number, count = 10_000): number[] => {
    const next = cutter({ chance, within: 1000, seed: 7 });
    return Array.from({ length: count }, () => next());
  };

  it('are as many as the chance says, within the bytes', () => {
    const cut = draw(0.01).filter(Number.isFinite);
    expect(cut.length).toBeGreaterThan(60);
    expect(cut.length).toBeLessThan(140);
    expect(Math.min(...cut)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...cut)).toBeLessThan(1000);
    expect(new Set(cut).size).toBeGreaterThan(cut.length / 2);
  });

  it('are none without a chance, and all with certainty', () => {
    expect(draw(0).filter(Number.isFinite)).toEqual([]);
    expect(draw(1, 100).every(Number.isFinite)).toBe(true);
  });

  it('are the same with the same seed', () => {
    expect(draw(0.5, 50)).toEqual(draw(0.5, 50));
    const [one, other] = [seededRandom(1), seededRandom(2)];
    expect(one()).not.toBe(other());
  });
});
