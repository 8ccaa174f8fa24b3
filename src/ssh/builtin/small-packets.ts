import type { Readable } from 'node:stream';

/** Packets below this are put together. */
const SMALL_BYTES = 1024;
/** What they are put together to. */
const BLOCK_BYTES = 4096;

/**
 * Puts small packets together where they would have to wait in a stream of ssh2. Each waits there in some 400 bytes of
 * memory of its own, while its window counts the bytes alone: a server that sends single bytes could fill hundreds of MiB.
 */
export function packSmallPackets(stream: Readable): void {
  const push = stream.push.bind(stream);
  let block: Buffer | undefined;
  let used = 0;
  const flush = (): boolean => {
    const packed = block?.subarray(0, used);
    block = undefined;
    used = 0;
    return packed === undefined || push(packed);
  };
  const pack = (packet: Buffer): boolean => {
    if (used + packet.length > BLOCK_BYTES) flush();
    block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
    used += packet.copy(block, used);
    return stream.readableLength + used < stream.readableHighWaterMark || flush();
  };
  stream.push = (packet: Buffer | null): boolean => {
    if (packet !== null && packet.length < SMALL_BYTES && stream.readableLength > 0) return pack(packet);
    flush();
    return push(packet);
  };
  // Whoever has read all that waited gets the rest, even if no more comes.
  stream.on('data', () => {
    if (stream.readableLength === 0) flush();
  });
}
