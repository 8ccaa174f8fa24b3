import { setMaxListeners } from 'node:events';
import type { ConnectionError } from '../base/errors.ts';
import type { CopyObserver, FilePaths, FileProgress } from '../copy/observer.ts';
import { RateLimit } from '../copy/rate-limit.ts';
import { withRetries } from '../copy/retry.ts';
import type { TargetMemory } from '../copy/target.ts';
import type { ContentCheck, VerifiedContent } from '../files/content-check.ts';
import { abortable } from './abortable.ts';
import { checkCopyOptions } from './copy-options.ts';
import type { CopiedFile, Copy, CopyEvent, CopyOptions, CopyResult } from './copy-types.ts';
import { CopyError, type EntryError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { Remote, RemoteKeeper } from './remote.ts';
import { signedImages } from './signature.ts';

/** Errors that are kept; more are counted. */
const MAX_KEPT_ERRORS = 1_000;

/** How long a copy that was stopped may take to tidy up on the other side. A server that does not answer is cut off then. */
const STOP_GRACE_MS = 5_000;

/** One copy while it runs: counts, tells who listens, obeys the policy for errors. */
export class CopyRun implements CopyObserver {
  readonly options: CopyOptions;
  readonly rateLimit: RateLimit | undefined;
  /** Only what this finds good gets a name. */
  readonly content: ContentCheck | undefined;
  /** What has landed: not copied again over a new connection. */
  readonly landed: Set<string> = new Set();
  /** What all attempts know of the target. */
  readonly memory: TargetMemory = {};
  readonly #stop = new AbortController();
  readonly #queues = new Set<EventQueue>();
  readonly #remotes = new Map<Remote, RemoteKeeper>();
  #found = { files: 0, bytes: 0 };
  /** What was counted ahead, until all is found. */
  #counted: { readonly files: number; readonly bytes: number } | undefined;
  #moved = 0;
  #files = 0;
  #bytes = 0;
  #skipped = 0;
  #planned = 0;
  #failed = 0;
  #errors: EntryError[] = [];
  #over: { readonly error?: unknown } | undefined;

  constructor(options: CopyOptions) {
    checkCopyOptions(options);
    // Every file that is under way listens to it.
    setMaxListeners(0, this.#stop.signal);
    this.options = options;
    const rate = options.rateBytesPerSecond;
    this.rateLimit = rate === undefined ? undefined : new RateLimit(rate);
    this.content = options.verifySignature && signedImages(options.verifySignature);
  }

  /** Aborts when the caller's signal does, and when the policy for errors says stop. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get result(): CopyResult {
    return {
      files: this.#files,
      bytes: this.#bytes,
      skipped: this.#skipped,
      planned: this.#planned,
      failed: this.#failed,
      errors: this.#errors,
    };
  }

  /** Runs the work to its end. @throws what ended the copy, or what the policy makes of failed entries. */
  async run(work: () => Promise<void>): Promise<CopyResult> {
    const { signal } = this.options;
    const abort = (): void => this.#stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    let cut: NodeJS.Timeout | undefined;
    this.signal.addEventListener('abort', () => {
      for (const queue of this.#queues) queue.release();
      cut = setTimeout(() => this.#breakOff(), STOP_GRACE_MS);
    });
    try {
      if (signal?.aborted === true) abort();
      this.signal.throwIfAborted();
      await this.content?.ready();
      await work();
      // What was interrupted may have failed as an entry.
      if (this.#failed > 0) this.signal.throwIfAborted();
      if (this.#failed > 0 && this.options.onError === undefined) throw new CopyError(this.result);
      this.#emit({ type: 'done', result: this.result });
      this.#end({});
      return this.result;
    } catch (error) {
      const cause = this.signal.aborted ? this.signal.reason : error;
      this.#end({ error: cause });
      throw cause;
    } finally {
      clearTimeout(cut);
      signal?.removeEventListener('abort', abort);
    }
  }

  #breakOff(): void {
    for (const [remote, keeper] of this.#remotes) keeper.breakOff(remote, this.signal.reason);
  }

  /** One step of the work, which may be done again over new connections. */
  async step(keepers: readonly RemoteKeeper[], work: (remotes: readonly Remote[]) => Promise<void>): Promise<void> {
    await withRetries(() => this.#attempt(keepers, work), {
      retries: this.options.retries ?? 0,
      signal: AbortSignal.any([this.signal, ...keepers.map(({ closed }) => closed)]),
      mayRetry: () => this.memory.isFinal !== true,
      again: async (error, pauseSeconds, attempt) => this.#again(error, pauseSeconds, attempt),
    });
  }

  async #attempt(keepers: readonly RemoteKeeper[], work: (remotes: readonly Remote[]) => Promise<void>): Promise<void> {
    const remotes: Remote[] = [];
    this.#remotes.clear();
    // One after the other: both may ask for something.
    for (const keeper of keepers) {
      const remote = await abortable(keeper.get(), this.signal);
      remote.stderr.forget();
      remotes.push(remote);
      this.#remotes.set(remote, keeper);
    }
    try {
      await work(remotes);
    } catch (error) {
      for (const [remote, keeper] of this.#remotes) await keeper.noticeLost(remote, error);
      throw remotes.reduce((known, { stderr }) => stderr.explain(known), error);
    }
  }

  #again(error: ConnectionError, pauseSeconds: number, attempt: number): void {
    this.#emit({ type: 'retry', error, attempt, pauseSeconds });
    // Entries that failed are tried again with the rest; what moved by the SCP protocol is all copied again.
    this.#failed = 0;
    this.#errors = [];
    this.#counted = undefined;
    this.#skipped = 0;
    this.#planned = 0;
    for (const [remote] of this.#remotes) {
      if (remote.link !== undefined) continue;
      this.#files = 0;
      this.#bytes = 0;
    }
    // What has landed is passed over, everything else is found again.
    this.#found = { files: this.#files, bytes: this.#bytes };
  }

  events(): EventQueue {
    const queue = new EventQueue((left) => this.#queues.delete(left));
    if (this.#over === undefined) this.#queues.add(queue);
    else {
      if (!('error' in this.#over)) queue.push({ type: 'done', result: this.result });
      queue.end(this.#over);
    }
    return queue;
  }

  #emit(event: CopyEvent): void {
    for (const queue of this.#queues) queue.push(event);
  }

  #end(over: { readonly error?: unknown }): void {
    this.#over = over;
    for (const queue of this.#queues) queue.end(over);
    this.#queues.clear();
  }

  found(size: number): void {
    this.#found.files++;
    this.#found.bytes += size;
    this.#tellFound(false);
  }

  /** Counted is for those who listen, and not where a filter of the caller would be asked twice for each entry. */
  get counted(): ((files: number, bytes: number) => void) | undefined {
    if (this.#queues.size === 0 || this.options.filter !== undefined) return undefined;
    return (files, bytes) => {
      this.#counted = { files, bytes };
      this.#tellFound(false);
    };
  }

  #tellFound(isAll: boolean): void {
    const files = Math.max(this.#found.files, this.#counted?.files ?? 0);
    const bytes = Math.max(this.#found.bytes, this.#counted?.bytes ?? 0);
    for (const queue of this.#queues) queue.pushFound(files, bytes, isAll || this.#counted !== undefined);
  }

  foundAll(): void {
    this.#counted = undefined;
    this.#tellFound(true);
  }

  fileStarted(name: string, size: number, paths: FilePaths = {}): FileProgress {
    const file: CopiedFile = { name, size, source: paths.source, target: paths.target };
    this.#emit({ type: 'file-start', file });
    let fileBytes = 0;
    let verified: VerifiedContent | undefined;
    return {
      verified: (content) => {
        verified = content;
      },
      moved: (bytes) => {
        fileBytes += bytes;
        this.#moved += bytes;
        for (const queue of this.#queues) queue.pushBytes(file, fileBytes, this.#moved);
      },
      finished: (landed) => {
        if (landed) {
          this.#files++;
          this.#bytes += fileBytes;
        }
        const found = verified === undefined ? {} : { verified };
        this.#emit({ type: 'file-end', file, outcome: landed ? 'copied' : 'failed', ...found });
      },
    };
  }

  skipped(name: string, size: number, paths: FilePaths = {}): void {
    this.#skipped++;
    this.#passed('skipped', name, size, paths);
  }

  planned(name: string, size: number, paths: FilePaths = {}): void {
    this.#planned++;
    this.#passed('planned', name, size, paths);
  }

  #passed(outcome: 'skipped' | 'planned', name: string, size: number, paths: FilePaths): void {
    if (this.#queues.size === 0) return;
    const file: CopiedFile = { name, size, source: paths.source, target: paths.target };
    this.#emit({ type: 'file-end', file, outcome });
  }

  ready(): Promise<void> | undefined {
    if (this.signal.aborted) return undefined;
    for (const queue of this.#queues) {
      const busy = queue.ready();
      if (busy !== undefined) return busy;
    }
    return undefined;
  }

  failed(error: EntryError): void {
    this.#failed++;
    // What fails after the stop fails because of it.
    if (this.signal.aborted) return;
    if (this.#errors.length < MAX_KEPT_ERRORS) this.#errors.push(error);
    this.#emit({ type: 'error', error });
    const { onError } = this.options;
    if (onError === undefined || onError === 'continue') return;
    try {
      if (onError === 'throw' || onError(error) === 'throw') this.#stop.abort(error);
    } catch (thrown) {
      this.#stop.abort(thrown);
    }
  }
}

/** Begins a copy. Its work starts in the next turn, so that whoever asks for events in this one misses none. */
export function startCopy(options: CopyOptions, work: (run: CopyRun) => Promise<void>): Copy {
  let run: CopyRun | undefined;
  const begin = async (): Promise<CopyResult> => {
    const started = new CopyRun(options);
    run = started;
    await Promise.resolve();
    return await started.run(() => work(started));
  };
  const promise = begin();
  return Object.assign(promise, {
    [Symbol.asyncIterator]: (): AsyncIterator<CopyEvent> => {
      // The loop throws what the promise rejects with.
      promise.catch(() => {});
      return run?.events() ?? failedQueue(promise);
    },
  });
}

/** The options cannot be used: the loop throws what the promise does. */
function failedQueue(promise: Promise<CopyResult>): EventQueue {
  const queue = new EventQueue(() => {});
  promise.catch((error: unknown) => queue.end({ error }));
  return queue;
}
