import type { OnStderr } from './stderr.ts';

/** What the `ssh` program says where the server has no such subsystem; it ends with the status of a lost connection then. */
const REFUSED = /^subsystem request failed on channel [0-9]+\r?\n?$/;

/** What a shell says where the program behind the subsystem is missing; its status tells the same. */
const MISSING = /^.*sftp.*(?:not found|No such file or directory|inaccessible)\r?\n?$/i;

/** A line that grows longer than this is none of them. Bytes. */
const MAX_LINE_BYTES = 512;

const LF = 0x0a;

/**
 * Passes on, line by line, what comes on standard error before a subsystem speaks, but for the lines that say that there is none: whoever falls back to another protocol says so in words
 * that help.
 */
export class EarlyStderr {
  readonly #onStderr: OnStderr | undefined;
  #held: Buffer = Buffer.alloc(0);
  #isOpen = false;
  /** The `ssh` program said that the server refused the subsystem. */
  refused = false;
  /** Nothing was said at all. */
  silent = true;

  constructor(onStderr: OnStderr | undefined) {
    this.#onStderr = onStderr;
  }

  take(bytes: Buffer): Promise<void> | undefined {
    this.silent = false;
    if (this.#isOpen) return this.#onStderr?.(bytes);
    this.#held = Buffer.concat([this.#held, bytes]);
    let busy: Promise<void> | undefined;
    for (let end = this.#lineEnd(); end > 0; end = this.#lineEnd()) busy = this.#pass(end) ?? busy;
    return busy;
  }

  #lineEnd(): number {
    const end = this.#held.indexOf(LF) + 1;
    return end === 0 && this.#held.length > MAX_LINE_BYTES ? this.#held.length : end;
  }

  #pass(end: number): Promise<void> | undefined {
    const line = this.#held.subarray(0, end);
    this.#held = this.#held.subarray(end);
    const text = line.length > MAX_LINE_BYTES ? '' : line.toString('latin1');
    if (REFUSED.test(text)) this.refused = true;
    return REFUSED.test(text) || MISSING.test(text) ? undefined : this.#onStderr?.(line);
  }

  /** The subsystem speaks, or never will: what was held back goes on, and whatever comes is passed on as it is. */
  open(): void {
    this.#isOpen = true;
    if (this.#held.length > 0) void this.#pass(this.#held.length);
  }
}
