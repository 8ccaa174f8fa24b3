import type { FileKind, FileStatus, SpecialKind, Untold } from '../files/file-system.ts';
import type { Attributes } from './attributes.ts';

/** Where the permissions hold the type of a file, as stat(2) does (draft section 5). */
const TYPE_MASK = 0o170000;

function kindOf(permissions: number): FileKind {
  switch (permissions & TYPE_MASK) {
    case 0o040000:
      return 'directory';
    case 0o120000:
      return 'symlink';
    // Some servers send the bits without a type for regular files.
    case 0o100000:
    case 0:
      return 'file';
    default:
      return 'other';
  }
}

/** The type bits of what is neither file, directory nor link, as stat(2) has them. */
const specialTypes: readonly (readonly [number, SpecialKind])[] = [
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
  [0o020000, 'character device'],
  [0o060000, 'block device'],
];

function typeOf({ kind, special }: FileStatus): number {
  switch (kind) {
    case 'file':
      return 0o100000;
    case 'directory':
      return 0o040000;
    case 'symlink':
      return 0o120000;
    case 'other':
      // What it is exactly is not known everywhere; that it is no file must show.
      return specialTypes.find(([, name]) => name === special)?.[0] ?? 0o010000;
    default:
      return kind satisfies never;
  }
}

/** What a server tells about an entry: the inverse of {@link statusOf}. */
export function attributesOf(status: FileStatus): Attributes {
  const { size, uid, gid, atimeSeconds, mtimeSeconds } = status;
  return { size, uid, gid, permissions: typeOf(status) | (status.mode & 0o7777), atimeSeconds, mtimeSeconds };
}

/**
 * What a server told about an entry, in our terms. It may leave out anything: without permissions the entry counts as `absent` says, with mode 0644 (0755 for a directory); without a
 * size it has size 0, which for reading means "unknown" (see contentFrom); without times it is from 1970; without an owner it is root's. `untold` says which of these are stand-ins.
 *
 * SFTP 3 tells neither device nor inode nor the number of names: they are 0, 0 and 1. Two entries must never be taken for the same because these are equal; loops end by depth.
 */
export function statusOf(attributes: Attributes, absent: FileKind = 'file'): FileStatus {
  const { permissions } = attributes;
  const kind = permissions === undefined ? absent : kindOf(permissions);
  const special = specialTypes.find(([type]) => type === ((permissions ?? 0) & TYPE_MASK))?.[1];
  return {
    kind,
    ...(kind === 'other' ? { special } : {}),
    mode: permissions === undefined ? (kind === 'directory' ? 0o755 : 0o644) : permissions & 0o7777,
    size: attributes.size ?? 0,
    mtimeSeconds: attributes.mtimeSeconds ?? 0,
    atimeSeconds: attributes.atimeSeconds ?? 0,
    device: 0,
    inode: 0,
    links: 1,
    uid: attributes.uid ?? 0,
    gid: attributes.gid ?? 0,
    ...untoldOf(attributes),
  };
}

function untoldOf({ permissions, uid, size, mtimeSeconds }: Attributes): Pick<FileStatus, 'untold'> | undefined {
  if (permissions !== undefined && uid !== undefined && size !== undefined && mtimeSeconds !== undefined)
    return undefined;
  const untold: Untold[] = [];
  if (permissions === undefined) untold.push('mode');
  if (uid === undefined) untold.push('owner');
  if (size === undefined) untold.push('size');
  if (mtimeSeconds === undefined) untold.push('times');
  return { untold };
}
