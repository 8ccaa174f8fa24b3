import { describe, expect, it, vi } from 'vitest';
import { ABORT_GRACE_MS, LateAbort } from '../../src/base/late-abort.ts';

describe('an abort that can be put off', () => {
  it('comes at once where nobody asks for more, with its reason', () => {
    const early = new AbortController();
    const late = new LateAbort(early.signal);
    late.hold()();
    expect(late.signal.aborted).toBe(false);
    early.abort('why');
    expect(late.signal.reason).toBe('why');
    expect(new LateAbort(early.signal).signal.reason).toBe('why');
  });

  it('waits for all who have something to tidy up', () => {
    const early = new AbortController();
    const late = new LateAbort(early.signal);
    const [one, other] = [late.hold(), late.hold()];
    early.abort('why');
    one();
    one();
    expect(late.signal.aborted).toBe(false);
    other();
    expect(late.signal.reason).toBe('why');
  });

  it('does not wait for ever', () => {
    vi.useFakeTimers();
    try {
      const early = new AbortController();
      const late = new LateAbort(early.signal);
      late.hold();
      early.abort('why');
      vi.advanceTimersByTime(ABORT_GRACE_MS - 1);
      expect(late.signal.aborted).toBe(false);
      vi.advanceTimersByTime(1);
      expect(late.signal.reason).toBe('why');
    } finally {
      vi.useRealTimers();
    }
  });
});
