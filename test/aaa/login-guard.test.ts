import { describe, expect, it } from 'vitest';
import { LoginGuard, type LoginGuardOptions } from '../../src/aaa/login-guard.ts';
import { DEFAULT_PENALTIES, Penalties } from '../../src/aaa/penalties.ts';

const A = '192.0.2.1';
const B = '192.0.2.2';

function guarded(options?: LoginGuardOptions): {
  guard: LoginGuard;
  clock: { now: number };
  fail: (address: string, times: number) => void;
} {
  const clock = { now: 1_000_000 };
  const guard = new LoginGuard(options, () => clock.now);
  const fail = (address: string, times: number): void => {
    for (let i = 0; i < times; i++) guard.failed(address);
  };
  return { guard, clock, fail };
}

describe('penalties', () => {
  it('begin after the free failures, and double up to their limit', () => {
    const { guard, clock, fail } = guarded();
    fail(A, DEFAULT_PENALTIES.free);
    expect(guard.refusal(A)).toBeUndefined();
    for (const seconds of [5, 10, 20, 40, 80, 160, 320, 600, 600]) {
      fail(A, 1);
      expect(guard.refusal(A)).toBe(`too many failed logins from there, ${seconds} s to wait`);
      clock.now += seconds * 1000 - 1;
      expect(guard.refusal(A)).toContain('1 s to wait');
      clock.now += 1;
      expect(guard.refusal(A)).toBeUndefined();
    }
  });

  it('never reach another source', () => {
    const { guard, fail } = guarded();
    fail(A, 100);
    fail('2001:db8:0:1::1', 100);
    expect(guard.refusal(A)).toBeDefined();
    expect(guard.refusal('2001:db8:0:1:ffff::9')).toBeDefined();
    expect(guard.refusal(B)).toBeUndefined();
    expect(guard.refusal('2001:db8:0:2::1')).toBeUndefined();
  });

  it('begin anew with a login, without the free failures', () => {
    const { guard, clock, fail } = guarded();
    fail(A, 12);
    clock.now += 600_000;
    guard.succeeded(A);
    fail(A, 1);
    expect(guard.refusal(A)).toContain('5 s to wait');
    guard.succeeded(B);
    fail(B, 5);
    expect(guard.refusal(B)).toBeUndefined();
  });

  it('are forgotten after a while', () => {
    const { guard, clock, fail } = guarded();
    fail(A, 12);
    clock.now += 3_600_000;
    fail(B, 1);
    fail(A, 5);
    expect(guard.refusal(A)).toBeUndefined();
  });

  it('keep a bounded number of sources in mind', () => {
    const penalties = new Penalties({ maxSources: 1000 }, () => 0);
    for (let i = 0; i < 5000; i++) penalties.failed(`source ${i}`);
    expect(penalties.size).toBe(1000);
  });

  it('can be turned off, or not apply to some', () => {
    const off = guarded({ penalties: false });
    off.fail(A, 100);
    expect(off.guard.refusal(A)).toBeUndefined();
    const some = guarded({ exempt: ['192.0.2.1', '2001:db8::/32'] });
    for (const address of [A, '::ffff:192.0.2.1', '2001:db8::7', B]) some.fail(address, 100);
    for (const address of [A, '::ffff:192.0.2.1', '2001:db8::7']) expect(some.guard.refusal(address)).toBeUndefined();
    expect(some.guard.refusal(B)).toBeDefined();
  });

  it.each([{ free: -1 }, { firstSeconds: 0 }, { maxSeconds: Number.NaN }, { maxSources: 0 }])(
    '%j is refused',
    (penalties) => {
      expect(() => new LoginGuard({ penalties })).toThrow(RangeError);
    },
  );
});

describe('quiet mode', () => {
  const quietMode = { blockForSeconds: 100, attempts: 3, withinSeconds: 60 };

  it('begins after so many failures in so short a time, for everybody but the exempt, and ends', () => {
    const { guard, clock } = guarded({ penalties: false, quietMode, exempt: ['10.0.0.0/8'] });
    expect(guard.failed(A)).toBeUndefined();
    expect(guard.failed(B)).toBeUndefined();
    expect(guard.refusal(A)).toBeUndefined();
    expect(guard.failed(A)).toContain('quiet mode begins');
    expect(guard.refusal('198.51.100.1')).toBe('quiet mode after too many failed logins, 100 s left');
    expect(guard.refusal('10.1.2.3')).toBeUndefined();
    clock.now += 99_999;
    expect(guard.refusal(A)).toContain('1 s left');
    clock.now += 1;
    expect(guard.refusal(A)).toBeUndefined();
    expect(guard.failed(A)).toBeUndefined();
  });

  it('does not begin where the failures are far apart, or come from the exempt', () => {
    const { guard, clock, fail } = guarded({ penalties: false, quietMode, exempt: ['10.0.0.0/8'] });
    for (let i = 0; i < 10; i++) {
      guard.failed(A);
      clock.now += 30_000;
    }
    expect(guard.refusal(A)).toBeUndefined();
    fail('10.0.0.1', 100);
    expect(guard.refusal(A)).toBeUndefined();
  });

  it('is not prolonged by failures while it lasts', () => {
    const { guard, clock, fail } = guarded({ penalties: false, quietMode });
    fail(A, 3);
    clock.now += 99_000;
    fail(A, 10);
    clock.now += 1000;
    expect(guard.refusal(A)).toBeUndefined();
  });

  it.each([{ attempts: 0 }, { blockForSeconds: 1.5 }, { withinSeconds: 65_536 }])('%j is refused', (part) => {
    expect(() => new LoginGuard({ quietMode: { ...quietMode, ...part } })).toThrow(RangeError);
  });

  it('networks that are none are refused', () => {
    expect(() => new LoginGuard({ exempt: ['office'] })).toThrow('"office" is no address or network');
    expect(() => new LoginGuard({ exempt: ['10.0.0.1/8'] })).toThrow('the mask does not fit');
  });
});
