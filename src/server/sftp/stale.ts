import type { Directory } from '../../files/file-system.ts';
import type { PrivateName } from '../../files/private-names.ts';
import type { ProcessMark } from '../../files/process-mark.ts';
import { KEPT_MS } from './kept.ts';

/** Removes one of the server's own files that is of no use any more: an upload whose process is gone, or one kept for too long. Never throws. */
export async function removeStale(
  directory: Directory,
  name: string,
  own: PrivateName,
  processes: ProcessMark,
): Promise<void> {
  if (own.kind === 'unknown' || (own.kind === 'upload' && processes.isAlive(own.processId))) return;
  try {
    const status = await directory.status(name);
    if (status?.kind !== 'file') return;
    if (own.kind === 'upload' || Date.now() - status.mtimeSeconds * 1000 > KEPT_MS) await directory.remove(name);
  } catch {
    // Somebody else was faster, or it is not ours to remove.
  }
}
