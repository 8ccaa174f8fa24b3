/** Lets a bounded number of tasks run side by side, and a bounded weight of them: many small ones, few large ones. */
export class Gate {
  readonly #maxTasks: number;
  readonly #maxWeight: number;
  #tasks = 0;
  #weight = 0;
  /** Who waits to start, in order. */
  readonly #waiting: (() => void)[] = [];
  #idle: (() => void) | undefined;

  /**
   * @param maxTasks how many may run
   * @param maxWeight how much they may weigh together; a task that is heavier than this runs alone
   */
  constructor(maxTasks: number, maxWeight: number = Number.POSITIVE_INFINITY) {
    this.#maxTasks = maxTasks;
    this.#maxWeight = maxWeight;
  }

  #hasRoom(weight: number): boolean {
    if (this.#tasks === 0) return true;
    return this.#tasks < this.#maxTasks && this.#weight + weight <= this.#maxWeight;
  }

  /** Starts the task if there is room for it now. It must not reject. */
  tryStart(weight: number, task: () => Promise<void>): boolean {
    if (!this.#hasRoom(weight)) return false;
    void this.#run(weight, task);
    return true;
  }

  /** Resolves when the task has started. It must not reject. */
  async start(weight: number, task: () => Promise<void>): Promise<void> {
    while (!this.#hasRoom(weight)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    void this.#run(weight, task);
  }

  async #run(weight: number, task: () => Promise<void>): Promise<void> {
    this.#tasks++;
    this.#weight += weight;
    try {
      await task();
    } finally {
      this.#tasks--;
      this.#weight -= weight;
      // All look again: one that is light may fit where the first does not, and nobody starves since the heavy one runs when it is alone.
      for (const wake of this.#waiting.splice(0)) wake();
      if (this.#tasks === 0) this.#idle?.();
    }
  }

  /** Resolves when nothing runs. Only for whoever starts the tasks: nobody else may start one meanwhile. */
  async idle(): Promise<void> {
    while (this.#tasks > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
  }
}
