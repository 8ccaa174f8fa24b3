/** Lets a bounded number of tasks run side by side, and a bounded weight of them: many small ones, few large ones. */
export class Gate {
  /** How many may run now, and at most at any time. */
  #maxTasks: number;
  #mostTasks: number;
  /** Since the first of these changed. */
  #successes = 0;
  readonly #maxWeight: number;
  #tasks = 0;
  #weight = 0;
  /** How many wait to start: also those that have been woken and not looked yet. */
  #waiters = 0;
  /** Who waits to start, in order. */
  readonly #waiting: (() => void)[] = [];
  readonly #idle: (() => void)[] = [];

  /**
   * @param maxTasks how many may run
   * @param maxWeight how much they may weigh together; a task that is heavier than this runs alone
   */
  constructor(maxTasks: number, maxWeight: number = Number.POSITIVE_INFINITY) {
    this.#maxTasks = maxTasks;
    this.#mostTasks = maxTasks;
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
    this.#waiters++;
    while (!this.#hasRoom(weight)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#waiters--;
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
      if (this.#tasks === 0) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  /** How many run. */
  get running(): number {
    return this.#tasks;
  }

  /** What runs is too much: from now on at most half as many. While the last call has not had its effect, nothing changes. */
  shrink(): void {
    if (this.#tasks > this.#maxTasks) return;
    this.#maxTasks = Math.max(1, Math.floor(this.#tasks / 2));
    this.#successes = 0;
  }

  /** One went well: after as many as run at a time, one more may. */
  grow(): void {
    if (this.#maxTasks >= this.#mostTasks || ++this.#successes < this.#maxTasks) return;
    this.#successes = 0;
    this.#maxTasks++;
  }

  /** Never more than these run. */
  limit(maxTasks: number): void {
    this.#mostTasks = Math.max(1, Math.min(this.#mostTasks, maxTasks));
    this.#maxTasks = Math.min(this.#maxTasks, this.#mostTasks);
  }

  /** Resolves when nothing runs for a moment: the next who wait start then. */
  async quiet(): Promise<void> {
    if (this.#tasks === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
    });
  }

  /** Resolves when nothing runs and nobody waits. Only for whoever starts the tasks: nobody but a task may start one meanwhile. */
  async idle(): Promise<void> {
    while (this.#tasks > 0 || this.#waiters > 0) await this.quiet();
  }
}
