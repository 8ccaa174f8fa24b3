import { StringDecoder } from 'node:string_decoder';
import { printableLines } from '../../base/printable.ts';

/** A line of a peer is shown in pieces when it grows longer than this. Characters. */
const MAX_LINE = 4096;

/**
 * Passes on what a peer writes to its standard error: line by line, with everything that could act on a terminal made visible.
 *
 * @param write shows text that is safe
 */
export class RemoteText {
  readonly #decoder = new StringDecoder('utf8');
  readonly #write: (text: string) => void;
  #pending = '';

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  push(bytes: Buffer): void {
    this.#pending += this.#decoder.write(bytes);
    const end = this.#pending.lastIndexOf('\n') + 1;
    const cut = this.#pending.length - end > MAX_LINE ? this.#pending.length : end;
    if (cut === 0) return;
    this.#write(printableLines(this.#pending.slice(0, cut)));
    this.#pending = this.#pending.slice(cut);
  }

  /** Shows a last line that has no end, with one. */
  flush(): void {
    const rest = this.#pending + this.#decoder.end();
    this.#pending = '';
    if (rest !== '') this.#write(`${printableLines(rest)}\n`);
  }
}
