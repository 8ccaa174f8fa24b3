import { FileError } from '../../base/errors.ts';
import { Slots } from '../../base/slots.ts';

/** As many files are hashed (check-file), or copied and hashed (copy-data), at a time, by all sessions that share a {@link Hashing}: it takes the one thread that serves everybody. */
export const HASHES_AT_A_TIME = 2;

/** As many of both may wait for their turn on one connection; further ones are refused. */
export const MAX_HASHES_WAITING = 128;

const TOO_MANY = 'too many hashes and copies are asked for at a time';

/** After so many bytes a hash lets others have their turn who wait. */
export const HASH_PORTION_BYTES: number = 16 * 1024 * 1024;

/** Says that some content was hashed, and waits until more may be. @throws `signal.reason` of {@link ConnectionHashing.run} */
export type HashStep = (bytes: number) => Promise<void>;

/** The hashing of one connection, with the copies that are hashed: one file at a time, the others in the order in which they were asked for. */
export interface ConnectionHashing {
  /**
   * Does `work` when its turn has come. `work` calls the step between pieces.
   *
   * @throws {FileError} EBUSY where too many wait. `signal.reason` where the signal is aborted before the turn has come, or at a step.
   */
  run<T>(signal: AbortSignal, work: (step: HashStep) => Promise<T>): Promise<T>;
}

/** Bounds what hashing takes from others: so many files at a time in all, one for each connection. */
export class Hashing {
  readonly #slots = new Slots(HASHES_AT_A_TIME);

  /** For a connection with all its sessions. */
  connection(): ConnectionHashing {
    const turns = new Slots(1);
    return {
      run: async (signal, work) => {
        if (turns.waiting >= MAX_HASHES_WAITING) throw new FileError('hashing', 'hash', 'EBUSY', { reason: TOO_MANY });
        const release = await turns.take(signal);
        try {
          return await this.#inPortions(signal, work);
        } finally {
          release();
        }
      },
    };
  }

  async #inPortions<T>(signal: AbortSignal, work: (step: HashStep) => Promise<T>): Promise<T> {
    let release = await this.#slots.take(signal);
    let bytes = 0;
    const step: HashStep = async (count) => {
      bytes += count;
      // Whatever waits for the thread has it in between.
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      signal.throwIfAborted();
      if (bytes < HASH_PORTION_BYTES || this.#slots.waiting === 0) return;
      bytes = 0;
      release();
      release = () => {};
      release = await this.#slots.take(signal);
    };
    // A system that does not answer must not keep the place from others once nobody waits for the answer.
    const onAbort = (): void => release();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await work(step);
    } finally {
      signal.removeEventListener('abort', onAbort);
      release();
    }
  }
}
