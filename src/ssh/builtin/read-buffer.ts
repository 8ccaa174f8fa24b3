import type { OnReadOpts, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Bytes of one read: several packets, so that few of them are cut in two and put together in memory of their own. */
const READ_BYTES = 256 * 1024;

/** For each socket that reads into a buffer of its own: whether its reader copies what it needs before it returns. */
const readers = new WeakMap<Duplex, () => boolean>();

/**
 * Lets a socket read into one buffer again and again. Node takes 64 KiB of new memory for each read, and V8 collects such
 * memory late: since Node 24 it lets twice as much pile up.
 *
 * @param socket is asked for once bytes arrive
 */
export function readIntoOneBuffer(socket: () => Socket): OnReadOpts {
  return {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback: (count, buffer) => deliver(socket(), Buffer.from(buffer.buffer, buffer.byteOffset, count)),
  };
}

/** @returns false where the socket is to be read no further for now. */
function deliver(socket: Socket, bytes: Buffer): boolean {
  const lent = socket.readableFlowing === true && socket.readableLength === 0 && readers.get(socket)?.() === true;
  if (!lent) return socket.push(Buffer.from(bytes));
  socket.emit('data', bytes);
  return true;
}

/**
 * Says who reads a stream. While `copies` answers yes, the bytes of an event 'data' are only lent: the next read
 * overwrites them. A stream that does not come from {@link readIntoOneBuffer} stays as it is.
 */
export function lendReads(stream: Duplex, copies: () => boolean): void {
  readers.set(stream, copies);
}
