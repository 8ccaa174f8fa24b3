import { printable } from '../../base/printable.ts';
import { Pace } from './pace.ts';
import { fitWidth } from './width.ts';

/** Columns that everything but the name takes. */
const FIXED_COLUMNS = 35;

/** The number of bytes in at most four digits and a unit: `3315KB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 10_000 && unit < 4; unit++) value = Math.floor((value + 512) / 1024);
  return `${String(value).padStart(4)}${' KMGT'[unit]}${unit > 0 ? 'B' : ' '}`;
}

/** Bytes per second with one decimal, in KB at least: `534.2KB`. */
export function formatRate(bytesPerSecond: number): string {
  let hundredths = Math.floor(bytesPerSecond) * 100;
  let unit = 0;
  for (; hundredths >= 100_000 && unit < 4; unit++) hundredths = Math.floor((hundredths + 512) / 1024);
  if (unit === 0) {
    unit = 1;
    hundredths = Math.floor((hundredths + 512) / 1024);
  }
  const whole = Math.floor((hundredths + 5) / 100);
  const tenth = Math.floor((hundredths + 5) / 10) % 10;
  return `${String(whole).padStart(3)}.${tenth}${' KMGT'[unit]}B`;
}

/** `  MM:SS` or `H:MM:SS`. */
export function formatDuration(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(total / 3600);
  const rest = `${two(Math.floor((total % 3600) / 60))}:${two(total % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : `  ${rest}`;
}

/** The eleven columns of the time that is left. */
export function formatTimeLeft(leftBytes: number, pace: Pace): string {
  if (pace.isStalled) return '- stalled -';
  if (pace.bytesPerSecond < 1) return '  --:-- ETA';
  return `${formatDuration(leftBytes / pace.bytesPerSecond)} ETA`;
}

/** One line of progress in the form of OpenSSH's scp: name, percent, amount, rate, time left. Pure: the clock is handed in. */
export class Meter {
  readonly #name: string;
  readonly #size: number;
  readonly #pace: Pace;
  #moved = 0;

  /** @param name from anywhere: it is made printable here */
  constructor(name: string, size: number, nowSeconds: number) {
    this.#name = printable(name);
    this.#size = size;
    this.#pace = new Pace(nowSeconds);
  }

  moved(bytes: number): void {
    this.#moved += bytes;
  }

  get movedBytes(): number {
    return this.#moved;
  }

  /** Takes a measurement and gives the line for a terminal of that many columns. */
  line(nowSeconds: number, columns: number): string {
    const left = this.#size - this.#moved;
    const elapsed = left <= 0 ? this.#pace.total(nowSeconds, this.#moved) : this.#pace.measure(nowSeconds, this.#moved);
    const percent = this.#size === 0 || left === 0 ? 100 : Math.floor((this.#moved / this.#size) * 100);
    const name = columns > FIXED_COLUMNS ? fitWidth(this.#name, columns - FIXED_COLUMNS) : '';
    const amount = ` ${String(percent).padStart(3)}% ${formatSize(this.#moved)} ${formatRate(this.#pace.bytesPerSecond)}/s `;
    return (name + amount + this.#time(left, elapsed)).slice(0, columns);
  }

  #time(left: number, elapsed: number): string {
    if (left <= 0) return `${formatDuration(elapsed)}    `;
    return formatTimeLeft(left, this.#pace);
  }
}
