/**
 * Where a room tells what it does. Level 1 is what `-v` shows, 2 and 3 what `-vv` and `-vvv` add. Texts must be printable and
 * hold no secrets: the caller makes sure of both.
 */
export interface Log {
  readonly level: number;
  debug(level: 1 | 2 | 3, text: string): void;
}

/** A log that keeps nothing. */
export const silentLog: Log = { level: 0, debug() {} };
