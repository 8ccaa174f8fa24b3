import type { CopyObserver, FileProgress } from '../copy/observer.ts';
import type { ServerEvent } from './events.ts';

/** An event without its connection, which whoever passes it on knows. */
export type SessionEvent = ServerEvent extends infer E
  ? E extends { readonly connection: unknown }
    ? Omit<E, 'connection'>
    : never
  : never;

/** Counts what one transfer moves and reports each file. */
export class TransferCount implements CopyObserver {
  readonly #emit: (event: SessionEvent) => void;
  readonly #direction: 'received' | 'sent';
  /** Files that have landed. */
  files = 0;
  bytes = 0;

  constructor(emit: (event: SessionEvent) => void, direction: 'received' | 'sent') {
    this.#emit = emit;
    this.#direction = direction;
  }

  fileStarted(name: string): FileProgress {
    let bytes = 0;
    let over = false;
    return {
      moved: (count) => {
        bytes += count;
        this.bytes += count;
      },
      finished: (landed) => {
        if (over) return;
        over = true;
        if (landed) this.files++;
        this.#emit({ type: 'file-moved', direction: this.#direction, name, bytes, landed });
      },
    };
  }

  failed(error: Error): void {
    this.#emit({ type: 'entry-failed', reason: error.message });
  }
}
