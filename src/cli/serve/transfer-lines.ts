import { printable } from '../../base/printable.ts';
import type { StatusReport, TransferReport } from '../../server/control/protocol.ts';
import { formatRate, formatSize, formatTimeLeft } from '../terminal/meter.ts';
import { Pace } from '../terminal/pace.ts';
import { fitWidth, textWidth } from '../terminal/width.ts';
import { percentOf } from './control-text.ts';

/** Columns of percent, amount, rate and time left. */
const FIGURES = ' 100% 3315KB 534.2KB/s   00:00 ETA'.length;
const NO_TIME = ' 100% 3315KB 534.2KB/s'.length;
const PERCENT = ' 100%'.length;

/** A bar is drawn where so much is left beside a readable name. */
const BAR = 20;
const MIN_NAME = 16;
const MAX_USER = 12;

/** Turns looks at a server into lines for a terminal. Pure: clock and width are handed in. */
export class TransferLines {
  /** By transfer and file. */
  #paces = new Map<string, Pace>();

  /** What to show of one look: a headline and a line for each transfer, as many as fit. No line is wider than `columns`. */
  lines(
    status: StatusReport,
    transfers: readonly TransferReport[],
    nowSeconds: number,
    columns: number,
    rows: number,
  ): string[] {
    const paces = new Map<string, Pace>();
    const drawn = transfers.map((transfer) => {
      const key = `${transfer.id} ${transfer.file}`;
      const pace = this.#paces.get(key) ?? new Pace(nowSeconds);
      paces.set(key, pace);
      pace.measure(nowSeconds, transfer.fileBytes);
      return transferLine(transfer, pace, columns);
    });
    this.#paces = paces;
    const head = `${status.sessions} sessions, ${transfers.length} transfers`;
    const fits = Math.max(0, rows - 2);
    const shown = drawn.length > fits ? drawn.slice(0, Math.max(0, fits - 1)) : drawn;
    const rest = drawn.length - shown.length;
    return [
      fitWidth(head, columns).trimEnd(),
      ...(drawn.length === 0 ? [fitWidth('nothing is being moved', columns).trimEnd()] : shown),
      ...(rest > 0 ? [fitWidth(`and ${rest} more`, columns).trimEnd()] : []),
    ];
  }
}

/** `↑ name  user  [#####     ]  45%  12MB  1.2MB/s  00:12 ETA`; what does not fit is left out from the right of the importance: bar, time left, user, rate. */
function transferLine(transfer: TransferReport, pace: Pace, columns: number): string {
  const arrow = transfer.direction === 'received' ? '>' : '<';
  const name = printable(transfer.file ?? transfer.path);
  const user = printable(transfer.user ?? '');
  const userColumns = Math.min(MAX_USER, textWidth(user));
  const figures = figuresOf(transfer, pace, columns - 2 - Math.min(MIN_NAME, Math.floor(columns / 2)));
  let left = columns - 2 - figures.length;
  let end = figures;
  if (left >= MIN_NAME + userColumns + 1) {
    end = ` ${fitWidth(user, userColumns)}${end}`;
    left -= userColumns + 1;
  }
  if (left >= MIN_NAME + BAR + 3 && transfer.fileSize !== undefined) {
    end = `${end.slice(0, end.length - figures.length)} ${bar(transfer)}${figures}`;
    left -= BAR + 3;
  }
  return fitWidth(`${arrow} ${fitWidth(name, Math.max(0, left))}${end}`, columns).trimEnd();
}

function bar({ fileBytes, fileSize = 0 }: TransferReport): string {
  const filled = fileSize === 0 ? BAR : Math.min(BAR, Math.floor((fileBytes / fileSize) * BAR));
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}]`;
}

function figuresOf(transfer: TransferReport, pace: Pace, room: number): string {
  const percent = ` ${percentOf(transfer).padStart(4)}`;
  if (room < NO_TIME) return room < PERCENT ? '' : percent;
  const amount = `${percent} ${formatSize(transfer.fileBytes)} ${formatRate(pace.bytesPerSecond)}/s`;
  if (room < FIGURES || transfer.fileSize === undefined) return amount;
  return `${amount} ${formatTimeLeft(transfer.fileSize - transfer.fileBytes, pace)}`;
}
