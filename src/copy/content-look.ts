import type { FileError } from '../base/errors.ts';
import {
  type ContentCheck,
  type ContentPass,
  refusedContent,
  type VerifiedContent,
  verdictOf,
} from '../files/content-check.ts';

/** One look at the content of one file while it is copied. */
export class ContentLook {
  readonly #pass: ContentPass;
  readonly #path: string;
  #refused: FileError | undefined;
  #found: VerifiedContent | undefined;

  /** @param path what messages call the file */
  constructor(check: ContentCheck, name: string, path: string) {
    this.#pass = check.begin(name);
    this.#path = path;
  }

  /** What the content was found to be, once {@link end} has resolved. */
  get found(): VerifiedContent | undefined {
    return this.#found;
  }

  /** @returns false where it is certain that the content is not to be used: {@link end} says why. */
  write(chunk: Uint8Array): boolean {
    if (this.#refused !== undefined) return false;
    try {
      this.#pass.write(chunk);
      return true;
    } catch (error) {
      this.#refused = refusedContent(error, this.#path);
      return false;
    }
  }

  /**
   * All came.
   *
   * @param content all of it once more, for contents at which one look is not enough
   * @throws {FileError} the content is not to be used
   */
  async end(content: () => AsyncIterable<Uint8Array>): Promise<VerifiedContent> {
    if (this.#refused !== undefined) throw this.#refused;
    this.#found = await verdictOf(this.#pass, this.#path, async (pass) => {
      try {
        for await (const chunk of content()) pass.write(chunk);
      } catch (error) {
        throw refusedContent(error, this.#path);
      }
    });
    return this.#found;
  }
}
