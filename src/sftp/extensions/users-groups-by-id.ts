import { ByteReader } from '../../wire/byte-reader.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { type ExtendedPacket, extendedPacket, extendedReplyPacket } from '../packets/extended.ts';
import type { Packet } from '../packets/packet.ts';

const NAME = 'users-groups-by-id@openssh.com';

export interface UsersGroupsFields {
  readonly uids: readonly number[];
  readonly gids: readonly number[];
}

export interface UsersGroupsReply {
  /** In the order of the ids that were asked for; empty where there is no such user. */
  readonly userNames: readonly string[];
  readonly groupNames: readonly string[];
}

/** A list that travels inside a string, without a count. */
function pack<T>(items: readonly T[], write: (writer: ByteWriter, item: T) => void): Buffer {
  const writer = new ByteWriter(256);
  for (const item of items) write(writer, item);
  return writer.take();
}

function unpack<T>(bytes: Uint8Array, read: (reader: ByteReader) => T): T[] {
  const reader = new ByteReader(bytes, NAME);
  const items: T[] = [];
  while (reader.remaining > 0) items.push(read(reader));
  return items;
}

const packIds = (ids: readonly number[]): Buffer => pack(ids, (writer, id) => writer.uint32(id));
const packNames = (names: readonly string[]): Buffer => pack(names, (writer, name) => writer.name(name));

/** `string uids, string gids`, each a row of uint32 (OpenSSH PROTOCOL section 4.11). */
export const usersGroupsPacket: ExtendedPacket<UsersGroupsFields> = extendedPacket(NAME, {
  write(writer, { uids, gids }: UsersGroupsFields) {
    writer.string(packIds(uids));
    writer.string(packIds(gids));
  },
  read: (reader): UsersGroupsFields => ({
    uids: unpack(reader.string(), (ids) => ids.uint32()),
    gids: unpack(reader.string(), (ids) => ids.uint32()),
  }),
});

/** `string usernames, string groupnames`, each a row of strings. */
export const usersGroupsReply: Packet<UsersGroupsReply> = extendedReplyPacket({
  write(writer, { userNames, groupNames }: UsersGroupsReply) {
    writer.string(packNames(userNames));
    writer.string(packNames(groupNames));
  },
  read: (reader): UsersGroupsReply => ({
    userNames: unpack(reader.string(), (names) => names.name()),
    groupNames: unpack(reader.string(), (names) => names.name()),
  }),
});
