import type { Worker } from 'node:cluster';
import { isReply, WORKER_READY, type WorkerRequest } from './worker-messages.ts';

/** How long a worker may take to answer what takes no time. Milliseconds. */
export const ANSWER_MS = 5000;

interface Waiter {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The primary's side of a worker: requests and their replies. */
export class WorkerLink {
  readonly number: number;
  readonly process: Worker;
  readonly #waiting = new Map<number, Waiter>();
  /** Resolves when the worker listens, or is gone. */
  readonly #ready: Promise<void>;
  #count = 0;

  constructor(number: number, worker: Worker) {
    this.number = number;
    this.process = worker;
    let isReady: () => void = () => {};
    this.#ready = new Promise((resolve) => {
      isReady = resolve;
    });
    worker.on('message', (message: unknown) => {
      if (message === WORKER_READY) isReady();
      if (!isReply(message)) return;
      const waiter = this.#waiting.get(message.sealiftReply);
      this.#waiting.delete(message.sealiftReply);
      if ('error' in message) waiter?.reject(new Error(message.error));
      else waiter?.resolve(message.result);
    });
    worker.once('exit', () => {
      isReady();
      this.#failAll();
    });
    worker.on('error', () => {});
  }

  /** @throws {Error} with the worker's message, or where it ends or is silent for `timeoutMs` */
  async ask<T>(request: WorkerRequest, timeoutMs: number): Promise<T> {
    const sealiftRequest = ++this.#count;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#waiting.set(sealiftRequest, { resolve: resolve as (result: unknown) => void, reject });
        timer = setTimeout(() => reject(new Error(`worker ${this.number} does not answer`)), timeoutMs);
        void this.#ready.then(() => {
          if (!this.process.isConnected()) reject(new Error(`worker ${this.number} has ended`));
          else this.process.send({ sealiftRequest, request });
        });
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(sealiftRequest);
    }
  }

  #failAll(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(`worker ${this.number} has ended`));
    this.#waiting.clear();
  }
}
