import type { Writable } from 'node:stream';
import { encodeName, hasRawBytes } from '../base/byte-name.ts';
import { streamReady } from './stream-ready.ts';

/** What JSON may hold but a terminal must not be sent: DEL and C1 controls, format characters, line and paragraph separators. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const surrogate = /\p{Cs}/gu;

function escape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
}

/** One line of JSON, its end included, that is harmless on a terminal too. */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value).replace(unsafe, escape)}\n`;
}

/** Text with U+FFFD for what is no Unicode. */
export function wellFormed(text: string): string {
  return text.replace(surrogate, '\ufffd');
}

/**
 * A file name as a field of an object. A name is bytes: where they are not UTF-8 the field has U+FFFD for what is wrong, and a second field, `…Base64`, the bytes.
 */
export function nameField<K extends string>(
  field: K,
  name: string | undefined,
): { [_ in K | `${K}Base64`]?: string | undefined } {
  const fields: Record<string, string> = {};
  if (name !== undefined) fields[field] = wellFormed(name);
  if (name !== undefined && hasRawBytes(name)) fields[`${field}Base64`] = encodeName(name).toString('base64');
  return fields as { [_ in K | `${K}Base64`]?: string };
}

/** Writes objects to a stream, one a line. A reader that goes away ends the writing and nothing else. */
export class JsonLines {
  readonly #stream: Writable;
  #isGone = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', () => {
      this.#isGone = true;
    });
  }

  write(value: object): void {
    if (!this.#isGone) this.#stream.write(jsonLine(value));
  }

  /** The reader has not kept up: what can be left out should be. */
  get isBehind(): boolean {
    return this.#stream.writableNeedDrain;
  }

  /** A promise where the writer should wait for the reader. */
  ready(signal: AbortSignal): Promise<void> | undefined {
    return this.#isGone ? undefined : streamReady(this.#stream, signal);
  }

  /** Waits until the reader has everything, is gone, or `signal` aborts. */
  async flushed(signal: AbortSignal): Promise<void> {
    if (!this.#isGone) await streamReady(this.#stream, signal, 'empty');
  }
}
