/** The value in the middle; the mean of both where there are two. NaN of nothing. */
export function median(numbers) {
  return quantile(numbers, 0.5);
}

/** The value below which a share of them lies, interpolated between neighbours. NaN of nothing. */
export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/** How far the middle half of them is apart, as a share of the median: what a difference has to exceed to mean something. */
export function spread(numbers) {
  return (quantile(numbers, 0.75) - quantile(numbers, 0.25)) / median(numbers);
}

/** The programs of a round in another order each time, so that none has a place of its own. */
export function turned(list, round) {
  if (list.length === 0) return [];
  const turn = round % list.length;
  return [...list.slice(turn), ...list.slice(0, turn)];
}

/**
 * A target and whether it is met.
 *
 * @param measured NaN or undefined where it was not measured; then `met` is null
 * @param bound `{ atLeast }` or `{ atMost }`
 */
export function judge(what, measured, bound, unit = '') {
  const value = Number.isFinite(measured) ? measured : null;
  let met = null;
  if (value !== null) met = 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
  return { what, value, ...bound, unit, met };
}
