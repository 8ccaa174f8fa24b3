import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { type Snapshot, series } from './exposition.ts';

const RESOLUTION_MS = 20;

/** How late timers fire in this process: what keeps one transfer from disturbing another. */
export class LoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  /** The delays since the last look. */
  snapshot(): Snapshot {
    // What is measured is the time from one timer to the next.
    const seconds = (nanoseconds: number): number =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS) / 1000 : 0;
    const histogram = this.#histogram;
    const figures = {
      [series('sealift_event_loop_delay_seconds', { quantile: '0.5' })]: seconds(histogram.percentile(50)),
      [series('sealift_event_loop_delay_seconds', { quantile: '0.99' })]: seconds(histogram.percentile(99)),
      [series('sealift_event_loop_delay_seconds', { quantile: '1' })]: seconds(histogram.max),
    };
    histogram.reset();
    return figures;
  }

  stop(): void {
    this.#histogram.disable();
  }
}
