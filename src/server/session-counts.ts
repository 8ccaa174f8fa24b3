/** Who wants a place. */
export interface SessionClaim {
  readonly user: string;
  readonly source: string;
}

export interface SessionLimits {
  readonly sessions: number;
  readonly sessionsPerUser: number;
  readonly sessionsPerSource: number;
}

/** How many connections have logged in: in all, of each user, from each source. Looking and counting are one step, so that no two can take the last place. */
export class SessionCounts {
  #all = 0;
  readonly #users = new Map<string, number>();
  readonly #sources = new Map<string, number>();

  /** @returns why there is no place; undefined where one was taken */
  take({ user, source }: SessionClaim, limits: SessionLimits): string | undefined {
    const ofUser = this.#users.get(user) ?? 0;
    const fromSource = this.#sources.get(source) ?? 0;
    if (this.#all >= limits.sessions) return `limit sessions: ${this.#all} are open`;
    if (ofUser >= limits.sessionsPerUser) return `limit sessions-per-user: ${ofUser} are open`;
    if (fromSource >= limits.sessionsPerSource) return `limit sessions-per-source: ${fromSource} are open`;
    this.#all++;
    this.#users.set(user, ofUser + 1);
    this.#sources.set(source, fromSource + 1);
    return undefined;
  }

  /** The place that was taken is free again. */
  release({ user, source }: SessionClaim): void {
    this.#all--;
    decrement(this.#users, user);
    decrement(this.#sources, source);
  }

  get size(): number {
    return this.#all;
  }
}

function decrement(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 1) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
