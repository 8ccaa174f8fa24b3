import { FileError } from '../base/errors.ts';
import type { Attributes } from './attributes.ts';
import type { Exchange } from './exchange.ts';
import {
  type CheckFileRange,
  type CheckFileReply,
  checkFileHandlePacket,
  checkFileNamePacket,
  checkFileReply,
} from './extensions/check-file.ts';
import { copyDataPacket } from './extensions/copy-data.ts';
import { expandPathPacket } from './extensions/expand-path.ts';
import { fsyncPacket } from './extensions/fsync.ts';
import { hardlinkPacket } from './extensions/hardlink.ts';
import { homeDirectoryPacket } from './extensions/home-directory.ts';
import { type LimitsReply, limitsPacket, limitsReply } from './extensions/limits.ts';
import { lsetstatPacket } from './extensions/lsetstat.ts';
import { posixRenamePacket } from './extensions/posix-rename.ts';
import { fstatvfsPacket, type Statvfs, statvfsPacket, statvfsReply } from './extensions/statvfs.ts';
import {
  type UsersGroupsFields,
  type UsersGroupsReply,
  usersGroupsPacket,
  usersGroupsReply,
} from './extensions/users-groups-by-id.ts';
import type { SftpHandle } from './handle.ts';
import type { ExtendedPacket } from './packets/extended.ts';
import { oneNamePacket } from './packets/names.ts';
import type { Packet } from './packets/packet.ts';

/** Which part of an open file is copied, and where to. */
export interface CopyDataOptions {
  readonly from: SftpHandle;
  readonly fromPosition: number;
  readonly to: SftpHandle;
  readonly toPosition: number;
  /** How many bytes; 0 copies to the end of the file. */
  readonly length: number;
}

/**
 * The requests of extensions. Each throws a FileError `ENOTSUP` that names the extension where the server does not offer it, and as the session's own methods do otherwise.
 */
export class SftpExtensions {
  readonly #exchange: Exchange;
  /** What the server offers: names, and what stands beside them (mostly a version). */
  readonly offered: ReadonlyMap<string, string>;

  constructor(exchange: Exchange, offered: ReadonlyMap<string, string>) {
    this.#exchange = exchange;
    this.offered = offered;
  }

  /** Whether the server offers an extension, by its name on the wire. */
  has(name: string): boolean {
    return this.offered.has(name);
  }

  /** Why a request cannot be made, or undefined. */
  #refusal(name: string, path: string): Promise<never> | undefined {
    if (this.has(name)) return undefined;
    const reason = `the server does not offer ${name}`;
    return Promise.reject(new FileError(path, name, 'ENOTSUP', { reason }));
  }

  #status<F>(packet: ExtendedPacket<F>, fields: F, path: string): Promise<void> {
    const what = { operation: packet.name, path };
    return this.#refusal(packet.name, path) ?? this.#exchange.callStatus(packet, fields, what);
  }

  #call<F, R>(packet: ExtendedPacket<F>, fields: F, reply: Packet<R>, path: string): Promise<R> {
    const what = { operation: packet.name, path };
    return this.#refusal(packet.name, path) ?? this.#exchange.call(packet, fields, reply, what);
  }

  /** rename(2): replaces what is at `newPath`. */
  posixRename(oldPath: string, newPath: string): Promise<void> {
    return this.#status(posixRenamePacket, { oldPath, newPath }, newPath);
  }

  /** link(2): gives the file at `oldPath` the name `newPath` too. */
  hardlink(oldPath: string, newPath: string): Promise<void> {
    return this.#status(hardlinkPacket, { oldPath, newPath }, newPath);
  }

  /** fsync(2) */
  fsync(handle: SftpHandle): Promise<void> {
    return this.#status(fsyncPacket, handle.bytes, handle.path);
  }

  /** Changes the attributes of a link itself. */
  lsetstat(path: string, attributes: Attributes): Promise<void> {
    return this.#status(lsetstatPacket, { path, attributes }, path);
  }

  statvfs(path: string): Promise<Statvfs> {
    return this.#call(statvfsPacket, path, statvfsReply, path);
  }

  fstatvfs(handle: SftpHandle): Promise<Statvfs> {
    return this.#call(fstatvfsPacket, handle.bytes, statvfsReply, handle.path);
  }

  /** What the server told about its limits. `session.limits` is what to go by. */
  limits(): Promise<LimitsReply> {
    return this.#call(limitsPacket, undefined, limitsReply, limitsPacket.name);
  }

  /** The absolute path for `~`, `~/x`, `~user/x`. */
  expandPath(path: string): Promise<string> {
    return this.#call(expandPathPacket, path, oneNamePacket, path);
  }

  /** A user's home directory; of the user who is logged in where `user` is empty. */
  homeDirectory(user = ''): Promise<string> {
    return this.#call(homeDirectoryPacket, user, oneNamePacket, user === '' ? '~' : user);
  }

  /** Copies on the server, without a byte on the wire. The answer comes when all is copied. */
  copyData({ from, fromPosition, to, toPosition, length }: CopyDataOptions): Promise<void> {
    const fields = {
      readHandle: from.bytes,
      readOffset: fromPosition,
      length,
      writeHandle: to.bytes,
      writeOffset: toPosition,
    };
    return this.#status(copyDataPacket, fields, to.path);
  }

  /** The names of users and groups. */
  usersGroupsById(ids: UsersGroupsFields): Promise<UsersGroupsReply> {
    return this.#call(usersGroupsPacket, ids, usersGroupsReply, usersGroupsPacket.name);
  }

  /** Hashes of an open file's content, computed on the server. */
  checkFileHandle(handle: SftpHandle, range: CheckFileRange): Promise<CheckFileReply> {
    return this.#call(checkFileHandlePacket, { ...range, handle: handle.bytes }, checkFileReply, handle.path);
  }

  /** Hashes of a file's content, computed on the server. */
  checkFileName(path: string, range: CheckFileRange): Promise<CheckFileReply> {
    return this.#call(checkFileNamePacket, { ...range, path }, checkFileReply, path);
  }
}
