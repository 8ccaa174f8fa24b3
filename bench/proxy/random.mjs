/** Numbers from 0 to 1 that are the same for the same seed (mulberry32), so that a run can be repeated. */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Decides for each connection after how many bytes of both directions it is cut.
 *
 * @param cut `chance` from 0 to 1 that a connection is cut at all; `within`: so many bytes at most are let through before; `seed`
 * @returns a function that gives the next connection's number of bytes, Infinity for one that lives
 */
export function cutter({ chance = 0, within = 1024 * 1024, seed = 1 } = {}) {
  const random = seededRandom(seed);
  return () => {
    // Both are drawn in any case, so that another chance cuts the same connections at the same places and more of them.
    const [luck, place] = [random(), random()];
    return luck < chance ? Math.floor(place * within) : Number.POSITIVE_INFINITY;
  };
}
