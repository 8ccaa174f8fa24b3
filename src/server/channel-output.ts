import { Writable } from 'node:stream';
import type { ServerChannel } from 'ssh2';

/** Holds writers back while the connection cannot take more. */
export interface OutputGate {
  /** Undefined while it is open; otherwise resolves when it may be. */
  wait(): Promise<void> | undefined;
  /** Collects what is written meanwhile into one write of the socket. */
  batch(write: () => void): void;
}

/**
 * What a service writes to a channel. ssh2 sends as much as the client's window allows, whatever the socket takes: a client that grants a huge window and does not read would have the
 * server keep whole files in memory. This holds back until the socket has room, and fails once the channel is closed, where ssh2 stays silent for ever.
 */
export class ChannelOutput extends Writable {
  readonly #channel: ServerChannel;
  readonly #gate: OutputGate;

  constructor(channel: ServerChannel, gate: OutputGate) {
    super({ highWaterMark: 256 * 1024 });
    this.#channel = channel;
    this.#gate = gate;
    this.on('error', () => {});
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const held = this.#gate.wait();
    if (held === undefined) this.#send(chunk, done);
    else void held.then(() => this._write(chunk, _encoding, done));
  }

  #send(chunk: Buffer, done: (error?: Error | null) => void): void {
    if (this.destroyed) return;
    try {
      this.#gate.batch(() => this.#channel.write(chunk, (error) => done(error)));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The channel is closed: whoever writes learns of it. */
  cut(): void {
    if (!this.writableFinished) this.destroy(Object.assign(new Error('the channel was closed'), { code: 'EPIPE' }));
  }
}
