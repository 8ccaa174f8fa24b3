import type { Socket } from 'node:net';
import type { OutputGate } from './channel-output.ts';
import type { KeyRenewal } from './key-renewal.ts';
import { OUTPUT_HIGH_WATER_BYTES } from './limits.ts';

/** Keeps all channels of a connection from writing faster than its socket sends, and while keys are exchanged: ssh2 would queue without bound. */
export class SocketGate implements OutputGate {
  readonly #socket: Socket;
  readonly #keys: KeyRenewal;
  #drained: Promise<void> | undefined;

  constructor(socket: Socket, keys: KeyRenewal) {
    this.#socket = socket;
    this.#keys = keys;
  }

  wait(): Promise<void> | undefined {
    if (this.#socket.destroyed) return undefined;
    if (this.#keys.isUnderWay) return this.#keys.done();
    return this.#socket.writableLength < OUTPUT_HIGH_WATER_BYTES ? undefined : this.#drain();
  }

  #drain(): Promise<void> {
    this.#drained ??= new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        this.#drained = undefined;
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
    return this.#drained;
  }

  /** ssh2 writes packet by packet. */
  batch(write: () => void): void {
    this.#socket.cork();
    try {
      write();
    } finally {
      this.#socket.uncork();
    }
  }
}
