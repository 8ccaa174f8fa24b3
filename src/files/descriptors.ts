/**
 * How many descriptors the files and directories of this process hold, and how many they may: what is beyond is for connections, logs and whoever asks how the server is. One count for the process, as its limit is one.
 */
export class DescriptorCount {
  /** No more are opened. Infinity: as many as the system allows. */
  limit: number = Number.POSITIVE_INFINITY;
  #held = 0;
  #refused = 0;

  get held(): number {
    return this.#held;
  }

  /** How often there was none left, by this limit or by the system's. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Opens something that holds a descriptor until {@link release} is called.
   *
   * @throws an error with the code EMFILE where there is none left, or what `open` throws
   */
  async take<T>(open: () => Promise<T>): Promise<T> {
    this.#reserve();
    try {
      return await open();
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** {@link take} for what opens on the spot. */
  takeNow<T>(open: () => T): T {
    this.#reserve();
    try {
      return open();
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  #reserve(): void {
    if (this.#held >= this.limit) {
      this.#refused++;
      throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
    }
    this.#held++;
  }

  #failed(error: unknown): void {
    this.release();
    if (isTooMany(error)) this.#refused++;
  }

  release(): void {
    this.#held--;
  }
}

/** Whether an error says that the process, or the system, has no descriptor left. */
export function isTooMany(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EMFILE' || code === 'ENFILE';
}

/** Those of this process. */
export const descriptors: DescriptorCount = new DescriptorCount();
