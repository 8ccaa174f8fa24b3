import { open } from 'node:fs/promises';
import { devNull } from 'node:os';
import { descriptors, isTooMany } from '../files/descriptors.ts';
import { descriptorCure } from './descriptor-plan.ts';

/** How often it is tried whether a descriptor can be had. Milliseconds. */
const PROBE_MS = 5000;

/** One warning in this time at most. Milliseconds. */
const WARN_MS = 60_000;

/**
 * Tells when descriptors run out. Node says nothing when a connection cannot be accepted for want of one: it closes the connection. So it is tried from time to time whether one can be had, and counted how often files were refused one.
 */
export class DescriptorWatch {
  readonly #warn: (text: string) => void;
  #timer: NodeJS.Timeout | undefined;
  readonly #now: () => number;
  #refused: number = descriptors.refused;
  #warnedAtMs: number = Number.NEGATIVE_INFINITY;

  constructor(warn: (text: string) => void, now: () => number = () => performance.now()) {
    this.#warn = warn;
    this.#now = now;
  }

  /** Looks from time to time until {@link close}. */
  start(): void {
    this.#timer ??= setInterval(() => void this.look(), PROBE_MS).unref();
  }

  /** Looks once. Never rejects. */
  async look(): Promise<void> {
    try {
      await (await open(devNull)).close();
    } catch (error) {
      this.failed('connections may be lost unseen', error);
    }
    const { refused, held } = descriptors;
    if (refused === this.#refused) return;
    const since = refused - this.#refused;
    this.#tell(`files could not be opened ${since} times for want of descriptors, of which ${held} are held`);
    this.#refused = refused;
  }

  /** Something failed: told where it was for want of descriptors. @returns false where it was for another reason */
  failed(what: string, error: unknown): boolean {
    if (!isTooMany(error)) return false;
    const isSystem = (error as NodeJS.ErrnoException).code === 'ENFILE';
    this.#tell(`${what}: ${isSystem ? 'the system' : 'this process'} has too many open files`, isSystem);
    return true;
  }

  #tell(text: string, isSystem = false): void {
    const now = this.#now();
    if (now - this.#warnedAtMs < WARN_MS) return;
    this.#warnedAtMs = now;
    this.#warn(`${text}; ${isSystem ? 'raise fs.file-max' : descriptorCure()}`);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
