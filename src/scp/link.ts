import type { Readable, Writable } from 'node:stream';
import { decodeName, encodeName } from '../base/byte-name.ts';
import { withDeadline } from '../base/deadline.ts';
import { ConnectionError, ProtocolError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { type Line, StreamReader } from '../wire/stream-reader.ts';
import { StreamWriter } from '../wire/stream-writer.ts';
import { LINE_TIMEOUT_MS, MAX_RECORD_BYTES, NOISE_TIMEOUT_MS } from './limits.ts';
import { noiseError } from './noise.ts';
import { type ControlRecord, encodeRecord } from './record.ts';

const LF = 0x0a;

/** Messages of peers may be as long as so many records; only the first of them is kept. */
const MAX_TEXT_RECORDS = 512;

/** What a side answers to each record, and to data: one byte, with a line of text after 1 and 2. */
export type Reply =
  | { readonly kind: 'ok' }
  /** Byte 1: this entry failed, the copy goes on. `text` is printable. */
  | { readonly kind: 'error'; readonly text: string }
  /** Byte 2: the peer gives up. `text` is printable. */
  | { readonly kind: 'fatal'; readonly text: string };

/** Sees every message of the protocol as it passes, for `-vvv`: `data` stands for a run of file bytes. */
export type Trace = (direction: 'send' | 'receive', what: string) => void;

/** The streams of one copy and the messages on them. Both roles, source and sink, talk through a link. */
export class ScpLink {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly #host: string;
  readonly #trace: Trace | undefined;
  #begun = false;

  /** @param host how errors name the peer */
  constructor(input: Readable, output: Writable, host: string, trace?: Trace) {
    this.reader = new StreamReader(input);
    this.writer = new StreamWriter(output);
    this.#host = host;
    this.#trace = trace;
  }

  sendRecord(record: ControlRecord): void {
    const bytes = encodeRecord(record);
    this.trace('send', () => printable(decodeName(bytes.subarray(0, -1))));
    this.writer.write(bytes);
  }

  /** Ends the work on this link: every wait on it fails with this error. */
  fail(error: Error): void {
    this.reader.fail(error);
    this.writer.fail(error);
  }

  /** What comes from now on is the protocol: text is a fault of the peer and no greeting of its shell. */
  begin(): void {
    this.#begun = true;
  }

  sendOk(): void {
    this.trace('send', () => '<OK>');
    this.writer.write(Buffer.of(0));
  }

  /** Sends byte 1 and one line of text. What is too long for a line is cut. */
  sendError(text: string): void {
    const line = printable(text);
    this.trace('send', () => `<ERROR> ${line}`);
    const bytes = encodeName(line).subarray(0, MAX_RECORD_BYTES - 2);
    this.writer.write(Buffer.concat([Buffer.of(1), bytes, Buffer.of(LF)]));
  }

  trace(direction: 'send' | 'receive', what: () => string): void {
    this.#trace?.(direction, what());
  }

  /**
   * Waits for the answer to what was sent last.
   *
   * @throws {ProtocolError} where the peer sends anything but 0, 1 or 2. Before the first reply that is a talkative login shell.
   * @throws {ConnectionError} where the stream ends.
   */
  async readReply(): Promise<Reply> {
    const code = await this.#byte();
    const first = !this.#begun;
    this.#begun = true;
    switch (code) {
      case 0:
        this.trace('receive', () => '<OK>');
        return { kind: 'ok' };
      case 1:
      case 2: {
        const text = printable(decodeName(await this.text()));
        this.trace('receive', () => `<${code === 1 ? 'ERROR' : 'FATAL'}> ${text}`);
        return { kind: code === 1 ? 'error' : 'fatal', text };
      }
      default: {
        const text = await this.#noise(Buffer.of(code));
        if (first) throw noiseError(text);
        throw new ProtocolError(`protocol error: unexpected reply ${printable(JSON.stringify(decodeName(text)))}`);
      }
    }
  }

  async #byte(): Promise<number> {
    let code: number | undefined;
    try {
      code = await this.reader.byte();
    } catch (cause) {
      throw this.lost(cause);
    }
    return code ?? this.#throwLost();
  }

  #throwLost(): never {
    throw this.lost();
  }

  /**
   * The rest of a line that has begun. It must come to its end in bounded time, or the peer is not speaking the protocol.
   *
   * @param begun what has been read of it; part of the result and of the limit
   * @param timeoutMs milliseconds
   */
  async line(begun: Buffer, timeoutMs: number = LINE_TIMEOUT_MS): Promise<Line> {
    const partial: Buffer[] = begun.length > 0 ? [begun] : [];
    const expired = () => noiseError(Buffer.concat(partial));
    return await withDeadline(this.reader.line(MAX_RECORD_BYTES, [LF], partial), timeoutMs, expired);
  }

  /** The text after a byte 1 or 2, to its line feed. What is longer than a record is passed over, within bounds. */
  async text(): Promise<Buffer> {
    const { bytes, endedBy } = await this.line(Buffer.alloc(0));
    let rest = endedBy;
    for (let lines = 0; rest === 'limit' && lines < MAX_TEXT_RECORDS; lines++)
      rest = (await this.line(Buffer.alloc(0))).endedBy;
    if (rest === 'limit') throw new ProtocolError('protocol error: message is too long', { code: 'ERR_LIMIT' });
    return bytes;
  }

  /** Text that is not the protocol: up to the end of its line, the NUL of a sink behind it, or what came in a short time. */
  async #noise(start: Buffer): Promise<Buffer> {
    if (start[0] === LF) return start;
    const partial: Buffer[] = [start];
    const whole = this.reader.line(MAX_RECORD_BYTES, [LF, 0], partial).then(
      () => {},
      () => {},
    );
    await withDeadline(whole, NOISE_TIMEOUT_MS, () => new Error('incomplete')).catch(() => {});
    return Buffer.concat(partial);
  }

  /** As {@link lost}, with the last words of a peer that explained itself before it went away. */
  async lostWhileSending(cause: unknown): Promise<ConnectionError> {
    const reply = await withDeadline(this.readReply(), NOISE_TIMEOUT_MS, () => new Error('no reply')).catch(
      () => undefined,
    );
    const words = reply === undefined || reply.kind === 'ok' ? '' : ` (${reply.text})`;
    return new ConnectionError(this.#host, 'transfer', `lost connection${words}`, {
      code: 'ERR_CONNECTION_LOST',
      cause,
    });
  }

  /** The error for a peer that gave up with byte 2 and these words. */
  fatal(text: string): ConnectionError {
    return new ConnectionError(this.#host, 'transfer', text, { code: 'ERR_REMOTE' });
  }

  /** The error for a stream that ended too early. */
  lost(cause?: unknown): ConnectionError {
    return new ConnectionError(this.#host, 'transfer', 'lost connection', { code: 'ERR_CONNECTION_LOST', cause });
  }

  /** Adds to a lost connection what was under way; any other error comes back as it is. */
  lostDuring(error: unknown, what: string): unknown {
    if (!(error instanceof ConnectionError) || error.code !== 'ERR_CONNECTION_LOST') return error;
    const reason = error.message.slice(error.host.length + 2);
    return new ConnectionError(this.#host, 'transfer', `${reason} while ${what}`, {
      code: 'ERR_CONNECTION_LOST',
      cause: error,
    });
  }
}
