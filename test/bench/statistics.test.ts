import { describe, expect, it } from 'vitest';
import { judge, median, quantile, spread, turned } from '../../bench/statistics.mjs';

describe('statistics', () => {
  it('takes the middle one, or the mean of two', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([10, 9])).toBe(9.5);
    expect(median([])).toBeNaN();
  });

  it('leaves the list as it is and sorts by value, not by text', () => {
    const list = [10, 9, 100];
    expect(median(list)).toBe(10);
    expect(list).toEqual([10, 9, 100]);
  });

  it('interpolates quantiles', () => {
    expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
    expect(quantile([0, 10], 0.9)).toBeCloseTo(9);
    expect(quantile([7], 0.9)).toBe(7);
  });

  it('tells the spread of the middle half as a share of the median', () => {
    expect(spread([1, 2, 3, 4, 5])).toBeCloseTo(2 / 3);
    expect(spread([2, 2, 2])).toBe(0);
  });

  it('gives everybody each place once', () => {
    const orders = [0, 1, 2, 3].map((round) => turned(['a', 'b', 'c'], round).join(''));
    expect(orders).toEqual(['abc', 'bca', 'cab', 'abc']);
    expect(turned([], 3)).toEqual([]);
  });

  it('judges targets in both directions, on the bound too', () => {
    expect(judge('x', 1.5, { atLeast: 1.5 }).met).toBe(true);
    expect(judge('x', 1.49, { atLeast: 1.5 }).met).toBe(false);
    expect(judge('x', 120, { atMost: 120 }, 'MiB')).toEqual({
      what: 'x',
      value: 120,
      atMost: 120,
      unit: 'MiB',
      met: true,
    });
    expect(judge('x', 121, { atMost: 120 }).met).toBe(false);
  });

  it('does not call met what was not measured', () => {
    for (const value of [Number.NaN, undefined, Number.POSITIVE_INFINITY])
      expect(judge('x', value, { atLeast: 1 })).toMatchObject({ value: null, met: null });
  });
});
