import type { Space } from '../../files/file-system.ts';
import type { ByteReader } from '../../wire/byte-reader.ts';
import { SSH_FX_OP_UNSUPPORTED } from '../constants.ts';
import { checkFileHandlePacket, checkFileNamePacket } from '../extensions/check-file.ts';
import { copyDataPacket } from '../extensions/copy-data.ts';
import { expandPathPacket } from '../extensions/expand-path.ts';
import { fsyncPacket } from '../extensions/fsync.ts';
import { hardlinkPacket } from '../extensions/hardlink.ts';
import { homeDirectoryPacket } from '../extensions/home-directory.ts';
import { limitsPacket, limitsReply } from '../extensions/limits.ts';
import { lsetstatPacket } from '../extensions/lsetstat.ts';
import { posixRenamePacket } from '../extensions/posix-rename.ts';
import { fstatvfsPacket, type Statvfs, statvfsPacket, statvfsReply } from '../extensions/statvfs.ts';
import { usersGroupsPacket, usersGroupsReply } from '../extensions/users-groups-by-id.ts';
import type { ExtendedPacket } from '../packets/extended.ts';
import { checkFileByHandle, checkFileByName } from './check-file.ts';
import { answered, type Context, confirmed, type Job } from './context.ts';
import { copyData } from './copy-data.ts';
import { statusFor } from './failure.ts';
import { fsync, withFile } from './handle-requests.ts';
import type { LaneMode } from './lane.ts';
import { MAX_IDS, MAX_OPEN_HANDLES, TOLD_CONTENT_BYTES, TOLD_PACKET_BYTES } from './limits.ts';
import { name as oneName } from './path-requests.ts';
import type { Ready } from './requests.ts';
import { settable } from './settable.ts';

type Start<F> = (job: Job, fields: F, context: Context) => void;

interface Extension {
  /** How VERSION announces it, besides its name. */
  readonly version: string;
  readonly lane: LaneMode | undefined;
  read(body: ByteReader): (job: Job, context: Context) => void;
}

function extension<F>(
  packet: ExtendedPacket<F>,
  version: string,
  lane: LaneMode | undefined,
  start: Start<F>,
): [string, Extension] {
  const read = (body: ByteReader): ((job: Job, context: Context) => void) => {
    const fields = packet.read(body);
    return (job, context) => start(job, fields, context);
  };
  return [packet.name, { version, lane, read }];
}

/** The answer comes from the work. */
function working<F>(work: (job: Job, fields: F, context: Context) => Promise<void>): Start<F> {
  return (job, fields, context) => void answered(job, context, () => work(job, fields, context));
}

/** The answer is SSH_FX_OK. */
function changing<F>(work: (fields: F, context: Context) => Promise<void>): Start<F> {
  return (job, fields, context) => void confirmed(job, context, () => work(fields, context));
}

/** The longest name, as every file system here has it. */
const NAME_MAX = 255n;

function statvfsOf(space: Space): Statvfs {
  return {
    bsize: BigInt(space.blockBytes),
    frsize: BigInt(space.blockBytes),
    blocks: space.blocks,
    bfree: space.freeBlocks,
    bavail: space.availableBlocks,
    files: space.files,
    ffree: space.freeFiles,
    favail: space.freeFiles,
    fsid: 0n,
    flag: 0n,
    namemax: NAME_MAX,
  };
}

const extensions: ReadonlyMap<string, Extension> = new Map<string, Extension>([
  extension(
    posixRenamePacket,
    '1',
    'exclusive',
    changing(({ oldPath, newPath }, { files }) => files.rename(oldPath, newPath, true)),
  ),
  extension(
    statvfsPacket,
    '2',
    'shared',
    working(async ({ id }, path, { files, replies }) =>
      replies.packet(id, statvfsReply, statvfsOf(await files.space(path))),
    ),
  ),
  extension(fstatvfsPacket, '2', undefined, (job, handle, context) =>
    withFile(job, handle, context, async (file) =>
      context.replies.packet(job.id, statvfsReply, statvfsOf(await file.space())),
    ),
  ),
  extension(
    hardlinkPacket,
    '1',
    'exclusive',
    changing(({ oldPath, newPath }, { files }) => files.makeHardLink(oldPath, newPath)),
  ),
  extension(fsyncPacket, '1', undefined, fsync),
  extension(
    lsetstatPacket,
    '1',
    'exclusive',
    changing(({ path, attributes }, { files }) => files.setAttributes(path, settable(attributes, path), false)),
  ),
  extension(
    limitsPacket,
    '1',
    undefined,
    working(async ({ id }, _fields, { replies }) =>
      replies.packet(id, limitsReply, {
        maxPacketBytes: BigInt(TOLD_PACKET_BYTES),
        maxReadBytes: BigInt(TOLD_CONTENT_BYTES),
        maxWriteBytes: BigInt(TOLD_CONTENT_BYTES),
        maxOpenHandles: BigInt(MAX_OPEN_HANDLES),
      }),
    ),
  ),
  extension(
    expandPathPacket,
    '1',
    'shared',
    working((job, path, context) => oneName(job, context, context.files.expand(path))),
  ),
  extension(copyDataPacket, '1', undefined, copyData),
  extension(
    homeDirectoryPacket,
    '1',
    'shared',
    working((job, user, context) => oneName(job, context, context.files.home(user))),
  ),
  extension(
    usersGroupsPacket,
    '1',
    undefined,
    working(async ({ id }, { uids, gids }, { files, replies }) => {
      const found = await files.owners(uids.slice(0, MAX_IDS), gids.slice(0, MAX_IDS));
      replies.packet(id, usersGroupsReply, found);
    }),
  ),
  extension(checkFileHandlePacket, '1', undefined, checkFileByHandle),
  // Announced for both; paramiko asks by this name.
  extension({ ...checkFileHandlePacket, name: 'check-file' }, '1', undefined, checkFileByHandle),
  extension(checkFileNamePacket, '1', 'shared', checkFileByName),
]);

/** See Ready. copy-data is begun for its file to be given up: a CLOSE behind it must not land what is not whole. */
const completing: ReadonlySet<string> = new Set([fsyncPacket.name, copyDataPacket.name]);

/** What VERSION announces. */
export const announced: ReadonlyMap<string, string> = new Map(
  [...extensions].map(([extensionName, { version }]) => [extensionName, version]),
);

function shortName(name: string): string {
  return name.replace(/@.*$/s, '');
}

/** The names of the extensions in lists of what is allowed. */
export const extensionNames: readonly string[] = [...extensions.keys()].map(shortName);

/** Reads `string extended-request` and what follows it. What is not known is answered, not refused (draft section 8). */
export function extendedRequest(body: ByteReader): Ready {
  const name = body.name();
  const found = extensions.get(name);
  if (found === undefined) {
    const start = ({ id, done }: Job, { replies }: Context): void => {
      replies.status(id, statusFor(SSH_FX_OP_UNSUPPORTED));
      done();
    };
    return { name: 'extended', bytes: 0, lane: undefined, completes: false, start };
  }
  const completes = completing.has(name);
  return { name: shortName(name), bytes: 0, lane: found.lane, completes, start: found.read(body) };
}
