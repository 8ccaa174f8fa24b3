import { createHash, type Hash } from 'node:crypto';
import type { SessionAccount, TransferAccount } from '../aaa/accounting/ledger.ts';
import type { CopyObserver, FilePaths, FileProgress } from '../copy/observer.ts';
import { describeSigners, isContentRefusal } from '../files/content-check.ts';
import type { ServerEvent } from './events.ts';
import type { LiveTransfer } from './live-transfers.ts';

/** An event without its connection, which whoever passes it on knows. */
export type SessionEvent = ServerEvent extends infer E
  ? E extends { readonly connection: unknown }
    ? Omit<E, 'connection'>
    : never
  : never;

export interface TransferCountOptions {
  readonly emit: (event: SessionEvent) => void;
  readonly direction: 'received' | 'sent';
  /** Where the records of the files go. */
  readonly account: SessionAccount;
  /** Shows how far it is. */
  readonly live: LiveTransfer;
}

/** A file that was given up: its error is told right behind it. */
interface GivenUp {
  readonly account: TransferAccount;
  readonly bytes: number;
}

/** Counts what one transfer moves, reports each file and accounts for it with the digest of its content. */
export class TransferCount implements CopyObserver {
  readonly #options: TransferCountOptions;
  #givenUp: GivenUp | undefined;
  /** The file under way, and what was told to have failed meanwhile: a sink tells it before it gives the file up. */
  #underWay: { error: string | undefined } | undefined;
  /** Files that have landed. */
  files = 0;
  bytes = 0;

  constructor(options: TransferCountOptions) {
    this.#options = options;
  }

  fileStarted(name: string, size: number, paths: FilePaths = {}): FileProgress {
    this.#stopGivenUp();
    const { direction, emit } = this.#options;
    const path = (direction === 'received' ? paths.target : paths.source) ?? name;
    this.#options.live.begin(path, size);
    const account = this.#options.account.transfer({ protocol: 'scp', direction, path });
    // Absent where nobody wants it, and once a piece came without its bytes.
    let hash: Hash | undefined = this.#options.account.wantsDigests ? createHash('sha256') : undefined;
    let bytes = 0;
    let over = false;
    const underWay: { error: string | undefined } = { error: undefined };
    this.#underWay = underWay;
    let signer: string | undefined;
    return {
      verified: (content) => {
        signer = describeSigners(content);
      },
      moved: (count, content) => {
        bytes += count;
        this.bytes += count;
        this.#options.live.moved(count);
        hash = content === undefined ? undefined : hash?.update(content);
      },
      finished: (landed) => {
        if (over) return;
        over = true;
        this.#underWay = undefined;
        if (landed) this.files++;
        emit({ type: 'file-moved', direction, name, bytes, landed, ...(signer === undefined ? {} : { signer }) });
        if (landed)
          account.stop({ status: 'complete', bytes, sha256: bytes === size ? hash?.digest('hex') : undefined, signer });
        else if (underWay.error !== undefined) account.stop({ status: 'failed', bytes, error: underWay.error });
        else this.#givenUp = { account, bytes };
      },
    };
  }

  failed(error: Error): void {
    if (this.#underWay !== undefined) this.#underWay.error ??= error.message;
    else this.#stopGivenUp(error.message);
    const { emit } = this.#options;
    if (isContentRefusal(error)) {
      const { path, code, reason } = error;
      emit({ type: 'content-refused', path, code, reason });
    }
    emit({ type: 'entry-failed', reason: error.message });
  }

  /** No more files come. @param isCut whether the client left before it had heard the end */
  ended(isCut: boolean): void {
    if (isCut) this.#stopGivenUp(undefined, 'cut');
    else this.#stopGivenUp();
  }

  #stopGivenUp(error?: string, status: 'failed' | 'cut' = 'failed'): void {
    const { account, bytes } = this.#givenUp ?? {};
    account?.stop({ status, bytes: bytes ?? 0, error });
    this.#givenUp = undefined;
  }
}
