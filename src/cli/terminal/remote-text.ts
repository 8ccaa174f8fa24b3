import { StringDecoder } from 'node:string_decoder';
import { printableLines } from '../../base/printable.ts';

/** A line of a peer is shown in pieces when it grows longer than this. Characters. */
const MAX_LINE = 4096;

/**
 * Text is made printable in pieces of this length. A long one full of unsafe characters keeps so many small objects alive
 * at the same time that V8 makes its new space larger, since Node 24 up to 64 MiB and more. Characters.
 */
const PIECE = 1024;

/** Where the piece that begins at `start` ends: a CR LF and a surrogate pair stay whole. */
function pieceEnd(text: string, start: number): number {
  const end = start + PIECE;
  if (end >= text.length) return text.length;
  return /^(?:\r\n|[\ud800-\udbff][\udc00-\udfff])$/.test(text.slice(end - 1, end + 1)) ? end + 1 : end;
}

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
    const text = this.#pending + this.#decoder.write(bytes);
    const end = text.lastIndexOf('\n') + 1;
    const cut = text.length - end > MAX_LINE ? text.length : end;
    this.#pending = text.slice(cut);
    this.#show(text.slice(0, cut));
  }

  #show(text: string): void {
    for (let start = 0; start < text.length; ) {
      const end = pieceEnd(text, start);
      this.#write(printableLines(text.slice(start, end)));
      start = end;
    }
  }

  /** Shows a last line that has no end, with one. */
  flush(): void {
    const rest = this.#pending + this.#decoder.end();
    this.#pending = '';
    this.#show(rest);
    if (rest !== '') this.#write('\n');
  }
}
