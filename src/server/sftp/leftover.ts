import type { FileStatus } from '../../files/file-system.ts';
import type { PrivateName } from '../../files/private-names.ts';
import type { ProcessMark } from '../../files/process-mark.ts';

/** How long what came of a new file is kept after its session broke off, and what nobody here can tell to be in use. Milliseconds. */
export const KEPT_MS: number = 24 * 60 * 60 * 1000;

/** When a file was changed. Milliseconds since 1970. */
export interface FileTimes {
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** When a file was changed; where nobody tells more, when it was written. */
export function timesOf({ mtimeSeconds, ctimeSeconds = mtimeSeconds }: FileStatus): FileTimes {
  return { mtimeMs: mtimeSeconds * 1000, ctimeMs: ctimeSeconds * 1000 };
}

/** Whether a file has not been written for longer than anything is kept. A time in the future was set by somebody, and says nothing: then the last change counts, which nobody can set. */
export function isTooOld({ mtimeMs, ctimeMs }: FileTimes, nowMs: number): boolean {
  return nowMs - (mtimeMs > nowMs ? ctimeMs : mtimeMs) > KEPT_MS;
}

export interface LeftoverView {
  readonly process: ProcessMark;
  readonly nowMs: number;
  /** Whether what nobody here can tell to be in use counts as left once it is too old. */
  readonly byAge: boolean;
}

/**
 * Whether one of the server's own files is of no use any more: an upload whose process is gone, or one kept for too long. Uploads of another machine or PID namespace may be under way there, whatever is known here: those go by their age alone.
 */
export function isLeftover(own: PrivateName, times: FileTimes, { process, nowMs, byAge }: LeftoverView): boolean {
  switch (own.kind) {
    case 'upload':
      switch (process.fateOf(own.maker)) {
        case 'runs':
          return false;
        case 'gone':
          return true;
        case 'rebooted':
          // What was written since is written by a machine that only looks like this one.
          return times.mtimeMs < process.bootedMs() || (byAge && isTooOld(times, nowMs));
        default:
          return byAge && isTooOld(times, nowMs);
      }
    case 'kept':
      return isTooOld(times, nowMs);
    case 'unknown':
      return false;
    default:
      return own satisfies never;
  }
}
