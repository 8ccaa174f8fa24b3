import { FileError } from '../../base/errors.ts';
import type { CopyDataFields } from '../extensions/copy-data.ts';
import { answered, type Context, type Job } from './context.ts';
import type { FileHandle } from './file-handle.ts';
import type { HashStep } from './hashing.ts';
import { COPY_BYTES } from './limits.ts';
import type { ServedFile } from './served-files.ts';

/**
 * Copies from one open file to another. It takes its turn with both at once, when it comes: so what was asked of either before is done, what is asked later waits, and two copies to and fro do not wait for each other. Within one file ranges must not overlap, as
 * with OpenSSH.
 */
export function copyData(job: Job, fields: CopyDataFields, context: Context): void {
  const { handles, replies } = context;
  const source = handles.find(fields.readHandle);
  const target = handles.find(fields.writeHandle);
  if (source?.kind !== 'file' || target?.kind !== 'file') {
    void answered(job, context, () => Promise.reject(new FileError('handle', 'copy', 'EBADF', { reason: 'Failure' })));
    return;
  }
  const turn = source === target ? undefined : takeTurn(source);
  const work = async (): Promise<void> => {
    await turn?.begun;
    if (turn === undefined) refuseOverlap(fields, (await target.file.status()).size);
    await copyInTurn(fields, context, source.file, target);
    replies.ok(job.id);
  };
  // The source is let go also where nothing is to be done any more.
  const run = (): Promise<void> => answered(job, context, work).finally(() => turn?.end());
  target.add({ kind: 'other', run });
}

/** Waits in the row of a file, and holds up what is behind until the end. */
function takeTurn(handle: FileHandle): { readonly begun: Promise<void>; end(): void } {
  let begin = (): void => {};
  let end = (): void => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const run = (): Promise<void> => {
    begin();
    return ended;
  };
  handle.add({ kind: 'other', run });
  return { begun, end };
}

/** What is written is hashed on the thread that serves everybody, as with check-file. */
async function copyInTurn(
  fields: CopyDataFields,
  { hashing, unheard }: Context,
  source: ServedFile,
  target: FileHandle,
): Promise<void> {
  try {
    await hashing.run(unheard, (step) => copy(fields, source, target.file, step));
  } catch (error) {
    // A CLOSE may be there already.
    if (unheard.aborted) target.isSpoiled = true;
    throw error;
  }
}

async function copy(
  { readOffset, length, writeOffset }: CopyDataFields,
  source: ServedFile,
  target: ServedFile,
  step: HashStep,
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(COPY_BYTES);
  const end = length === 0 ? Number.POSITIVE_INFINITY : length;
  for (let done = 0; done < end; ) {
    const wanted = buffer.subarray(0, Math.min(buffer.length, end - done));
    const count = await source.inspect(wanted, readOffset + done);
    // The source ends before the range does: OpenSSH takes that for a failure unless all was asked for.
    if (count === 0 && length === 0) return;
    if (count === 0) throw new FileError('copy-data', 'copy', 'EINVAL');
    await target.write([wanted.subarray(0, count)], writeOffset + done);
    done += count;
    await step(count);
  }
}

/** @throws {FileError} EINVAL */
function refuseOverlap({ readOffset, length, writeOffset }: CopyDataFields, size: number): void {
  const count = length === 0 ? Math.max(0, size - readOffset) : length;
  if (readOffset < writeOffset + count && writeOffset < readOffset + count)
    throw new FileError('copy-data', 'copy', 'EINVAL');
}
