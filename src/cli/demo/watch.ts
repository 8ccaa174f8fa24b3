import type { CopyObserver } from '../../copy/observer.ts';
import { Meter } from '../terminal/meter.ts';

/** What one copy of the demonstration did. */
export interface CopyReport {
  readonly title: string;
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly failures: readonly string[];
}

const INTERVAL_MS = 250;

/** Runs a copy under one meter for the whole tree. */
export async function watchCopy(
  title: string,
  totalBytes: number,
  copy: (observer: CopyObserver) => Promise<number>,
): Promise<CopyReport> {
  const terminal = process.stdout.isTTY ? process.stdout : undefined;
  const startSeconds = performance.now() / 1000;
  const meter = new Meter(title, totalBytes, startSeconds);
  const failures: string[] = [];
  let files = 0;
  let bytes = 0;
  const draw = () => terminal?.write(`\r${meter.line(performance.now() / 1000, terminal.columns || 80)}`);
  const timer = setInterval(draw, INTERVAL_MS);
  draw();
  try {
    await copy({
      fileStarted: () => {
        files++;
        return {
          moved: (count) => {
            bytes += count;
            meter.moved(count);
          },
          finished() {},
        };
      },
      failed: (error) => failures.push(error.message),
    });
  } finally {
    clearInterval(timer);
    draw();
    terminal?.write('\n');
  }
  return { title, files, bytes, seconds: performance.now() / 1000 - startSeconds, failures };
}

/** A table of what was copied and how fast. */
export function formatReports(reports: readonly CopyReport[]): string {
  const rows = reports.map(({ title, files, bytes, seconds }) => [
    title,
    String(files),
    `${(bytes / 1024 ** 2).toFixed(1)} MiB`,
    `${seconds.toFixed(2)} s`,
    `${(bytes / 1024 ** 2 / seconds).toFixed(0)} MiB/s`,
    `${(files / seconds).toFixed(0)}`,
  ]);
  const table = [['copy', 'files', 'content', 'time', 'rate', 'files/s'], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table
    .map(
      (row) =>
        `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('   ')}\n`,
    )
    .join('');
}
