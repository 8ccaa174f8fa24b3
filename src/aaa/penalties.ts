/** Waiting times for sources that fail to log in. */
export interface PenaltyOptions {
  /** How many failures are free. Default 5. */
  readonly free: number;
  /** The first waiting time, in seconds; each further failure doubles it. Default 5. */
  readonly firstSeconds: number;
  /** The longest waiting time, in seconds. Default 600. */
  readonly maxSeconds: number;
  /** After this time without a failure a source is forgotten, in seconds. Default 3,600. */
  readonly forgetSeconds: number;
  /** How many sources are kept in mind; then the one whose last failure is longest ago makes room. Default 65,536. */
  readonly maxSources: number;
}

/** What is not said otherwise. */
export const DEFAULT_PENALTIES: PenaltyOptions = {
  free: 5,
  firstSeconds: 5,
  maxSeconds: 600,
  forgetSeconds: 3600,
  maxSources: 65_536,
};

interface Entry {
  failures: number;
  lastMs: number;
  untilMs: number;
}

/** Failed logins by source, and how long each source has to wait. One source never makes another wait. */
export class Penalties {
  readonly #options: PenaltyOptions;
  readonly #now: () => number;
  /** In the order of the last failure. */
  readonly #entries = new Map<string, Entry>();

  /** @throws {RangeError} for a number that is not 0 or more, or a table or waiting time of nothing */
  constructor(options: Partial<PenaltyOptions>, now: () => number) {
    this.#options = { ...DEFAULT_PENALTIES, ...options };
    for (const [name, value] of Object.entries(this.#options)) {
      const least = name === 'free' ? 0 : 1;
      if (!Number.isFinite(value) || value < least)
        throw new RangeError(`penalties: ${name} has to be ${least} or more`);
    }
    this.#now = now;
  }

  /** How many sources are kept in mind. */
  get size(): number {
    return this.#entries.size;
  }

  /** How long a source has to wait yet, in milliseconds. */
  remainingMs(source: string): number {
    return Math.max(0, (this.#entries.get(source)?.untilMs ?? 0) - this.#now());
  }

  failed(source: string): void {
    const { free, firstSeconds, maxSeconds, maxSources } = this.#options;
    const now = this.#now();
    this.#forget(now);
    const failures = (this.#entries.get(source)?.failures ?? 0) + 1;
    const doublings = Math.min(failures - free - 1, 32);
    const waitSeconds = failures <= free ? 0 : Math.min(maxSeconds, firstSeconds * 2 ** doublings);
    this.#entries.delete(source);
    if (this.#entries.size >= maxSources) this.#dropOldest();
    this.#entries.set(source, { failures, lastMs: now, untilMs: now + waitSeconds * 1000 });
  }

  /** The waiting time begins anew at its shortest. The free failures are not given back: else whoever has one account could go on guessing at another one. */
  succeeded(source: string): void {
    const entry = this.#entries.get(source);
    if (entry === undefined) return;
    entry.failures = Math.min(entry.failures, this.#options.free);
  }

  #forget(now: number): void {
    for (const [source, { lastMs }] of this.#entries) {
      if (now - lastMs < this.#options.forgetSeconds * 1000) return;
      this.#entries.delete(source);
    }
  }

  #dropOldest(): void {
    for (const source of this.#entries.keys()) {
      this.#entries.delete(source);
      return;
    }
  }
}
