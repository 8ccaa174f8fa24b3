import { FileError } from '../base/errors.ts';

/** So many names are remembered by all listings of one copy together; each takes 8 to 24 bytes. */
export const MAX_NAMES_SEEN: number = 4 * 1024 * 1024;

const FIRST_SLOTS = 64;

/** The room that the listings of one copy share. */
export interface NameBudget {
  left: number;
}

/**
 * Notices that a name comes twice. It keeps 64 bits of each name, mixed with a number that nobody else knows: what it takes for the same is the same but for one case in some 10^7 listings of a million names.
 */
export class NamesSeen {
  readonly #budget: NameBudget;
  readonly #seed: number = Math.trunc(Math.random() * 0x1_0000_0000);
  /** Two words for each slot; an empty one has 0 as its second. */
  #slots: Uint32Array = new Uint32Array(2 * FIRST_SLOTS);
  #count = 0;

  constructor(budget: NameBudget) {
    this.#budget = budget;
  }

  /**
   * @returns false where the name has been there before
   * @throws {FileError} `ERR_LIMIT` where there is no room left
   */
  add(name: string, directory: string): boolean {
    const [one, two] = this.#mixed(name);
    const slot = this.#find(this.#slots, one, two);
    if (this.#slots[slot + 1] !== 0) return false;
    if (this.#budget.left === 0)
      throw new FileError(directory, 'list', 'ERR_LIMIT', { reason: 'too many names in the directories under way' });
    this.#budget.left--;
    this.#slots[slot] = one;
    this.#slots[slot + 1] = two;
    if (++this.#count * 4 > this.#slots.length) this.#grow();
    return true;
  }

  /** Gives the room back. */
  forget(): void {
    this.#budget.left += this.#count;
    this.#count = 0;
    this.#slots = new Uint32Array(2 * FIRST_SLOTS);
  }

  /** The slot of the pair, or the empty one where it would be. */
  #find(slots: Uint32Array, one: number, two: number): number {
    const mask = slots.length / 2 - 1;
    for (let at = one & mask; ; at = (at + 1) & mask) {
      const known = slots[2 * at + 1];
      if (known === 0 || (known === two && slots[2 * at] === one)) return 2 * at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const fresh = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      const [one, two] = [old[at] as number, old[at + 1] as number];
      if (two === 0) continue;
      const slot = this.#find(fresh, one, two);
      fresh[slot] = one;
      fresh[slot + 1] = two;
    }
    this.#slots = fresh;
  }

  #mixed(name: string): [number, number] {
    let one = this.#seed;
    let two = ~this.#seed;
    for (let at = 0; at < name.length; at++) {
      const unit = name.charCodeAt(at);
      one = Math.imul(one ^ unit, 0x9e3779b1);
      two = Math.imul(two ^ unit ^ (one >>> 15), 0x85ebca77);
    }
    one = finished(one ^ name.length);
    two = finished(two ^ one);
    return [one, two === 0 ? 1 : two];
  }
}

/** Every bit of the input moves every bit of the result. */
function finished(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
