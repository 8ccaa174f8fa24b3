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
import type { HashStep } from './hashing.ts';
import { COPY_BYTES, MAX_HASH_BYTES } from './limits.ts';
import type { ServedFile } from './served-files.ts';

/** The least block that a client may ask for (draft-ietf-secsh-filexfer-extensions-00 section 3). Bytes. */
const MIN_BLOCK_BYTES = 256;

/** Their names in the draft are those of node:crypto. */
const algorithms: readonly string[] = ['sha256', 'sha384', 'sha512', 'sha224', 'sha1', 'md5'];

export function checkFileByHandle(job: Job, fields: CheckFileHandleFields, context: Context): void {
  withFile(job, fields.handle, context, (file) => inTurn(job, context, (step) => checkFile(file, fields, step)));
}

export function checkFileByName(job: Job, fields: CheckFileNameFields, context: Context): void {
  const hash = async (step: HashStep): Promise<CheckFileReply> => {
    const how = { access: 'read', create: false, exclusive: false, truncate: false, append: false } as const;
    const file = await context.files.open(fields.path, { ...how, mode: undefined, inside: true });
    try {
      return await checkFile(file, fields, step);
    } finally {
      await file.close().catch(() => {});
    }
  };
  // Nothing is opened before its turn has come.
  void answered(job, context, () => inTurn(job, context, hash));
}

/** Answers with what `hash` gives when its turn has come. */
async function inTurn(
  { id }: Job,
  { hashing, replies, unheard }: Context,
  hash: (step: HashStep) => Promise<CheckFileReply>,
): Promise<void> {
  replies.packet(id, checkFileReply, await hashing.run(unheard, hash));
}

/** @throws {FileError} EINVAL for a range that makes no sense, ENOTSUP where no algorithm is known */
async function checkFile(file: ServedFile, range: CheckFileRange, step: HashStep): Promise<CheckFileReply> {
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
    at = await hashRange(file, hash, at, stop, { buffer, step });
    hashes.push(hash.digest());
  }
  return { algorithm, hashes: Buffer.concat(hashes) };
}

interface Reading {
  readonly buffer: Buffer;
  readonly step: HashStep;
}

/** @returns where it ended: `to`, or the end of the file where that is before it */
async function hashRange(
  file: ServedFile,
  hash: Hash,
  from: number,
  to: number,
  { buffer, step }: Reading,
): Promise<number> {
  let at = from;
  while (at < to) {
    const count = await file.inspect(buffer.subarray(0, Math.min(buffer.length, to - at)), at);
    if (count === 0) return to;
    hash.update(buffer.subarray(0, count));
    at += count;
    await step(count);
  }
  return at;
}
