import { describe, expect, it } from 'vitest';
import { sourceOf } from '../../src/aaa/address.ts';
import { Admission, type Applicant } from '../../src/server/admission.ts';
import { resolveLimits } from '../../src/server/limits.ts';

describe('one source is', () => {
  it.each<[string, string]>([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('for %s: %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});

describe('who has not logged in', () => {
  interface Fake extends Applicant {
    evicted?: string;
  }

  function fake(source: string, sinceMs: number, isSilent: boolean): Fake {
    const one: Fake = {
      source,
      sinceMs,
      isSilent,
      expel: (reason) => {
        one.evicted = reason;
      },
    };
    return one;
  }

  const limits = resolveLimits({ unauthenticated: 4, unauthenticatedPerSource: 2 });

  it('makes room when it is silent, the oldest first', () => {
    const admission = new Admission(
      () => limits,
      () => 100,
    );
    const [busy, old, young] = [fake('a', 0, false), fake('a', 1, true), fake('a', 2, true)];
    expect([busy, old, young].map((one) => admission.admit(one))).toEqual([undefined, undefined, undefined]);
    expect([busy.evicted, old.evicted !== undefined, young.evicted]).toEqual([undefined, true, undefined]);
    expect(admission.waiting).toBe(2);
  });

  it('keeps its place while it is logging in, for a fair time', () => {
    let now = 100;
    const admission = new Admission(
      () => limits,
      () => now,
    );
    const [one, two] = [fake('a', 0, false), fake('a', 50, false)];
    admission.admit(one);
    admission.admit(two);
    expect(admission.admit(fake('a', 100, true))).toMatch(/logging in already/);
    now = 10_001;
    expect(admission.admit(fake('a', now, true))).toBeUndefined();
    expect([one.evicted !== undefined, two.evicted]).toEqual([true, undefined]);
  });

  it('never makes another source wait, but all together have a limit', () => {
    const admission = new Admission(
      () => limits,
      () => 100,
    );
    for (const source of ['a', 'a', 'b', 'b']) expect(admission.admit(fake(source, 0, false))).toBeUndefined();
    expect(admission.admit(fake('c', 0, true))).toMatch(/4 connections are logging in/);
  });

  it('gives its place back', () => {
    const admission = new Admission(
      () => limits,
      () => 100,
    );
    const one = fake('a', 0, false);
    admission.admit(one);
    admission.admit(fake('a', 0, false));
    admission.release(one);
    expect(admission.admit(fake('a', 0, false))).toBeUndefined();
  });
});

it('limits must be above 0', () => {
  expect(() => resolveLimits({ channels: 0 })).toThrow(RangeError);
  expect(() => resolveLimits({ rekeyMs: Number.NaN })).toThrow(RangeError);
  expect(resolveLimits({ channels: 3 })).toMatchObject({ channels: 3, passwordTries: 3, loginTimeoutMs: 120_000 });
});
