import type { Answer, Method } from './method-list.ts';

/** One server of a group (TACACS+, RADIUS), by its client. */
export interface AaaServer<Q, T> {
  /** Address and port, for messages. */
  readonly name: string;
  /** Whether servers of this kind can judge such a question. Default: they can. */
  judges?(question: Q): boolean;
  /** An `error` answer or a throw says that the server cannot be used now. */
  ask(question: Q, options: { readonly signal: AbortSignal }): Promise<Answer<T>>;
}

export interface ServerGroupOptions {
  /** The name of the group: `tacacs+`. */
  readonly name: string;
  /** How long a server that failed is passed over, in milliseconds. 0: never. */
  readonly deadTimeMs: number;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/**
 * A method that asks servers in order until one answers. A server that failed counts as dead for a while and is passed over, unless all of them are dead: then each is tried, as Cisco IOS does, rather than
 * refused unheard.
 */
export class ServerGroup<Q, T> implements Method<Q, T> {
  readonly name: string;
  readonly #servers: readonly AaaServer<Q, T>[];
  readonly #deadTimeMs: number;
  readonly #now: () => number;
  readonly #deadUntil = new Map<AaaServer<Q, T>, number>();

  constructor(servers: readonly AaaServer<Q, T>[], options: ServerGroupOptions) {
    this.name = `group ${options.name}`;
    this.#servers = servers;
    this.#deadTimeMs = options.deadTimeMs;
    this.#now = options.now ?? (() => performance.now());
  }

  judges(question: Q): boolean {
    return this.#servers.some((server) => server.judges?.(question) ?? true);
  }

  async ask(question: Q, options: { readonly signal: AbortSignal }): Promise<Answer<T>> {
    const able = this.#servers.filter((server) => server.judges?.(question) ?? true);
    const alive = able.filter((server) => (this.#deadUntil.get(server) ?? Number.NEGATIVE_INFINITY) <= this.#now());
    const errors: string[] = [];
    for (const server of alive.length > 0 ? alive : able) {
      options.signal.throwIfAborted();
      const answer = await attempt(server, question, options);
      options.signal.throwIfAborted();
      if (answer.kind !== 'error') {
        this.#deadUntil.delete(server);
        return answer;
      }
      if (this.#deadTimeMs > 0) this.#deadUntil.set(server, this.#now() + this.#deadTimeMs);
      errors.push(`${server.name}: ${answer.reason}`);
    }
    return { kind: 'error', reason: errors.length === 0 ? 'has no servers' : errors.join(', ') };
  }
}

async function attempt<Q, T>(
  server: AaaServer<Q, T>,
  question: Q,
  options: { readonly signal: AbortSignal },
): Promise<Answer<T>> {
  try {
    const answer = (await server.ask(question, options)) as Answer<T> | undefined;
    if (answer?.kind === 'pass' || answer?.kind === 'refuse' || answer?.kind === 'error') return answer;
    return { kind: 'error', reason: 'gave no answer' };
  } catch (error) {
    return { kind: 'error', reason: error instanceof Error ? error.message : 'failed' };
  }
}
