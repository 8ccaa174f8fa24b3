import type { OnReadOpts, Socket } from 'node:net';
import { canLend, lendBytes } from '../base/lent-bytes.ts';

/** Bytes of one read: several packets, so that few of them are cut in two and put together in memory of their own. */
const READ_BYTES = 256 * 1024;

/**
 * Lets a socket read into one buffer again and again. Node takes 64 KiB of new memory for each read, and V8 collects such
 * memory late: since Node 24 it lets twice as much pile up. Readers that borrow (see lent-bytes.ts) get the buffer itself.
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
  if (!canLend(socket)) return socket.push(Buffer.from(bytes));
  lendBytes(socket, bytes);
  return true;
}
