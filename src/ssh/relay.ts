import { Readable } from 'node:stream';
import { areLent, borrowBytes, canLend, lendBytes } from '../base/lent-bytes.ts';

/** Bytes kept for a reader besides what the source itself keeps, unless the caller says another number. */
const READ_AHEAD = 256 * 1024;

/** Chunks below this are put together. */
const SMALL_BYTES = 1024;

/**
 * Passes on what a source sends, at the speed of the reader. Listening starts at once, so nothing is lost to a source that
 * ends, or is drained by Node when a child exits, before somebody reads. A destroyed relay throws away what still comes:
 * if that stayed in the source, the source would never end.
 *
 * @param edit takes out what nobody is to read
 */
export function relayReadable(
  source: Readable,
  readAhead: number = READ_AHEAD,
  edit: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Readable {
  const relay = new Readable({
    highWaterMark: readAhead,
    read() {
      source.resume();
    },
    destroy(error, done) {
      source.resume();
      done(error);
    },
  });
  /** Small pieces of one turn: ssh2 hands over every packet by itself, and packets may hold single bytes. */
  let small: Buffer[] = [];
  // What is lent goes on at once or is copied.
  borrowBytes(source, () => canLend(relay));
  const push = (chunk: Buffer): void => {
    if (relay.destroyed) return;
    if (canLend(relay)) lendBytes(relay, chunk);
    else if (!relay.push(areLent(chunk) ? Buffer.from(chunk) : chunk)) source.pause();
  };
  const flush = (): void => {
    const pieces = small;
    small = [];
    // One piece is copied too: it would keep the memory of its whole packet.
    if (pieces.length > 0) push(Buffer.concat(pieces));
  };
  const end = (): void => {
    flush();
    if (!relay.destroyed && !relay.readableEnded) relay.push(null);
  };
  source.on('data', (bytes: Buffer) => {
    const chunk = edit(bytes);
    if (chunk.length >= SMALL_BYTES) {
      flush();
      push(chunk);
      return;
    }
    if (small.length === 0) process.nextTick(flush);
    small.push(areLent(chunk) ? Buffer.from(chunk) : chunk);
  });
  source.once('end', end);
  source.once('error', end);
  source.once('close', end);
  // An error of either is told by the end of the channel; without a listener it would end the process.
  source.on('error', () => {});
  relay.on('error', () => {});
  return relay;
}
