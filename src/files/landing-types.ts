import type { OpenFile } from './file-system.ts';

/** How names of files under way end. Servers sweep leftovers of a killed process by it. */
export const PARTIAL_SUFFIX = '.sealift-part';

export interface LandingOptions {
  /** Permission bits for a file that is new, lessened by the umask. */
  readonly mode: number;
  /** Whether a symbolic link at the name is written through. Default false: refused with ELOOP. */
  readonly follow?: boolean;
  /** Content and name are on stable storage before {@link Landing.commit} resolves. Default false. */
  readonly durable?: boolean;
}

/** What a landed file gets besides its content. Absent values are left as they are: a replaced file keeps its mode and owner. */
export interface LandingAttributes {
  readonly mode?: number | undefined;
  readonly times?: { readonly atimeSeconds: number; readonly mtimeSeconds: number } | undefined;
}

/**
 * A file that is being written and has not its name yet. Where it can, it is written beside the target and renamed over it, so that the name holds the whole old
 * or the whole new content at every moment and nothing half-written stays. Where a rename would break something (a device, a link that is followed, a file with several names or
 * with an owner we may not give), the target itself is written.
 */
export interface Landing {
  /** Takes over the chunk; a promise where the caller must wait before it goes on. @throws {FileError} */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** @throws {FileError} nothing has changed then, unless the target had to be written in place. */
  commit(attributes: LandingAttributes): Promise<void>;
  /** Removes every trace. Never throws. */
  discard(): Promise<void>;
}

/** Gives an open file what was asked for. @throws {FileError} */
export async function applyAttributes(file: OpenFile, attributes: LandingAttributes): Promise<void> {
  if (attributes.mode !== undefined) await file.setMode(attributes.mode);
  if (attributes.times !== undefined) await file.setTimes(attributes.times.atimeSeconds, attributes.times.mtimeSeconds);
}
