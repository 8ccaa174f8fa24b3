import type { Request } from './request.ts';

/** After so many requests have been taken, the room they took is given back. */
const COMPACT_AFTER = 1024;

/** Requests that wait for their turn, first come, first served. */
export class RequestQueue {
  #requests: Request[] = [];
  /** Index of the first that waits: shifting the array for each would be quadratic. */
  #first = 0;

  get length(): number {
    return this.#requests.length - this.#first;
  }

  /** The request whose turn it is, left where it is. */
  get first(): Request | undefined {
    return this.#requests[this.#first];
  }

  /** The caller bounds how many wait. */
  add(request: Request): void {
    this.#requests.push(request);
  }

  /** Takes out the first. */
  drop(): void {
    this.#first++;
    if (this.#first === this.#requests.length) {
      this.#requests = [];
      this.#first = 0;
    } else if (this.#first >= COMPACT_AFTER) {
      this.#requests.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** Takes out all. */
  takeAll(): Request[] {
    const all = this.#requests.slice(this.#first);
    this.#requests = [];
    this.#first = 0;
    return all;
  }
}
