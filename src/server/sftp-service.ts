import type { Readable, Writable } from 'node:stream';
import { SealiftError } from '../base/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import { thisProcess } from '../files/process-mark.ts';
import { startOf } from '../files/start-paths.ts';
import { serveSftp } from '../sftp/server/session.ts';
import type { Direction } from './events.ts';
import type { FileTransfer, SftpObserver } from './sftp/options.ts';
import { nobodyElse } from './sftp/people.ts';
import { SessionFiles } from './sftp/session-files.ts';
import type { SessionEvent } from './transfer-count.ts';

export interface SftpServiceOptions {
  readonly fileSystem: FileSystem;
  readonly user: string;
  /** Whether a file is on stable storage before its upload is confirmed. */
  readonly durable: boolean;
  readonly emit: (event: SessionEvent) => void;
  /** Told when the client has something open or under way, and when it has not. */
  readonly busy: (isBusy: boolean) => void;
}

/**
 * Serves one SFTP session on a channel: files below the root, modes up to 0777, owners as they are.
 *
 * @returns the exit status: 1 where the client broke the rules or left in the middle of something. Never rejects.
 */
export async function runSftpService(
  input: Readable,
  output: Writable,
  { fileSystem, user, durable, emit, busy }: SftpServiceOptions,
): Promise<0 | 1> {
  const files = new SessionFiles({
    fileSystem,
    start: startOf(fileSystem),
    user,
    modeMask: 0o777,
    owners: 'ignore',
    readOnly: false,
    durable,
    hashes: true,
    people: nobodyElse,
    observer: new SftpEvents(emit),
    process: thisProcess,
  });
  try {
    await serveSftp({ input, output }, files, { busy });
    return 0;
  } catch (error) {
    const reason = error instanceof SealiftError ? error.message : String(error);
    emit({ type: 'entry-failed', reason: `sftp: ${reason}` });
    return 1;
  }
}

/** Reports what an SFTP session does: one start and one end for each file that is opened. */
class SftpEvents implements SftpObserver {
  readonly #emit: (event: SessionEvent) => void;

  constructor(emit: (event: SessionEvent) => void) {
    this.#emit = emit;
  }

  transferStarted(direction: Direction, path: string): FileTransfer {
    const started = performance.now();
    let bytes = 0;
    this.#emit({ type: 'transfer-started', direction, path });
    return {
      moved: (count) => {
        bytes += count;
      },
      ended: (outcome, sha256) =>
        this.#emit({
          type: 'transfer-ended',
          direction,
          path,
          files: outcome === 'complete' ? 1 : 0,
          bytes,
          ...(sha256 === undefined ? {} : { sha256 }),
          durationMs: performance.now() - started,
          status: outcome === 'complete' ? 0 : outcome === 'failed' ? 1 : undefined,
        }),
    };
  }

  changed(...[operation, path, to]: Parameters<SftpObserver['changed']>): void {
    this.#emit({ type: 'entry-changed', operation, path, ...(to === undefined ? {} : { to }) });
  }

  failed(error: Error): void {
    this.#emit({ type: 'entry-failed', reason: error.message });
  }
}
