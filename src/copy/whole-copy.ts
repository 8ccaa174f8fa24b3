import { land, landInPlace } from '../files/landing.ts';
import type { FileCopyOptions } from './file-copy.ts';
import type { FoundFile } from './opened-source.ts';
import type { Place } from './target.ts';

/** Larger files go the ordinary way, in pieces. Bytes. */
const MAX_WHOLE_BYTES: number = 32 * 1024 - 1;

/**
 * Copies a small file that is new in its place in two steps, reading and writing it as a whole, where both sides can and nothing more is asked of it than its content. With trees of small files the steps that this leaves out are
 * most of the work.
 *
 * @returns false where it has not been copied, and nothing has happened: the ordinary way does it then, or tells what is wrong
 * @throws {FileError} it is there and may not hold all of the content. Errors of the connection pass.
 */
export function copyWhole(found: FoundFile, place: Place, options: FileCopyOptions): Promise<boolean> | false {
  const { directory: from, status } = found;
  const { directory: to } = place;
  if (status.kind !== 'file' || status.size > MAX_WHOLE_BYTES || asksForMore(options)) return false;
  if (from.readWhole === undefined || to.putWhole === undefined) return false;
  return options.land === (to.landsWhole === true ? land : landInPlace) ? inTwoSteps(found, place, options) : false;
}

async function inTwoSteps(
  { directory: from, name, status }: FoundFile,
  { directory: to, name: target }: Place,
  { turns, signal }: FileCopyOptions,
): Promise<boolean> {
  // What is there already is not replaced here. Written where it stands, the name is taken or it is not.
  if (to.landsWhole === true && (await to.status(target)) !== undefined) return false;
  const reading = from.readWhole?.(name, status);
  const whole = reading instanceof Promise ? await reading : reading;
  if (whole === undefined) return false;
  signal?.throwIfAborted();
  // It is a new file from the moment it is asked for: what may be the same one by another name waits.
  const release = turns?.fresh();
  try {
    return (await to.putWhole?.(target, whole.content, whole.status.mode & 0o777)) === true;
  } finally {
    release?.();
  }
}

function asksForMore({ preserve, verify, content, resume, rateLimit }: FileCopyOptions): boolean {
  return preserve || verify === true || content !== undefined || resume === true || rateLimit !== undefined;
}
