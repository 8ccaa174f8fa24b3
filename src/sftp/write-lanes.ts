import { randomInt } from 'node:crypto';
import { SSH_FXF_WRITE } from './constants.ts';
import { type FurtherSessions, type Lane, LaneOpener } from './lanes.ts';

/** Times of access that no file has by chance: between 1978 and 1987. Seconds. */
const MARKS = { first: 0x1000_0000, beyond: 0x2000_0000 };

/**
 * Opens a file that is being written on further sessions. SFTP does not number files, and somebody may have put another one in its place since it was opened: so the file gets a time of access that was drawn by lot, which writing leaves as
 * it is, and only where that is seen is it the same. In the end the time is what it was before.
 */
export class WriteLanes {
  readonly #own: Lane;
  readonly #opener: LaneOpener;
  /** Resolves when the file has its mark, or will not get one: with whether it has. Never rejects. */
  readonly #marked: Promise<boolean>;
  #isMarking = true;
  /** The times that it is to have again: until the server has told them, those of now. */
  #before: { readonly atimeSeconds: number; readonly mtimeSeconds: number };
  #stopping: Promise<void> | undefined;
  #isStopped = false;

  constructor(further: FurtherSessions, own: Lane, use: (lane: Lane) => void) {
    this.#own = own;
    const now = Math.floor(Date.now() / 1000);
    this.#before = { atimeSeconds: now, mtimeSeconds: now };
    const mark = randomInt(MARKS.first, MARKS.beyond);
    this.#marked = this.#mark(mark).then(
      () => true,
      () => false,
    );
    void this.#marked.then(() => {
      this.#isMarking = false;
    });
    this.#opener = new LaneOpener(further, own.session, {
      open: (other) => other.open(own.handle.path, SSH_FXF_WRITE),
      prove: async (lane) => (await this.#marked) && (await lane.session.fstat(lane.handle)).atimeSeconds === mark,
      use,
    });
  }

  /** Whether the file is not as it should be at the moment: {@link stop} must be waited for. */
  get isMarking(): boolean {
    return this.#isMarking;
  }

  async #mark(atimeSeconds: number): Promise<void> {
    const { session, handle } = this.#own;
    const looked = session.fstat(handle).then(({ atimeSeconds: accessed, mtimeSeconds: changed }) => {
      if (accessed !== undefined && changed !== undefined)
        this.#before = { atimeSeconds: accessed, mtimeSeconds: changed };
    });
    // Behind the question, so that one round trip is enough; what is written next gives it the server's time of change.
    const marked = session.fsetstat(handle, { ...this.#before, atimeSeconds });
    await Promise.all([looked, marked]);
  }

  /** No further lanes; the file gets its times back, which comes before whatever is asked next. Idempotent. @returns a promise where {@link isMarking}: it resolves when all of that has been asked */
  stop(): Promise<void> | undefined {
    if (this.#isStopped) return undefined;
    this.#isStopped = true;
    this.#stopping = this.#opener.end();
    if (this.#isMarking) return this.#marked.then(() => this.#restore());
    this.#restore();
    return undefined;
  }

  #restore(): void {
    this.#own.session.fsetstat(this.#own.handle, this.#before).catch(() => {});
  }

  /** Closes the further handles. Call {@link stop} before; nothing may be under way on them. @throws {FileError} content was lost */
  async close(): Promise<void> {
    await this.#stopping;
    await this.#opener.close();
  }
}
