import { FileError } from '../../base/errors.ts';
import type { Attributes } from '../attributes.ts';
import { attributesOf } from '../file-status.ts';
import type { ReadFields, WriteFields } from '../packets/handles.ts';
import { attrsPacket } from '../packets/names.ts';
import { answered, type Context, confirmed, type Job } from './context.ts';
import type { FileHandle } from './file-handle.ts';
import { MAX_CONTENT_BYTES } from './limits.ts';
import type { ListingHandle } from './listing-handle.ts';
import type { ServedFile } from './served-files.ts';
import { settable } from './settable.ts';

/*
 * Requests that name a handle. Those of one file are done in the order in which they came; those of different files side by side.
 */

/** A handle that stands for nothing, or for the wrong thing. Its name is nothing that a message could show. */
function badHandle(): FileError {
  return new FileError('handle', 'use', 'EBADF', { reason: 'Failure' });
}

/** The open file of a handle; where there is none, the client is told and the job is over. */
function fileOf(job: Job, handle: Uint8Array, context: Context): FileHandle | undefined {
  const found = context.handles.find(handle);
  if (found?.kind === 'file') return found;
  void answered(job, context, () => Promise.reject(badHandle()));
  return undefined;
}

export function read(job: Job, { handle, offset, length }: ReadFields, context: Context): void {
  const wanted = Math.min(length, MAX_CONTENT_BYTES);
  fileOf(job, handle, context)?.add({ ...job, kind: 'read', position: offset, length: wanted });
}

export function write(job: Job, { handle, offset, data }: WriteFields, context: Context): void {
  fileOf(job, handle, context)?.add({ ...job, kind: 'write', position: offset, data });
}

/** Does `work` with the open file when its turn has come. `work` answers. */
export function withFile(
  job: Job,
  handle: Uint8Array,
  context: Context,
  work: (file: ServedFile) => Promise<void>,
): void {
  const run = (file: ServedFile): Promise<void> => answered(job, context, () => work(file));
  fileOf(job, handle, context)?.add({ kind: 'other', run });
}

export function fstat(job: Job, handle: Uint8Array, context: Context): void {
  withFile(job, handle, context, async (file) => {
    context.replies.packet(job.id, attrsPacket, attributesOf(await file.status()));
  });
}

export function fsetstat(
  job: Job,
  { handle, attributes }: { readonly handle: Uint8Array; readonly attributes: Attributes },
  context: Context,
): void {
  withFile(job, handle, context, async (file) => {
    await file.setAttributes(settable(attributes, 'open file'));
    context.replies.ok(job.id);
  });
}

export function fsync(job: Job, handle: Uint8Array, context: Context): void {
  withFile(job, handle, context, async (file) => {
    await file.sync();
    context.replies.ok(job.id);
  });
}

export function close(job: Job, handle: Uint8Array, context: Context): void {
  const found = context.handles.find(handle);
  // From now on the handle stands for nothing, whatever becomes of the file.
  context.handles.remove(handle);
  if (found === undefined) void answered(job, context, () => Promise.reject(badHandle()));
  else if (found.kind === 'file') {
    const isWanted = (): boolean => job.isWanted() && !found.isSpoiled;
    found.add({ kind: 'other', run: (file) => confirmed({ ...job, isWanted }, context, () => file.close()) });
  } else void found.inTurn(() => confirmed(job, context, () => found.listing.close()));
}

export function readdir(job: Job, handle: Uint8Array, context: Context): void {
  const found: FileHandle | ListingHandle | undefined = context.handles.find(handle);
  if (found?.kind !== 'listing') void answered(job, context, () => Promise.reject(badHandle()));
  else {
    const work = (): Promise<void> => found.answer(job.id, context.replies, context.nowSeconds());
    void found.inTurn(() => answered(job, context, work));
  }
}
