import type { ByteReader } from '../../wire/byte-reader.ts';
import {
  packetName,
  SSH_FXP_CLOSE,
  SSH_FXP_EXTENDED,
  SSH_FXP_FSETSTAT,
  SSH_FXP_FSTAT,
  SSH_FXP_LSTAT,
  SSH_FXP_MKDIR,
  SSH_FXP_OPEN,
  SSH_FXP_OPENDIR,
  SSH_FXP_READ,
  SSH_FXP_READDIR,
  SSH_FXP_READLINK,
  SSH_FXP_REALPATH,
  SSH_FXP_REMOVE,
  SSH_FXP_RENAME,
  SSH_FXP_RMDIR,
  SSH_FXP_SETSTAT,
  SSH_FXP_STAT,
  SSH_FXP_SYMLINK,
  SSH_FXP_WRITE,
} from '../constants.ts';
import * as packets from '../packets/handles.ts';
import type { Packet } from '../packets/packet.ts';
import * as paths from '../packets/paths.ts';
import { answered, type Context, confirmed, type Job } from './context.ts';
import { extendedRequest, extensionNames } from './extended-requests.ts';
import * as handles from './handle-requests.ts';
import type { LaneMode } from './lane.ts';
import { MAX_CONTENT_BYTES } from './limits.ts';
import * as byPath from './path-requests.ts';
import { settable } from './settable.ts';

/** A request that was read: what it counts for, which others it must not overtake, and what it does. */
export interface Ready {
  /** How OpenSSH's sftp-server calls it in its lists of what is allowed: `open`, `posix-rename`. */
  readonly name: string;
  /** Content that it brings or asks for. Bytes. */
  readonly bytes: number;
  /** The order among requests that name paths; undefined for those that name a handle, which keeps its own. */
  readonly lane: LaneMode | undefined;
  /** Whether it goes on with a file that is open for writing: then it is done, once it was received, even where nobody waits for the answer any more. */
  readonly completes: boolean;
  /** Answers, and tells the job when that is done. Never throws. */
  start(job: Job, context: Context): void;
}

/** Reads the fields of a request. @throws {ProtocolError} */
type Reader = (body: ByteReader) => Ready;

function nameOf({ type }: { readonly type: number }): string {
  return packetName(type).toLowerCase();
}

interface HandleTraits<F> {
  readonly bytesOf?: (fields: F) => number;
  /** See {@link Ready}. */
  readonly completes?: boolean;
}

function onHandle<F>(
  packet: Packet<F>,
  start: (job: Job, fields: F, context: Context) => void,
  { bytesOf = () => 0, completes = false }: HandleTraits<F> = {},
): Reader {
  return (body) => {
    const fields = packet.read(body);
    return {
      name: nameOf(packet),
      bytes: bytesOf(fields),
      lane: undefined,
      completes,
      start: (job, context) => start(job, fields, context),
    };
  };
}

/** A request whose work answers. */
function onPath<F>(
  packet: Packet<F>,
  lane: LaneMode | ((fields: F) => LaneMode),
  work: (job: Job, fields: F, context: Context) => Promise<void>,
): Reader {
  return (body) => {
    const fields = packet.read(body);
    return {
      name: nameOf(packet),
      bytes: 0,
      lane: typeof lane === 'string' ? lane : lane(fields),
      completes: false,
      start: (job, context) => void answered(job, context, () => work(job, fields, context)),
    };
  };
}

/** A request that changes something and is answered with SSH_FX_OK. */
function change<F>(packet: Packet<F>, work: (fields: F, context: Context) => Promise<void>): Reader {
  return (body) => {
    const fields = packet.read(body);
    const start = (job: Job, context: Context): void => void confirmed(job, context, () => work(fields, context));
    return { name: nameOf(packet), bytes: 0, lane: 'exclusive', completes: false, start };
  };
}

const readers: ReadonlyMap<number, Reader> = new Map<number, Reader>([
  [
    SSH_FXP_OPEN,
    onPath(
      packets.openPacket,
      (fields) => (byPath.openHow(fields).access === 'read' ? 'shared' : 'exclusive'),
      byPath.open,
    ),
  ],
  [SSH_FXP_CLOSE, onHandle(packets.closePacket, handles.close, { completes: true })],
  [
    SSH_FXP_READ,
    onHandle(packets.readPacket, handles.read, { bytesOf: ({ length }) => Math.min(length, MAX_CONTENT_BYTES) }),
  ],
  [
    SSH_FXP_WRITE,
    onHandle(packets.writePacket, handles.write, { bytesOf: ({ data }) => data.length, completes: true }),
  ],
  [SSH_FXP_LSTAT, onPath(paths.lstatPacket, 'shared', (job, path, context) => byPath.stat(job, path, context, false))],
  [SSH_FXP_STAT, onPath(paths.statPacket, 'shared', (job, path, context) => byPath.stat(job, path, context, true))],
  [SSH_FXP_FSTAT, onHandle(packets.fstatPacket, handles.fstat)],
  [
    SSH_FXP_SETSTAT,
    change(paths.setstatPacket, ({ path, attributes }, { files }) =>
      files.setAttributes(path, settable(attributes, path), true),
    ),
  ],
  [SSH_FXP_FSETSTAT, onHandle(packets.fsetstatPacket, handles.fsetstat, { completes: true })],
  [SSH_FXP_OPENDIR, onPath(paths.opendirPacket, 'shared', byPath.opendir)],
  [SSH_FXP_READDIR, onHandle(packets.readdirPacket, handles.readdir)],
  [SSH_FXP_REMOVE, change(paths.removePacket, (path, { files }) => files.remove(path))],
  [
    SSH_FXP_MKDIR,
    change(paths.mkdirPacket, ({ path, attributes }, { files }) =>
      files.makeDirectory(path, attributes.permissions === undefined ? undefined : attributes.permissions & 0o7777),
    ),
  ],
  [SSH_FXP_RMDIR, change(paths.rmdirPacket, (path, { files }) => files.removeDirectory(path))],
  [
    SSH_FXP_REALPATH,
    onPath(paths.realpathPacket, 'shared', (job, path, context) =>
      byPath.name(job, context, context.files.realPath(path)),
    ),
  ],
  [
    SSH_FXP_RENAME,
    change(paths.renamePacket, ({ oldPath, newPath }, { files }) => files.rename(oldPath, newPath, false)),
  ],
  [
    SSH_FXP_READLINK,
    onPath(paths.readlinkPacket, 'shared', (job, path, context) =>
      byPath.name(job, context, context.files.readLink(path)),
    ),
  ],
  [
    SSH_FXP_SYMLINK,
    change(paths.symlinkPacket, ({ linkPath, targetPath }, { files }) => files.makeLink(linkPath, targetPath)),
  ],
  [SSH_FXP_EXTENDED, extendedRequest],
]);

/** The names of all requests that can be allowed or denied. */
export const requestNames: readonly string[] = [
  ...[...readers.keys()].filter((type) => type !== SSH_FXP_EXTENDED).map((type) => packetName(type).toLowerCase()),
  ...extensionNames,
];

/** How the fields of a request of this type are read; undefined for a type that is no request. */
export function readerOf(type: number): Reader | undefined {
  return readers.get(type);
}
