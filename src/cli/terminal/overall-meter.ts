import { printable } from '../../base/printable.ts';
import { formatDuration, formatRate, formatSize, formatTimeLeft } from './meter.ts';
import { Pace } from './pace.ts';
import type { Tally } from './tally.ts';
import { fitWidth } from './width.ts';

/** A name that would get fewer columns than this is left out. */
const LEAST_NAME_COLUMNS = 4;

/** What stands at the right of a line. A narrow window gets less of it. */
interface Figures {
  readonly percent: string;
  readonly amount: string;
  readonly rate: string;
  readonly time: string;
}

/** One line of progress for all files together: how many, which one, percent, amount, rate, time left. Pure: the clock is handed in. */
export class OverallMeter {
  readonly #tally: Tally;
  readonly #pace: Pace;
  #doneBefore = 0;

  constructor(tally: Tally, nowSeconds: number) {
    this.#tally = tally;
    this.#pace = new Pace(nowSeconds);
  }

  /** Takes a measurement and gives the line for a terminal of that many columns; the last column stays free. */
  line(nowSeconds: number, columns: number): string {
    const { filesDone, filesFound, bytesMoved, bytesLeft, isComplete, current } = this.#tally;
    this.#pace.measure(nowSeconds, bytesMoved, filesDone > this.#doneBefore);
    this.#doneBefore = filesDone;
    const counts = `${filesDone}/${filesFound}${isComplete ? '' : '+'}`;
    // How much of an unknown whole this is, and when it ends, nobody can say.
    const whole = isComplete ? bytesMoved + bytesLeft : undefined;
    const time = isComplete || this.#pace.isStalled ? formatTimeLeft(bytesLeft, this.#pace) : '  --:-- ETA';
    return compose(counts, current?.name ?? '', this.#figures(whole, time), columns - 1);
  }

  /** The line that stays: what was copied in how much time. */
  lastLine(nowSeconds: number, columns: number, failures: number): string {
    const { filesCopied, filesFound, filesSkipped, bytesMoved, bytesFound, isComplete } = this.#tally;
    const { bytesSkipped, bytesResumed } = this.#tally;
    const elapsed = this.#pace.total(nowSeconds, bytesMoved);
    const wanted = filesFound - filesSkipped;
    const isAll = filesCopied === wanted;
    const found = `${wanted}${isComplete || isAll ? '' : '+'}`;
    const others = `${failures > 0 ? `, ${failures} failed` : ''}${filesSkipped > 0 ? `, ${filesSkipped} skipped` : ''}`;
    const long = `${isAll ? wanted : `${filesCopied} of ${found}`} ${wanted === 1 ? 'file' : 'files'}${others}`;
    const short = `${filesCopied}/${found}${others}`;
    const whole = isComplete || isAll ? bytesFound - bytesSkipped - bytesResumed : undefined;
    const figures = this.#figures(whole, `${formatDuration(elapsed)}    `);
    const fits = long.length + Object.values(figures).join('').length < columns;
    return compose(fits ? long : short, '', figures, columns - 1);
  }

  #figures(wholeBytes: number | undefined, time: string): Figures {
    const { bytesMoved } = this.#tally;
    const percent = wholeBytes === 0 ? 100 : Math.min(100, Math.floor((bytesMoved / (wholeBytes ?? 1)) * 100));
    return {
      percent: ` ${(wholeBytes === undefined ? '--' : String(percent)).padStart(3)}%`,
      amount: ` ${formatSize(bytesMoved)}`,
      rate: ` ${formatRate(this.#pace.bytesPerSecond)}/s`,
      time: ` ${time}`,
    };
  }
}

/** Puts counts, name and figures on a line of exactly that many columns. Where there is little room the rate goes first, then the amount, the time, and the percent. */
function compose(counts: string, name: string, { percent, amount, rate, time }: Figures, columns: number): string {
  const choices = [percent + amount + rate + time, percent + amount + time, percent + time, percent, ''];
  const figures = choices.find((choice) => counts.length + choice.length <= columns) ?? '';
  const room = columns - figures.length;
  const hasName = room - counts.length - 1 >= LEAST_NAME_COLUMNS;
  return fitWidth(hasName ? `${counts} ${printable(name)}` : counts, room) + figures;
}
