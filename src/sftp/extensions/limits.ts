import { type ExtendedPacket, extendedPacket, extendedReplyPacket } from '../packets/extended.ts';
import type { Packet } from '../packets/packet.ts';

/** The sizes that a server takes, as it tells them: 0 where it does not say. */
export interface LimitsReply {
  readonly maxPacketBytes: bigint;
  readonly maxReadBytes: bigint;
  readonly maxWriteBytes: bigint;
  readonly maxOpenHandles: bigint;
}

/** No fields (OpenSSH PROTOCOL section 4.8). */
export const limitsPacket: ExtendedPacket<undefined> = extendedPacket('limits@openssh.com', {
  write: () => {},
  read: () => undefined,
});

/** `uint64 max-packet-length, uint64 max-read-length, uint64 max-write-length, uint64 max-open-handles` */
export const limitsReply: Packet<LimitsReply> = extendedReplyPacket({
  write(writer, { maxPacketBytes, maxReadBytes, maxWriteBytes, maxOpenHandles }: LimitsReply) {
    for (const value of [maxPacketBytes, maxReadBytes, maxWriteBytes, maxOpenHandles]) writer.uint64Bits(value);
  },
  read: (reader): LimitsReply => ({
    maxPacketBytes: reader.uint64Bits(),
    maxReadBytes: reader.uint64Bits(),
    maxWriteBytes: reader.uint64Bits(),
    maxOpenHandles: reader.uint64Bits(),
  }),
});
