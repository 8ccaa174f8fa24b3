import type { ConnectionError } from '../base/errors.ts';
import type { VerifiedContent } from '../files/content-check.ts';
import type { FileKind } from '../files/file-system.ts';
import type { EntryError } from './errors.ts';
import type { SignatureOptions } from './signature.ts';

/** What {@link CopyOptions.filter} is asked about. */
export interface FilterEntry {
  /** The last component of the path. */
  readonly name: string;
  /** From the source's own name on, joined by slashes: `photos/2024/a.jpg` where `photos` is copied, `2024/a.jpg` where `photos/.` is. */
  readonly path: string;
  readonly kind: FileKind;
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
}

/**
 * How to copy. What is marked with SFTP fails with a ConnectionError `ERR_NOT_OFFERED` on a host that has only the SCP protocol.
 */
export interface CopyOptions {
  /** Copy directories with all that is in them. Default false: a directory is an error. */
  readonly recursive?: boolean | undefined;
  /** Keep modes and times (whole seconds). Default false. */
  readonly preserve?: boolean | undefined;
  /** With `preserve`, keep set-user-ID, set-group-ID and sticky bits too. Default false. */
  readonly preserveSpecial?: boolean | undefined;
  /** Make the directories that are missing on the way to the target. Default false. SFTP */
  readonly mkdir?: boolean | undefined;
  /** Copy only files that match one of these patterns. `*.jpg` matches the name at any depth; a pattern with a slash matches the path as {@link FilterEntry.path} has it, with `**` for any directories. SFTP */
  readonly include?: string | readonly string[] | undefined;
  /** Leave out what matches one of these patterns, even if it is included; `tmp/` matches directories only. SFTP */
  readonly exclude?: string | readonly string[] | undefined;
  /** Leave out what this says false to: the files, or the directory with all that is in it. Asked after `include` and `exclude`. What it throws ends the copy. SFTP */
  readonly filter?: ((entry: FilterEntry) => boolean) | undefined;
  /** Leave out files that are there already with the same size and are not older. Default false. SFTP */
  readonly update?: boolean | undefined;
  /** Go on where an earlier copy of the same source broke off, and leave what there is where this one does. Default false. SFTP */
  readonly resume?: boolean | undefined;
  /** How often a lost connection is made again, after 1, 2, 5, 15 and then 60 seconds, 0 to 1,000. What has landed is not copied again. Default 0. */
  readonly retries?: number | undefined;
  /** Compare the content of each copy with its source (SHA-256) before it gets its name. Default false. SFTP */
  readonly verify?: boolean | undefined;
  /**
   * Only signed images land: a file gets its name, here or on a host, when its signature was verified. What is not good is an error of that file, and leaves nothing. Uploads are written beside their names, as with `atomic`. With the SCP protocol the source of an upload is verified before it is sent; between two hosts one must
   * have SFTP. Default: anything lands.
   */
  readonly verifySignature?: SignatureOptions | undefined;
  /**
   * Files on a host are written beside their names, made durable and renamed when they are whole. Default false: written in place as scp does, so an upload that is broken off leaves a mixture. Files of this
   * machine never are half-written. SFTP
   */
  readonly atomic?: boolean | undefined;
  /** How many files move at the same time, 1 to 1,024. Default 64; the SCP protocol moves one at a time. */
  readonly parallel?: number | undefined;
  /** `follow` copies what symbolic links lead to, as scp does; `copy` makes the same links (SFTP). Default `follow`. */
  readonly links?: 'follow' | 'copy' | undefined;
  /** Bytes per second for all files together. Default: no limit. */
  readonly rateBytesPerSecond?: number | undefined;
  /** Change nothing; `planned` and the events tell what would be copied. Default false. SFTP */
  readonly dryRun?: boolean | undefined;
  /** Paths of a source host are patterns (`*`, `?`, `[…]`), and `~user` at the start is a home directory. Default false: every path means itself. */
  readonly glob?: boolean | undefined;
  /**
   * What becomes of a copy when an entry fails. Default: the others are copied, and a CopyError with all errors is thrown in the end. `throw` stops at once with the error itself. `continue` copies the others and resolves, with the errors
   * in the result. A function decides for each error. What is about the whole copy (a lost connection, an abort) is thrown in any case.
   */
  readonly onError?: 'throw' | 'continue' | ((error: EntryError) => 'throw' | 'continue') | undefined;
  /** Stops the copy; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** What a copy did. */
export interface CopyResult {
  /** Files that were copied. */
  readonly files: number;
  /** Their content, in bytes. */
  readonly bytes: number;
  /** Files that were there already (`update`). */
  readonly skipped: number;
  /** Files that would be copied (`dryRun`). */
  readonly planned: number;
  /** How many entries failed. */
  readonly failed: number;
  /** Their errors, at most the first 1,000. */
  readonly errors: readonly EntryError[];
}

/** A file of a copy. One file is one object in all its events. */
export interface CopiedFile {
  /** The last component of its path. */
  readonly name: string;
  /** Where it comes from, as far as this side knows. Paths of a host are `host:path`. */
  readonly source: string | undefined;
  readonly target: string | undefined;
  /** Bytes. */
  readonly size: number;
}

/** What happens in a copy, in order. Later versions may add types: pass over those you do not know. */
export type CopyEvent =
  /** So many files, of so many bytes, were found to be copied. `all`: this is the whole. Trees are counted ahead of the copy, unless there is a `filter`. Not told by the SCP protocol, which finds a file when it begins. */
  | { readonly type: 'found'; readonly files: number; readonly bytes: number; readonly all: boolean }
  | { readonly type: 'file-start'; readonly file: CopiedFile }
  /** `fileBytes` of the file have moved, and `bytes` of all files. Left out while nobody takes events. */
  | { readonly type: 'bytes'; readonly file: CopiedFile; readonly fileBytes: number; readonly bytes: number }
  /** `failed` is followed by an `error`, unless the whole copy ends. `skipped` and `planned` files have no `file-start`. */
  | {
      readonly type: 'file-end';
      readonly file: CopiedFile;
      readonly outcome: 'copied' | 'failed' | 'skipped' | 'planned';
      /** What a copied file was found to be, with `verifySignature`. */
      readonly verified?: VerifiedContent;
    }
  /** An entry could not be copied. */
  | { readonly type: 'error'; readonly error: EntryError }
  /** The connection was lost and will be made again. */
  | { readonly type: 'retry'; readonly error: ConnectionError; readonly attempt: number; readonly pauseSeconds: number }
  /** The last one of a copy that does not throw. */
  | { readonly type: 'done'; readonly result: CopyResult };

/**
 * A copy that has begun. Await it for its result; iterate over it for its events. It goes on whether anybody does or not.
 *
 * Whoever begins to iterate in the turn in which the copy was begun misses nothing; a loop that is left early leaves the copy alone. An iteration throws what the copy throws. The copy waits for a
 * slow loop, so do not await the copy inside the loop.
 *
 * @example
 * const copy = host.upload('photos', 'backup/', { recursive: true });
 * for await (const event of copy) {
 *   if (event.type === 'file-end') console.log(event.outcome, event.file.name);
 * }
 * const { files } = await copy;
 */
export interface Copy extends Promise<CopyResult>, AsyncIterable<CopyEvent> {}
