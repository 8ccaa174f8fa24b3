import { printable } from '../../base/printable.ts';
import type { FilePaths, FileProgress } from '../../copy/observer.ts';
import { formatSize } from '../terminal/meter.ts';
import type { RunProgress } from './progress.ts';

/** `--dry-run`: a line for each file that would be copied, and how much it is in all. */
export class DryRunList implements RunProgress {
  readonly #write: (text: string) => void;
  #files = 0;
  #bytes = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  fileStarted(): FileProgress {
    return { moved() {}, finished() {} };
  }

  planned(name: string, size: number, paths?: FilePaths): void {
    this.#files++;
    this.#bytes += size;
    this.#write(`${printable(paths?.source ?? name)} -> ${printable(paths?.target ?? name)}\n`);
  }

  end(): void {
    const files = this.#files === 1 ? '1 file' : `${this.#files} files`;
    this.#write(`${files} would be copied, ${formatSize(this.#bytes).trim()}${this.#bytes < 10_000 ? ' bytes' : ''}\n`);
  }
}
