import { randomFillSync } from 'node:crypto';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';

/** Packets are made in memory of this size, again and again, while the socket takes them at once. Fits the cache of a processor. */
const MEMORY_BYTES: number = 512 * 1024;

/** Random bytes for padding are made so many at a time. */
const RANDOM_BYTES: number = 16 * 1024;

/** The length field and the length of the padding (RFC 4253 section 6). */
const HEADER_BYTES = 5;
/** The length field of AES-GCM is not encrypted and does not count for the padding (RFC 5647 section 7.2). */
const LENGTH_BYTES = 4;
const BLOCK_BYTES = 16;
const TAG_BYTES = 16;
const MIN_PADDING_BYTES = 4;

/** The cipher of ssh2 that encrypts a packet where it lies. */
const IN_PLACE = 'AESGCMCipherBinding';

/** The parts of ssh2's inside that are replaced. A version that has none of them is left as it is. */
interface Inside {
  readonly _protocol?: {
    readonly _authenticated?: boolean;
    readonly _cipher?: {
      allocPacket?: (payloadBytes: number) => Buffer;
      _onWrite?: (packet: Buffer) => void;
    };
  };
}

/**
 * Lets ssh2 1.17 make its packets in one piece of memory that is used again as soon as the socket has passed them on, and hand the packets of one turn to the socket together. By itself it takes new memory and asks for new random
 * bytes for each packet of 32 KiB, and each is a write of its own: for 1 GiB up, 0.3 s of this process and 0.3 s of sshd.
 *
 * Is called again after each key exchange, which makes a new cipher.
 */
export function reusePacketMemory(client: Client, stream: Duplex): void {
  const protocol = (client as unknown as Inside)._protocol;
  const cipher = protocol?._cipher;
  // Of other streams nobody knows when they have read what they were given.
  if (!(stream instanceof Socket) || cipher?._onWrite === undefined || cipher.allocPacket === undefined) return;
  const write = cipher._onWrite;
  cipher._onWrite = (packet) => {
    corkForThisTurn(stream);
    write(packet);
  };
  // A packet of a login may wait for an agent's signature while others are made and sent; later each is sent as it is made.
  if (cipher.constructor.name === IN_PLACE)
    cipher.allocPacket = packetsFrom(stream, () => protocol?._authenticated === true);
}

/** Until the end of the turn the socket keeps what it gets, and writes it together. */
function corkForThisTurn(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  process.nextTick(() => socket.uncork());
}

/** Makes packets with everything but the payload. */
function packetsFrom(socket: Socket, mayReuse: () => boolean): (payloadBytes: number) => Buffer {
  let memory: Buffer | undefined;
  let used = 0;
  const take = (bytes: number): Buffer => {
    if (!mayReuse()) return Buffer.allocUnsafe(bytes);
    memory ??= Buffer.allocUnsafeSlow(MEMORY_BYTES);
    // Nothing waits in the socket: nobody reads there any more.
    if (socket.writableLength === 0) used = 0;
    if (used + bytes > MEMORY_BYTES) return Buffer.allocUnsafe(bytes);
    const start = used;
    used += bytes;
    return memory.subarray(start, used);
  };
  const random = Buffer.allocUnsafeSlow(RANDOM_BYTES);
  let spent = RANDOM_BYTES;
  const pad = (packet: Buffer, at: number, bytes: number): void => {
    if (spent + bytes > RANDOM_BYTES) {
      randomFillSync(random);
      spent = 0;
    }
    packet.set(random.subarray(spent, spent + bytes), at);
    spent += bytes;
  };
  return (payloadBytes) => {
    const unpadded = HEADER_BYTES + payloadBytes;
    let padding = BLOCK_BYTES - ((unpadded - LENGTH_BYTES) % BLOCK_BYTES);
    if (padding < MIN_PADDING_BYTES) padding += BLOCK_BYTES;
    const packet = take(unpadded + padding + TAG_BYTES);
    packet.writeUInt32BE(unpadded + padding - LENGTH_BYTES, 0);
    packet[LENGTH_BYTES] = padding;
    pad(packet, unpadded, padding);
    return packet;
  };
}
