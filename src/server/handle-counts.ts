import type { DescriptorPlan } from './descriptor-plan.ts';
import type { ConnectionInfo } from './events.ts';

type HandleLimits = Pick<DescriptorPlan, 'handlesPerConnection' | 'handlesPerUser'>;

/** Handles of SFTP that are open: of each connection over all its channels, and of each user. Looking and counting are one step. */
export class HandleCounts {
  readonly #limits: () => HandleLimits;
  readonly #connections = new Map<number, number>();
  readonly #users = new Map<string, number>();

  /** @param limits asked each time */
  constructor(limits: () => HandleLimits) {
    this.#limits = limits;
  }

  /** Takes a place for one handle. @returns what gives it back, once; or why there is none */
  take({ id, user = '' }: Pick<ConnectionInfo, 'id' | 'user'>): (() => void) | string {
    const { handlesPerConnection, handlesPerUser } = this.#limits();
    const here = this.#connections.get(id) ?? 0;
    const own = this.#users.get(user) ?? 0;
    if (here >= handlesPerConnection) return `${here} handles of this connection are open, more are not allowed`;
    if (own >= handlesPerUser) return `${own} handles of this user are open, more are not allowed`;
    this.#connections.set(id, here + 1);
    this.#users.set(user, own + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      decrement(this.#connections, id);
      decrement(this.#users, user);
    };
  }
}

function decrement<K>(counts: Map<K, number>, key: K): void {
  const left = (counts.get(key) ?? 1) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
