import type { SessionEvent } from './transfer-count.ts';

/** So many events of each of the kinds below are told of one connection: who tries every name of a tree, or asks again and again for what there is not, fills no log. */
export const MAX_TOLD = 200;

/** What the last of them says besides. */
const NO_MORE = ' (further ones of this connection are not told)';

/** Bounds what is told of a connection whose client is refused again and again. */
export class Told {
  readonly #counts = new Map<SessionEvent['type'], number>();

  /** @returns the event as it is to be told; undefined where there were too many */
  bounded(event: SessionEvent): SessionEvent | undefined {
    switch (event.type) {
      case 'request-refused':
        return this.#bounded(event, { request: event.request + NO_MORE });
      case 'operation-refused':
      case 'content-refused':
      case 'entry-failed':
        return this.#bounded(event, { reason: event.reason + NO_MORE });
      default:
        return event;
    }
  }

  #bounded<E extends SessionEvent>(event: E, asLast: Partial<E>): E | undefined {
    const count = (this.#counts.get(event.type) ?? 0) + 1;
    if (count > MAX_TOLD) return undefined;
    this.#counts.set(event.type, count);
    return count === MAX_TOLD ? { ...event, ...asLast } : event;
  }
}
