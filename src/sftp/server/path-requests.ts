import {
  SSH_FXF_APPEND,
  SSH_FXF_CREAT,
  SSH_FXF_EXCL,
  SSH_FXF_READ,
  SSH_FXF_TRUNC,
  SSH_FXF_WRITE,
} from '../constants.ts';
import { attributesOf } from '../file-status.ts';
import { handlePacket, type OpenFields } from '../packets/handles.ts';
import { attrsPacket, oneNamePacket } from '../packets/names.ts';
import type { Context, Job } from './context.ts';
import { FileHandle } from './file-handle.ts';
import { ListingHandle } from './listing-handle.ts';
import type { OpenHow } from './served-files.ts';

/*
 * Requests that name a path and need more than one call. Each throws FileError and answers otherwise.
 */

/** Which flags of OPEN mean what (draft section 6.3). Neither READ nor WRITE means READ, as with OpenSSH. */
export function openHow({ flags, attributes }: OpenFields): OpenHow {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const writes = has(SSH_FXF_WRITE);
  return {
    access: writes ? (has(SSH_FXF_READ) ? 'read-write' : 'write') : 'read',
    create: writes && has(SSH_FXF_CREAT),
    exclusive: has(SSH_FXF_EXCL),
    truncate: writes && has(SSH_FXF_TRUNC),
    append: writes && has(SSH_FXF_APPEND),
    mode: attributes.permissions === undefined ? undefined : attributes.permissions & 0o7777,
  };
}

export async function open({ id }: Job, fields: OpenFields, context: Context): Promise<void> {
  const { files, handles, replies, buffers } = context;
  handles.reserve(fields.path);
  let handle: FileHandle;
  try {
    handle = new FileHandle(await files.open(fields.path, openHow(fields)), replies, buffers);
  } catch (error) {
    handles.release();
    throw error;
  }
  replies.packet(id, handlePacket, handles.add(handle));
}

export async function opendir({ id }: Job, path: string, context: Context): Promise<void> {
  const { files, handles, replies } = context;
  handles.reserve(path);
  let handle: ListingHandle;
  try {
    handle = new ListingHandle(await files.list(path), files);
  } catch (error) {
    handles.release();
    throw error;
  }
  replies.packet(id, handlePacket, handles.add(handle));
}

export async function stat({ id }: Job, path: string, context: Context, follow: boolean): Promise<void> {
  context.replies.packet(id, attrsPacket, attributesOf(await context.files.status(path, follow)));
}

/** Answers with one name. */
export async function name({ id }: Job, context: Context, found: Promise<string>): Promise<void> {
  context.replies.packet(id, oneNamePacket, await found);
}
