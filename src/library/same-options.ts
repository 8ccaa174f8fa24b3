import type { HostOptions } from './host-options.ts';

/**
 * Whether two sets of options mean the same connection: equal in every word, number, list and key. Of what can be called or has a state of its own (a prompter, a signal) only the very same counts.
 */
export function sameOptions(one: HostOptions, other: HostOptions): boolean {
  return isSame(one, other);
}

function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (one instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(one, other) === 0;
  const isList = Array.isArray(one) && Array.isArray(other) && one.length === other.length;
  if (!isList && !(isPlain(one) && isPlain(other))) return false;
  const [left, right] = [one, other] as [Record<string, unknown>, Record<string, unknown>];
  // What is not there is the same as what is undefined.
  return [...Object.keys(left), ...Object.keys(right)].every((key) => isSame(left[key], right[key]));
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
