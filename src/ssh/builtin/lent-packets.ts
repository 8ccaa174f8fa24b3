import type { Client, ClientChannel } from 'ssh2';
import { canLend, lendBytes } from '../../base/lent-bytes.ts';

/** RFC 4254 section 5.2. */
const SSH_MSG_CHANNEL_DATA = 94;
/** The type, the number of the channel and the length. */
const CHANNEL_DATA_HEADER_BYTES = 9;

/** ssh2 takes packets up to this length, without their length field and tag (RFC 4253 section 6.1 asks for 35,000 with both). */
const MAX_PACKET_BYTES: number = 35_000 - 20;
const LENGTH_BYTES = 4;
const BLOCK_BYTES = 16;
const TAG_BYTES = 16;

/** How much a server may send to a reader that takes everything at once. Bytes. 160 MB/s over a round trip of 100 ms. */
const WINDOW_BYTES: number = 16 * 1024 * 1024;

/** The decipher of ssh2 that decrypts a packet where it lies. */
const IN_PLACE = 'AESGCMDecipherBinding';

/** They decrypt into new memory at once. */
const COPYING_DECIPHERS: readonly string[] = ['AESGCMDecipherNative', 'GenericDecipherNative'];

/** That decipher, as far as it matters here. What has come of a packet is in the fields, so that one way of decrypting can take over from the other at any byte. */
interface Decipher {
  inSeqno: number;
  _len: number;
  _lenBytes: number;
  _packet: Uint8Array | null;
  _pktLen: number;
  readonly _tag: Buffer;
  _tagPos: number;
  readonly _instance: { decrypt(packet: Uint8Array, length: number, tag: Uint8Array): void };
  readonly _onPayload: (payload: Buffer) => number | false | undefined;
  decrypt(data: Buffer, at: number, end: number): number | undefined;
}

/** The parts of ssh2's inside that are used. A version that has none of them is left as it is. */
interface Inside {
  readonly _protocol?: { readonly _decipher?: object };
  readonly _chanMgr?: { get(number: number): unknown };
}

/** The same of a channel. */
interface Windowed {
  readonly incoming?: { window: number };
  readonly outgoing?: { readonly id: number; readonly state: string };
  readonly _client?: { readonly _protocol?: { channelWindowAdjust(channel: number, bytes: number): void } };
}

/** Deciphers that decrypt as it is done here. */
const lending = new WeakSet<object>();

/** Channels whose reader looks after bytes that are only lent. */
const borrowing = new WeakSet<object>();

/** Whether the payload at hand lies in memory that will be used again. */
let isPayloadLent = false;

/** Whether ssh2, as it decrypts now, is done with the bytes that it was given as soon as it returns. */
export function copiesInput(client: Client): boolean {
  const decipher = (client as unknown as Inside)._protocol?._decipher;
  return decipher !== undefined && (COPYING_DECIPHERS.includes(decipher.constructor.name) || lending.has(decipher));
}

/**
 * Lets ssh2 1.17 decrypt into memory that is used again: where the bytes came in, or in a buffer of its own for a packet that came in pieces. By itself it keeps parts of what came, so that each read of the socket needs memory of its
 * own, which V8 collects late and with much work: for 1 GiB down, 0.6 s. Content of channels that borrow is lent; everything else is copied.
 *
 * Is called again after each key exchange, which makes a new decipher.
 */
export function reusePayloadMemory(client: Client): void {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Inside;
  const decipher = protocol?._decipher;
  if (decipher?.constructor.name !== IN_PLACE || channels === undefined) return;
  const takesLent = (payload: Buffer): boolean => {
    if (payload.length < CHANNEL_DATA_HEADER_BYTES || payload[0] !== SSH_MSG_CHANNEL_DATA) return false;
    const channel = channels.get(payload.readUInt32BE(1));
    return typeof channel === 'object' && channel !== null && borrowing.has(channel);
  };
  decryptInPlace(decipher as Decipher, takesLent);
  lending.add(decipher);
}

/**
 * Makes a channel take bytes that are only lent: its reader borrows them, or gets a copy. Where the reader borrows, it takes everything at once, and the window may be large: ssh2's own 2 MiB, refilled at half, are 10 MB/s over a round
 * trip of 100 ms.
 */
