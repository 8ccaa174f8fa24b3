import { expect } from 'vitest';

/** Compares bytes at once: element by element, as deep equality does by itself, six MiB take twenty seconds. */
expect.addEqualityTesters([
  (one: unknown, other: unknown) => (Buffer.isBuffer(one) && Buffer.isBuffer(other) ? one.equals(other) : undefined),
]);
