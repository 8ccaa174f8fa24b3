import { type OnReadOpts, Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** Node's name for what is below a socket. */
interface WithHandle {
  _handle?: object | null;
}

/**
 * Reads a pipe of a child by a socket of our own, into one buffer again and again (see read-buffer.ts). Node reads such a pipe in pieces of up to 64 KiB, each in new memory; `child_process` has no option for that.
 *
 * @param child the stream that Node has made, in the turn in which it was made: it is being read, and nothing has come yet. It closes when the new one has closed, so that the child's `close` comes as always.
 * @returns the new stream, or the same one where Node keeps its handles elsewhere
 */
export function readByOneBuffer(child: Readable, onread: (socket: () => Socket) => OnReadOpts): Readable {
  const { _handle: handle } = child as WithHandle;
  if (!(child instanceof Socket) || !handle || child.readableLength > 0) return child;
  (child as WithHandle)._handle = null;
  const options = { handle, readable: true, writable: false, onread: onread(() => own) };
  const own: Socket = new Socket(options);
  own.once('close', () => child.destroy());
  return own;
}
