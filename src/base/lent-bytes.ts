import type { Readable } from 'node:stream';

/** For each stream whose reader can borrow: whether it does now. */
const borrowers = new WeakMap<Readable, () => boolean>();

/** What is lent at this moment. */
let lent: Uint8Array | undefined;

/**
 * Says that the reader of a stream borrows: while `borrows` answers yes, the bytes of an event 'data' may be only lent. They change as soon as all listeners have returned, so each of them copies what it needs. A stream whose source
 * does not lend stays as it is.
 */
export function borrowBytes(stream: Readable, borrows: () => boolean): void {
  borrowers.set(stream, borrows);
}

/** Whether bytes can be lent to the reader of a stream now: it takes them at once, and nothing is in front of them. */
export function canLend(stream: Readable): boolean {
  return (
    stream.readableFlowing === true &&
    stream.readableLength === 0 &&
    !stream.destroyed &&
    borrowers.get(stream)?.() === true
  );
}

/** Gives bytes to the reader of a stream that {@link canLend} has said yes for. They may change afterwards. */
export function lendBytes(stream: Readable, bytes: Uint8Array): void {
  const before = lent;
  lent = bytes;
  try {
    stream.emit('data', bytes);
  } finally {
    lent = before;
  }
}

/** Whether the bytes of the event 'data' at hand are lent. */
export function areLent(bytes: Uint8Array): boolean {
  return bytes === lent;
}
