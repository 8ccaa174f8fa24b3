import { createHash, type Hash } from 'node:crypto';
import { FileError } from '../../base/errors.ts';
import {
  type CheckFileHandleFields,
  type CheckFileNameFields,
  type CheckFileRange,
  type CheckFileReply,
  checkFileReply,
} from '../extensions/check-file.ts';
import { answered, type Context, type Job } from './context.ts';
import { withFile } from './handle-requests.ts';
import { COPY_BYTES, MAX_HASH_BYTES } from './limits.ts';
import type { ServedFile } from './served-files.ts';

/** The least block that a client may ask for (draft-ietf-secsh-filexfer-extensions-00 section 3). Bytes. */
const MIN_BLOCK_BYTES = 256;

/** Their names in the draft are those of node:crypto. */
const algorithms: readonly string[] = ['sha256', 'sha384', 'sha512', 'sha224', 'sha1', 'md5'];

export function checkFileByHandle(job: Job, fields: CheckFileHandleFields, context: Context): void {
  withFile(job, fields.handle, context, async (file) =>
    context.replies.packet(job.id, checkFileReply, await checkFile(file, fields, context)),
  );
}

export function checkFileByName(job: Job, fields: CheckFileNameFields, context: Context): void {
  void answered(job, context, async () => {
    const how = { access: 'read', create: false, exclusive: false, truncate: false, append: false } as const;
    const file = await context.files.open(fields.path, { ...how, mode: undefined, inside: true });
    try {
      context.replies.packet(job.id, checkFileReply, await checkFile(file, fields, context));
    } finally {
      await file.close().catch(() => {});
    }
  });
}

/** @throws {FileError} EINVAL for a range that makes no sense, ENOTSUP where no algorithm is known */
async function checkFile(file: ServedFile, range: CheckFileRange, { unheard }: Context): Promise<CheckFileReply> {
  const algorithm = range.algorithms.find((one) => algorithms.includes(one));
  if (algorithm === undefined) throw new FileError('check-file', 'hash', 'ENOTSUP');
  const { offset, blockSize } = range;
  if (blockSize !== 0 && blockSize < MIN_BLOCK_BYTES) throw new FileError('check-file', 'hash', 'EINVAL');
  const { size } = await file.status();
  if (offset > size) throw new FileError('check-file', 'hash', 'EINVAL');
  const end = range.length === 0 ? size : Math.min(size, offset + range.length);
  const block = blockSize === 0 ? Number.POSITIVE_INFINITY : blockSize;
  const hashBytes = createHash(algorithm).digest().length;
  if (((end - offset) / block) * hashBytes > MAX_HASH_BYTES) throw new FileError('check-file', 'hash', 'EINVAL');
  const hashes: Buffer[] = [];
  const buffer = Buffer.allocUnsafeSlow(COPY_BYTES);
  for (let at = offset; at < end || hashes.length === 0; ) {
    const hash = createHash(algorithm);
    const stop = Math.min(end, at + block);
    at = await hashRange(file, hash, at, stop, { buffer, isUnwanted: () => unheard.aborted });
    hashes.push(hash.digest());
  }
  return { algorithm, hashes: Buffer.concat(hashes) };
}

interface Reading {
  readonly buffer: Buffer;
  /** Nobody waits for the outcome any more. */
  readonly isUnwanted: () => boolean;
}

/** @returns where it ended: `to`, or the end of the file where that is before it */
async function hashRange(
  file: ServedFile,
  hash: Hash,
  from: number,
  to: number,
  { buffer, isUnwanted }: Reading,
): Promise<number> {
  let at = from;
  while (at < to) {
    if (isUnwanted()) throw new FileError('check-file', 'hash', 'EPIPE');
    const count = await file.inspect(buffer.subarray(0, Math.min(buffer.length, to - at)), at);
    if (count === 0) return to;
    hash.update(buffer.subarray(0, count));
    at += count;
  }
  return at;
}
