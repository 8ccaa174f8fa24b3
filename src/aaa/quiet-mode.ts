/** `login block-for SECONDS attempts N within SECONDS` of Cisco IOS. */
export interface QuietModeOptions {
  /** How long nobody may log in, in seconds: 1 to 65,535. */
  readonly blockForSeconds: number;
  /** This many failures within `withinSeconds` begin it: 1 to 65,535. */
  readonly attempts: number;
  /** 1 to 65,535. */
  readonly withinSeconds: number;
}

/** The largest number that IOS takes for any of the three. */
const LARGEST = 65_535;

/** Counts failed logins from anywhere. When there are too many in a while, it is quiet for a while. */
export class QuietMode {
  readonly #options: QuietModeOptions;
  readonly #now: () => number;
  /** When the last failures were, the oldest first; never more than `attempts`. */
  #failures: number[] = [];
  #untilMs = Number.NEGATIVE_INFINITY;

  /** @throws {RangeError} for a number outside 1 to 65,535 */
  constructor(options: QuietModeOptions, now: () => number) {
    for (const name of ['blockForSeconds', 'attempts', 'withinSeconds'] as const) {
      const value = options[name];
      if (!Number.isInteger(value) || value < 1 || value > LARGEST)
        throw new RangeError(`quiet mode: ${name} has to be an integer from 1 to ${LARGEST}`);
    }
    this.#options = options;
    this.#now = now;
  }

  /** How long it is quiet yet, in milliseconds. */
  get remainingMs(): number {
    return Math.max(0, this.#untilMs - this.#now());
  }

  /** @returns true where quiet mode begins with this failure */
  failed(): boolean {
    const { attempts, withinSeconds, blockForSeconds } = this.#options;
    const now = this.#now();
    if (this.remainingMs > 0) return false;
    this.#failures = [...this.#failures.filter((at) => now - at < withinSeconds * 1000), now].slice(-attempts);
    if (this.#failures.length < attempts) return false;
    this.#failures = [];
    this.#untilMs = now + blockForSeconds * 1000;
    return true;
  }
}
