import { printable } from '../../base/printable.ts';
import { fitWidth } from './width.ts';

/** Columns that everything but the name takes. */
const FIXED_COLUMNS = 35;

/** After this long without a byte the meter says so. Seconds. */
const STALL_SECONDS = 5;

/** How much of the earlier speed a new measurement keeps. */
const AGE_FACTOR = 0.9;

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

/** One line of progress in the form of OpenSSH's scp: name, percent, amount, rate, time left. Pure: the clock is handed in. */
export class Meter {
  readonly #name: string;
  readonly #size: number;
  readonly #startSeconds: number;
  #moved = 0;
  #shown = 0;
  #updatedSeconds: number;
  #bytesPerSecond = 0;
  #stalledSeconds = 0;

  /** @param name from anywhere: it is made printable here */
  constructor(name: string, size: number, nowSeconds: number) {
    this.#name = printable(name);
    this.#size = size;
    this.#startSeconds = nowSeconds;
    this.#updatedSeconds = nowSeconds;
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
    const elapsed = this.#measure(nowSeconds, left);
    const percent = this.#size === 0 || left === 0 ? 100 : Math.floor((this.#moved / this.#size) * 100);
    const name = columns > FIXED_COLUMNS ? fitWidth(this.#name, columns - FIXED_COLUMNS) : '';
    const amount = ` ${String(percent).padStart(3)}% ${formatSize(this.#moved)} ${formatRate(this.#bytesPerSecond)}/s `;
    return (name + amount + this.#time(left, elapsed)).slice(0, columns);
  }

  #measure(nowSeconds: number, left: number): number {
    const done = left <= 0;
    const transferred = done ? this.#moved : this.#moved - this.#shown;
    const elapsed = nowSeconds - (done ? this.#startSeconds : this.#updatedSeconds);
    const speed = elapsed > 0 ? transferred / elapsed : transferred;
    const earlier = done ? 0 : this.#bytesPerSecond;
    this.#bytesPerSecond = earlier > 0 ? earlier * AGE_FACTOR + speed * (1 - AGE_FACTOR) : speed;
    this.#stalledSeconds = transferred > 0 ? 0 : this.#stalledSeconds + elapsed;
    this.#shown = this.#moved;
    this.#updatedSeconds = nowSeconds;
    return elapsed;
  }

  #time(left: number, elapsed: number): string {
    if (left <= 0) return `${formatDuration(elapsed)}    `;
    if (this.#stalledSeconds >= STALL_SECONDS) return '- stalled -';
    if (this.#bytesPerSecond < 1) return '  --:-- ETA';
    return `${formatDuration(left / this.#bytesPerSecond)} ETA`;
  }
}