export function borrowPackets(channel: ClientChannel): void {
  const push = channel.push.bind(channel);
  channel.push = (packet: Buffer | null): boolean => {
    if (packet === null || !canLend(channel))
      return push(packet === null || !isPayloadLent ? packet : Buffer.from(packet));
    lendBytes(channel, packet);
    openWindow(channel as unknown as Windowed);
    return true;
  };
  borrowing.add(channel);
}

/** Opens the window again where half of it is used up. The protocol above bounds what is asked for, and what nobody has asked for ends it. */
function openWindow({ incoming, outgoing, _client: client }: Windowed): void {
  const protocol = client?._protocol;
  if (incoming === undefined || incoming.window > WINDOW_BYTES / 2 || outgoing?.state !== 'open' || !protocol) return;
  const more = WINDOW_BYTES - incoming.window;
  incoming.window += more;
  protocol.channelWindowAdjust(outgoing.id, more);
}

function decryptInPlace(decipher: Decipher, takesLent: (payload: Buffer) => boolean): void {
  const gathered = Buffer.allocUnsafeSlow(MAX_PACKET_BYTES);
  decipher.decrypt = (data, start, end) => {
    let at = start;
    while (at < end) {
      at = readLength(decipher, data, at, end);
      if (decipher._lenBytes < LENGTH_BYTES) return undefined;
      const length = decipher._len;
      let packet: Buffer;
      if (decipher._pktLen === 0 && end - at >= length + TAG_BYTES) {
        packet = data.subarray(at, at + length);
        decipher._tag.set(data.subarray(at + length, at + length + TAG_BYTES));
        at += length + TAG_BYTES;
      } else {
        at = gather(decipher, gathered, data, at, end);
        if (decipher._tagPos < TAG_BYTES) return undefined;
        packet = gathered.subarray(0, length);
      }
      decipher._instance.decrypt(packet, length, decipher._tag);
      decipher.inSeqno = (decipher.inSeqno + 1) >>> 0;
      decipher._len = 0;
      decipher._lenBytes = 0;
      decipher._packet = null;
      decipher._pktLen = 0;
      decipher._tagPos = 0;
      const next = handOver(decipher, packet.subarray(1, Math.max(1, length - (packet[0] as number))), takesLent);
      if (next !== undefined) return next === false ? at : next;
    }
    return undefined;
  };
}

function readLength(decipher: Decipher, data: Buffer, start: number, end: number): number {
  let at = start;
  if (decipher._lenBytes === LENGTH_BYTES) return at;
  for (; decipher._lenBytes < LENGTH_BYTES && at < end; decipher._lenBytes++)
    decipher._len = decipher._len * 256 + (data[at++] as number);
  const length = decipher._len;
  const isRight = length >= BLOCK_BYTES && length <= MAX_PACKET_BYTES && length % BLOCK_BYTES === 0;
  if (decipher._lenBytes === LENGTH_BYTES && !isRight) throw new Error(`Bad packet length: ${length}`);
  return at;
}

/** Puts a packet together that comes in pieces. */
function gather(decipher: Decipher, memory: Buffer, data: Buffer, start: number, end: number): number {
  let at = start;
  // What the other way of decrypting has begun.
  if (decipher._packet !== null && decipher._packet !== memory)
    memory.set(decipher._packet.subarray(0, decipher._pktLen));
  decipher._packet = memory;
  const count = Math.min(decipher._len - decipher._pktLen, end - at);
  decipher._pktLen += data.copy(memory, decipher._pktLen, at, at + count);
  at += count;
  const tag = Math.min(TAG_BYTES - decipher._tagPos, end - at);
  decipher._tagPos += data.copy(decipher._tag, decipher._tagPos, at, at + tag);
  return at + tag;
}

function handOver(
  decipher: Decipher,
  payload: Buffer,
  takesLent: (payload: Buffer) => boolean,
): number | false | undefined {
  if (!takesLent(payload)) return decipher._onPayload(Buffer.from(payload));
  isPayloadLent = true;
  try {
    return decipher._onPayload(payload);
  } finally {
    isPayloadLent = false;
  }
}
