import { afterEach, describe, expect, it, vi } from 'vitest';
import { QuickCalls } from '../../src/files/quick-calls.ts';

describe('calls on the spot', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** Calls that take so many milliseconds, one after the other. */
  function taking(times: readonly number[]): QuickCalls {
    const quick = new QuickCalls();
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    for (const milliseconds of times) {
      expect(quick.mayBeQuick).toBe(true);
      quick.run(() => {
        now += milliseconds;
      });
    }
    return quick;
  }

  const detour = (quick: QuickCalls): number => {
    let calls = 0;
    while (!quick.mayBeQuick) calls++;
    return calls;
  };

  it('are made while they are quick', () => {
    expect(detour(taking([0, 0.1, 0.9]))).toBe(0);
  });

  it('are left to other threads for a while after a slow one, and longer after each further one', () => {
    const quick = taking([0.1, 2]);
    expect(detour(quick)).toBe(16);
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    for (const expected of [32, 64, 128]) {
      quick.run(() => {
        now += 5;
      });
      expect(detour(quick)).toBe(expected);
    }
  });

  it('never go away for good, and are trusted again when they have been quick', () => {
    const quick = new QuickCalls();
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    for (let turn = 0; turn < 12; turn++) {
      quick.run(() => {
        now += 5;
      });
      expect(detour(quick)).toBeLessThanOrEqual(4096);
    }
    for (let turn = 0; turn < 4096; turn++) quick.run(() => {});
    quick.run(() => {
      now += 5;
    });
    expect(detour(quick)).toBe(16);
  });

  it('are timed also when they throw', () => {
    const quick = new QuickCalls();
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    expect(() =>
      quick.run(() => {
        now += 5;
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(quick.mayBeQuick).toBe(false);
  });
});
