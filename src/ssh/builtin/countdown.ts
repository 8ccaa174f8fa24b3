/** A time limit that stands still while a person is asked. */
export interface Countdown {
  /** Rejects when the time is over. Handled: nobody has to listen. */
  readonly expired: Promise<never>;
  /** Stops the clock; nests. */
  pause(): void;
  resume(): void;
  /** Ends the countdown for good. */
  stop(): void;
}

/** Starts a countdown of `timeoutMs` milliseconds; 0 never ends. */
export function startCountdown(timeoutMs: number, expired: () => Error): Countdown {
  let fail: (error: Error) => void = () => {};
  const promise = new Promise<never>((_, reject) => {
    fail = reject;
  });
  promise.catch(() => {});
  let leftMs = timeoutMs;
  let startedAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let paused = 0;
  let stopped = timeoutMs <= 0 || !Number.isFinite(timeoutMs);

  const start = (): void => {
    if (stopped) return;
    startedAt = performance.now();
    timer = setTimeout(() => {
      stopped = true;
      fail(expired());
    }, leftMs);
  };
  start();
  return {
    expired: promise,
    pause() {
      if (paused++ > 0 || stopped) return;
      clearTimeout(timer);
      leftMs = Math.max(1, leftMs - (performance.now() - startedAt));
    },
    resume() {
      if (paused > 0 && --paused === 0) start();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
