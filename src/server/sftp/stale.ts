import type { Directory } from '../../files/file-system.ts';
import type { PrivateName } from '../../files/private-names.ts';
import type { ProcessMark } from '../../files/process-mark.ts';
import { isLeftover, timesOf } from './leftover.ts';

/** Removes one of the server's own files that is of no use any more. What another machine or container may be writing is left to the sweep. Never throws. @returns whether it is gone */
export async function removeStale(
  directory: Directory,
  name: string,
  own: PrivateName,
  processes: ProcessMark,
): Promise<boolean> {
  if (own.kind === 'unknown' || (own.kind === 'upload' && processes.fateOf(own.maker) === 'runs')) return false;
  try {
    const status = await directory.status(name);
    if (status?.kind !== 'file') return status === undefined;
    const view = { process: processes, nowMs: Date.now(), byAge: false };
    if (!isLeftover(own, timesOf(status), view)) return false;
    await directory.remove(name);
    return true;
  } catch {
    // Somebody else was faster, or it is not ours to remove.
    return false;
  }
}
