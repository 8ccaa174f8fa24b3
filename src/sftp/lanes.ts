import type { SftpHandle } from './handle.ts';
import type { SftpSession } from './session.ts';

/** What one lane has under way at most: as much as OpenSSH's window for a channel takes. Bytes. */
export const LANE_BYTES: number = 2 * 1024 * 1024;

/** So many lanes carry one file, its own session included: 160 MB/s over a round trip of 100 ms. OpenSSH lets ten sessions in (MaxSessions). */
export const MAX_LANES = 8;

/** From this round trip on the window of one channel is less than a fast link holds. Milliseconds. */
export const FAR_MS = 5;

/** A file must be this large for further lanes to be of use: they are open after some round trips only. Bytes. */
export const MIN_SPREAD_BYTES: number = 8 * 1024 * 1024;

/** Further sessions on the same server. Each has a channel, and so a window, of its own. */
export interface FurtherSessions {
  /** How many there are, the first included. */
  readonly count: number;
  /** Content of so many bytes is going to move: opens them if they are of use. Nothing is waited for. */
  expect(bytes: number): void;
  /**
   * Gives them to one file: calls `use` with each that is there and with each that comes.
   *
   * @returns to be called when no more are wanted; undefined where another file has them
   */
  claim(use: (session: SftpSession) => void): (() => void) | undefined;
}

/** A file, opened once more by one of several sessions. */
export class Lane {
  readonly session: SftpSession;
  readonly handle: SftpHandle;
  /** Content asked for or sent, and not answered. */
  bytes = 0;
  /** Nothing more goes this way. */
  isClosed = false;
  /** It is the same file; what comes before that is known is not to be used. */
  isProven = true;

  constructor(session: SftpSession, handle: SftpHandle) {
    this.session = session;
    this.handle = handle;
  }
}

/** The lane that has the least under way. There is at least one, and the first is never closed. */
export function freest(lanes: readonly Lane[]): Lane {
  let best = lanes[0] as Lane;
  for (const lane of lanes)
    if (!lane.isClosed && lane.bytes < best.bytes && lane.session.failure === undefined) best = lane;
  return best;
}

/**
 * Opens a file on further sessions and hands over those that have the same file. What fails on the way is left out.
 */
export class LaneOpener {
  readonly #open: (session: SftpSession) => Promise<SftpHandle>;
  readonly #prove: (lane: Lane) => Promise<boolean> | undefined;
  readonly #use: (lane: Lane) => void;
  readonly #opened: Lane[] = [];
  #underWay = 0;
  #isOver = false;
  #stop: (() => void) | undefined;

  constructor(
    further: FurtherSessions,
    own: SftpSession,
    {
      open,
      prove,
      use,
    }: {
      readonly open: (session: SftpSession) => Promise<SftpHandle>;
      /** Finds out whether it is the same file. Undefined: the lane may be used at once, and knows by itself when it is proven. */
      readonly prove: (lane: Lane) => Promise<boolean> | undefined;
      readonly use: (lane: Lane) => void;
    },
  ) {
    this.#open = open;
    this.#prove = prove;
    this.#use = use;
    this.#stop = further.claim((session) => {
      if (session !== own && session.failure === undefined && !this.#isOver) void this.#add(session);
    });
  }

  async #add(session: SftpSession): Promise<void> {
    if (this.#opened.length + this.#underWay >= MAX_LANES - 1) return;
    this.#underWay++;
    let handle: SftpHandle | undefined;
    try {
      handle = await this.#open(session);
      if (this.#isOver) return;
      const lane = new Lane(session, handle);
      const proving = this.#prove(lane);
      if (proving !== undefined && !(await proving)) return;
      if (!this.#isOver) {
        this.#opened.push(lane);
        this.#use(lane);
        handle = undefined;
      }
    } catch {
      // The others do it without this one.
    } finally {
      this.#underWay--;
      if (handle !== undefined) session.closeHandle(handle).catch(() => {});
    }
  }

  /** No further lanes from now on. What is still being opened is closed when it is there; nobody waits for that. */
  end(): void {
    this.#isOver = true;
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Closes the handles. Call {@link end} before; nothing may be under way on them. @returns how the server answered: an error tells that content was lost */
  async close(): Promise<void> {
    const closed = this.#opened.splice(0).map((lane) => {
      lane.isClosed = true;
      return lane.session.closeHandle(lane.handle);
    });
    const outcomes = await Promise.allSettled(closed);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }
}
