import { randomInt } from 'node:crypto';
import { SSH_FXF_WRITE } from './constants.ts';
import { statusOf } from './file-status.ts';
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
  readonly #mark: number = randomInt(MARKS.first, MARKS.beyond);
  /** Resolves when the file has its mark, or will not get one: with whether it has. Never rejects. Undefined while no other session is there that would look for it. */
  #marked: Promise<boolean> | undefined;
  #isMarking = false;
  /** The times that it is to have again: until the server has told them, those of now. */
  #before: { readonly atimeSeconds: number; readonly mtimeSeconds: number };
  #isStopped = false;

  constructor(further: FurtherSessions, own: Lane, use: (lane: Lane) => void) {
    this.#own = own;
    const now = Math.floor(Date.now() / 1000);
    this.#before = { atimeSeconds: now, mtimeSeconds: now };
    this.#opener = new LaneOpener(further, own.session, {
      open: (other) => {
        this.#begin();
        return other.open(own.handle.path, SSH_FXF_WRITE);
      },
      prove: (lane) => this.#isSame(lane),
      use,
    });
  }

  /** Whether the file has got a mark: what is written last comes behind the time that takes it away. */
  get isMarked(): boolean {
    return this.#marked !== undefined;
  }

  /** Whether it is not known yet whether it has: {@link stop} must be waited for. */
  get isMarking(): boolean {
    return this.#isMarking;
  }

  #begin(): void {
    if (this.#marked !== undefined || this.#isStopped) return;
    this.#isMarking = true;
    const settled = (isMarked: boolean): boolean => {
      this.#isMarking = false;
      return isMarked;
    };
    this.#marked = this.#setMark(this.#mark).then(
      () => settled(true),
      () => settled(false),
    );
  }

  async #isSame({ session, handle }: Lane): Promise<boolean> {
    if ((await this.#marked) !== true) return false;
    const found = await session.fstat(handle);
    // What takes content in the order in which it comes is no file.
    return found.atimeSeconds === this.#mark && statusOf(found, 'other').kind === 'file';
  }

  async #setMark(atimeSeconds: number): Promise<void> {
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
    this.#opener.end();
    if (this.#isMarking) return this.#marked?.then(() => this.#restore());
    this.#restore();
    return undefined;
  }

  /** The same where the file is closed next, whatever has been answered. */
  leave(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#opener.end();
    this.#restore();
  }

  #restore(): void {
    if (this.#marked !== undefined) this.#own.session.fsetstat(this.#own.handle, this.#before).catch(() => {});
  }

  /** Closes the further handles. Call {@link stop} before; nothing may be under way on them. @throws {FileError} content was lost */
  async close(): Promise<void> {
    await this.#opener.close();
  }
}
