import type { Readable, Writable } from 'node:stream';
import type { SessionAccount } from '../aaa/accounting/ledger.ts';
import { FileError, SealiftError } from '../base/errors.ts';
import { describeSigners, isContentRefusal } from '../files/content-check.ts';
import type { FileSystem } from '../files/file-system.ts';
import { thisProcess } from '../files/process-mark.ts';
import { startOf } from '../files/start-paths.ts';
import type { ConnectionHashing } from '../sftp/server/hashing.ts';
import { serveSftp } from '../sftp/server/session.ts';
import type { Direction } from './events.ts';
import type { LiveTransfer, TransferStart } from './live-transfers.ts';
import { CountedFiles, type TakeHandle } from './sftp/counted-files.ts';
import type { FileTransfer, SftpObserver, TransferSlot } from './sftp/options.ts';
import { nobodyElse } from './sftp/people.ts';
import { tellingRefusals } from './sftp/refusals.ts';
import type { SessionEvent } from './transfer-count.ts';

export interface SftpServiceOptions {
  readonly fileSystem: FileSystem;
  readonly user: string;
  /** Whether a file is on stable storage before its upload is confirmed. */
  readonly durable: boolean;
  readonly emit: (event: SessionEvent) => void;
  /** Where the records of the files go. */
  readonly account: SessionAccount;
  /** Takes a place among the transfers under way. */
  readonly begin: (start: Omit<TransferStart, 'connection'>) => LiveTransfer | string;
  /** Takes a place among the open handles. */
  readonly takeHandle: TakeHandle;
  /** Told when the client has something open or under way, and when it has not. */
  readonly busy: (isBusy: boolean) => void;
  readonly hashing: ConnectionHashing;
  /** Shows the client a line beside the protocol: some clients have no other way to say more than `Failure`. */
  readonly say: (line: string) => void;
  /** Aborted when everything is to stop at once. */
  readonly signal: AbortSignal;
}

/** So many lines beside the protocol are shown in one session: a client that does not read them loses no more of its window. */
const MAX_SAID = 20;

/**
 * Serves one SFTP session on a channel: files below the root, modes up to 0777, owners as they are.
 *
 * @returns the exit status: 1 where the client broke the rules or left in the middle of something. Never rejects.
 */
export async function runSftpService(input: Readable, output: Writable, options: SftpServiceOptions): Promise<0 | 1> {
  const { fileSystem, user, durable, emit, busy, hashing, signal } = options;
  const observer = new SftpEvents(options);
  const parts = {
    fileSystem,
    start: startOf(fileSystem),
    user,
    modeMask: 0o777,
    owners: 'ignore' as const,
    readOnly: false,
    durable,
    hashes: options.account.wantsDigests,
    people: nobodyElse,
    observer,
    process: thisProcess,
    signal,
  };
  const files = new CountedFiles(parts, () => {
    const place = options.takeHandle();
    if (typeof place === 'string') emit({ type: 'request-refused', request: `sftp: ${place}` });
    return place;
  });
  try {
    const refused = (operation: string, error: FileError): void => {
      if (isContentRefusal(error)) observer.refused(error);
      else emit({ type: 'operation-refused', operation, reason: error.message });
    };
    await serveSftp({ input, output }, tellingRefusals(files, refused), { busy, hashing, signal });
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
  readonly #account: SessionAccount;
  readonly #begin: SftpServiceOptions['begin'];
  readonly #say: SftpServiceOptions['say'];
  /** How many contents were told to be refused. */
  #refused = 0;
  readonly #told = new WeakSet<Error>();

  constructor({ emit, account, begin, say }: SftpServiceOptions) {
    this.#emit = emit;
    this.#account = account;
    this.#begin = begin;
    this.#say = say;
  }

  /** Some content was refused. */
  refused(error: FileError): void {
    // An operation that is an upload of its own fails with its file, and once more by itself.
    const first = firstCause(error);
    if (this.#told.has(first)) return;
    this.#told.add(first);
    const { path, code, reason } = error;
    this.#emit({ type: 'content-refused', path, code, reason });
    if (this.#refused++ < MAX_SAID) this.#say(`${path}: ${reason}`);
  }

  takeSlot(direction: Direction, path: string): TransferSlot {
    const live = this.#begin({ service: 'sftp', direction, path });
    if (typeof live === 'string') {
      this.#emit({ type: 'request-refused', request: `sftp: ${live}` });
      throw new FileError(path, 'open', 'EMFILE', { reason: live });
    }
    let isStarted = false;
    return {
      start: (size) => {
        isStarted = true;
        return this.#start(direction, path, size, live);
      },
      release: () => {
        if (!isStarted) live.end();
      },
    };
  }

  #start(direction: Direction, path: string, size: number | undefined, live: LiveTransfer): FileTransfer {
    const started = performance.now();
    const service = 'sftp';
    const transfer = live.id;
    let bytes = 0;
    live.begin(path, size);
    const account = this.#account.transfer({ protocol: 'sftp', direction, path });
    this.#emit({ type: 'transfer-started', transfer, service, direction, path });
    return {
      moved: (count) => {
        bytes += count;
        live.moved(count);
      },
      ended: (outcome, sha256, error, content) => {
        live.end();
        if (isContentRefusal(error)) this.refused(error);
        const how = {
          ...(sha256 === undefined ? {} : { sha256 }),
          ...(content === undefined ? {} : { signer: describeSigners(content) }),
          ...(error && { error: error.message }),
        };
        account.stop({ status: outcome, bytes, ...how });
        this.#emit({
          type: 'transfer-ended',
          transfer,
          service,
          direction,
          path,
          files: outcome === 'complete' ? 1 : 0,
          bytes,
          ...how,
          durationMs: performance.now() - started,
          status: outcome === 'cut' ? undefined : outcome === 'failed' ? 1 : 0,
        });
      },
    };
  }

  changed(...[operation, path, to]: Parameters<SftpObserver['changed']>): void {
    this.#emit({ type: 'entry-changed', operation, path, ...(to === undefined ? {} : { to }) });
  }

  failed(error: Error): void {
    this.#emit({ type: 'entry-failed', reason: error.message });
  }
}

function firstCause(error: Error): Error {
  return error.cause instanceof Error ? firstCause(error.cause) : error;
}
