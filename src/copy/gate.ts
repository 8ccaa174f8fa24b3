/** Lets a bounded number of tasks run side by side, and a bounded weight of them: many small ones, few large ones. */
export class Gate {
  /** How many may run now, and at most at any time. */
  #maxTasks: number;
  #mostTasks: number;
  /** What the second of these would be if nothing was in the way, and what is in the way. */
  #wanted: number;
  #cap = Number.POSITIVE_INFINITY;
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
    this.#wanted = maxTasks;
    this.#maxWeight = maxWeight;
  }

  #hasRoom(weight: number): boolean {
    if (this.#tasks === 0) return true;
    return this.#tasks < this.#maxTasks && this.#weight + weight <= this.#maxWeight;
  }

  /** Starts the task if there is room for it now. It must not reject. */
  tryStart(weight: number, task: () => Promise<void>): boolean {
    if (!this.#hasRoom(weight)) return false;
    this.#run(weight, task);
    return true;
  }

  /** Starts the task, which must not reject. @returns a promise where it waits for its turn: it resolves when the task has started */
  start(weight: number, task: () => Promise<void>): Promise<void> | undefined {
    return this.tryStart(weight, task) ? undefined : this.#wait(weight, task);
  }

  async #wait(weight: number, task: () => Promise<void>): Promise<void> {
    this.#waiters++;
    while (!this.#hasRoom(weight)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#waiters--;
    this.#run(weight, task);
  }

  #run(weight: number, task: () => Promise<void>): void {
    this.#tasks++;
    this.#weight += weight;
    void task().finally(() => {
      this.#tasks--;
      this.#weight -= weight;
      this.#wake();
      if (this.#tasks === 0) for (const wake of this.#idle.splice(0)) wake();
    });
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

  /** Never more than these run, until this is called again. */
  limit(maxTasks: number): void {
    this.#cap = Math.max(1, maxTasks);
    this.#adjust();
  }

  /** So many may run from now on, as far as {@link limit} lets them; after {@link shrink} not at once. */
  widen(maxTasks: number): void {
    this.#wanted = Math.max(this.#wanted, maxTasks);
    this.#adjust();
  }

  #adjust(): void {
    const most = Math.min(this.#wanted, this.#cap);
    const isShrunk = this.#maxTasks < this.#mostTasks;
    this.#mostTasks = most;
    const before = this.#maxTasks;
    this.#maxTasks = isShrunk ? Math.min(this.#maxTasks, most) : most;
    if (this.#maxTasks > before) this.#wake();
  }

  /** All look again: one that is light may fit where the first does not, and nobody starves since the heavy one runs when it is alone. */
  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
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
