import type { BufferPool } from './buffer-pool.ts';
import type { FileHandle } from './file-handle.ts';
import type { HandleTable } from './handle-table.ts';
import type { ConnectionHashing } from './hashing.ts';
import type { ListingHandle } from './listing-handle.ts';
import type { Replies } from './replies.ts';
import type { ServedFiles } from './served-files.ts';

/** What requests work with. */
export interface Context {
  readonly files: ServedFiles;
  readonly handles: HandleTable<FileHandle | ListingHandle>;
  readonly replies: Replies;
  readonly buffers: BufferPool;
  readonly hashing: ConnectionHashing;
  /** Aborted when nobody waits for answers any more: the client takes none, or everything is to stop. */
  readonly unheard: AbortSignal;
  /** Seconds since 1970. */
  readonly nowSeconds: () => number;
}

/** What one request does, and how it is told that it is over. */
export interface Job {
  readonly id: number;
  /** Whether it is still to be done, now that its turn has come. */
  readonly isWanted: () => boolean;
  /** The request is answered, or need not be: it does not count any more. */
  readonly done: () => void;
}

/** Runs the work, where it is still wanted, and answers with what it fails with. Never rejects. */
export async function answered(
  { id, isWanted, done }: Job,
  { replies }: Context,
  work: () => Promise<void>,
): Promise<void> {
  try {
    if (isWanted()) await work();
  } catch (error) {
    replies.failure(id, error);
  } finally {
    done();
  }
}

/** As {@link answered}, for work that is confirmed with SSH_FX_OK. */
export function confirmed(job: Job, context: Context, work: () => Promise<void>): Promise<void> {
  return answered(job, context, async () => {
    await work();
    context.replies.ok(job.id);
  });
}
