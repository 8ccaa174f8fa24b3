import type { ServerLimits } from './limits.ts';

/** How many may wait, in all and from one source. */
export type AdmissionLimits = Pick<ServerLimits, 'unauthenticated' | 'unauthenticatedPerSource'>;

/** A connection that waits for its login, as {@link Admission} sees it. */
export interface Applicant {
  readonly source: string;
  /** Milliseconds of a monotonic clock. */
  readonly sinceMs: number;
  /** True until the client's identification line has come. */
  readonly isSilent: boolean;
  /** Ends the connection to make room. */
  expel(reason: string): void;
}

/** A client that has begun to talk is left this long before it has to make room. Milliseconds. */
const FAIR_MS = 10_000;

/**
 * Decides who may stay while it has not logged in. When there are too many, the oldest that has not said a word makes room, so that sockets which only sit there never
 * keep anybody else out; only if all of them are busy logging in is the newcomer refused.
 */
export class Admission {
  readonly #limits: () => AdmissionLimits;
  readonly #now: () => number;
  /** In order of arrival. */
  readonly #waiting = new Set<Applicant>();

  /** @param limits asked anew for each newcomer: they may be changed */
  constructor(limits: () => AdmissionLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** How many have not logged in yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** @returns why the newcomer cannot stay, or undefined */
  admit(newcomer: Applicant): string | undefined {
    const { unauthenticated, unauthenticatedPerSource } = this.#limits();
    const neighbours = [...this.#waiting].filter((one) => one.source === newcomer.source);
    if (neighbours.length >= unauthenticatedPerSource && !this.#makeRoom(neighbours)) {
      return `${neighbours.length} connections from there are logging in already`;
    }
    if (this.#waiting.size >= unauthenticated && !this.#makeRoom([...this.#waiting])) {
      return `${this.#waiting.size} connections are logging in already`;
    }
    this.#waiting.add(newcomer);
    return undefined;
  }

  /** The connection has logged in, or is gone. */
  release(applicant: Applicant): void {
    this.#waiting.delete(applicant);
  }

  #makeRoom(among: readonly Applicant[]): boolean {
    const victim = among.find((one) => one.isSilent) ?? among.find((one) => this.#now() - one.sinceMs > FAIR_MS);
    if (victim === undefined) return false;
    this.#waiting.delete(victim);
    victim.expel('too many connections that have not logged in');
    return true;
  }
}
