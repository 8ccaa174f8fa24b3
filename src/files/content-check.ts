import { FileError, ImageError, SealiftError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';

/** A key that vouches for content: what it is for (`production`), and its version. */
export interface ContentSigner {
  readonly type: string;
  readonly version: string;
}

/** What content was found to be, by those who vouch for it. */
export interface VerifiedContent {
  /** The kind of thing: `production`, `revocation`. */
  readonly type: string;
  /** What it is for. */
  readonly product: string;
  readonly version: string;
  /** At least one. */
  readonly signers: readonly ContentSigner[];
  /** What is worth saying and decides nothing. */
  readonly warnings: readonly string[];
}

/** One look at the content of one file, from its first byte to its last. What it holds of it is bounded. */
export interface ContentPass {
  /** The next bytes; they may change after the call. @throws {SealiftError} it is certain already that the content is not to be used */
  write(chunk: Uint8Array): void;
  /** All of it came. @throws {SealiftError} the content is not to be used */
  end(): Promise<VerifiedContent>;
  /** After {@link end} has refused: another way to look, at all of the content from its beginning. Absent or undefined where there is none, so that the refusal holds. */
  again?(): ContentPass | undefined;
}

/** Says which content may have a name. */
export interface ContentCheck {
  /** Asked before the first {@link begin}, and perhaps again. @throws {SealiftError} nothing can be found good as things are: no content need be sent at all */
  ready(): Promise<void>;
  /** @param name of the file, for messages */
  begin(name: string): ContentPass;
}

/** What refused content failed at: the `operation` of the FileError. */
const VERIFY = 'verify';

/** What a check has thrown, as the failure of one file; a FileError is that already. What is no refusal is thrown on. */
export function refusedContent(error: unknown, path: string): FileError {
  if (error instanceof FileError) return error;
  if (!(error instanceof SealiftError)) throw error;
  if (error.code === 'ERR_KEY_STORAGE') {
    // Whoever sends content need not know where the keys are, and cannot help it.
    const reason = 'the key storage by which it is judged cannot be used: nothing is taken';
    return new FileError(path, VERIFY, error.code, { cause: error, reason });
  }
  // It may hold words of the content.
  const reason = printable(error instanceof ImageError ? error.reason : error.message);
  const cure = error.cure === undefined ? {} : { cure: error.cure };
  return new FileError(path, VERIFY, error.code, { cause: error, reason, ...cure });
}

/**
 * The verdict of a pass that has seen all of a content.
 *
 * @param show shows all of it to another pass, where one look was not enough
 * @throws {FileError} the content is not to be used
 */
export async function verdictOf(
  pass: ContentPass,
  path: string,
  show: (pass: ContentPass) => Promise<void>,
): Promise<VerifiedContent> {
  try {
    return await pass.end();
  } catch (error) {
    const other = pass.again?.();
    if (other === undefined) throw refusedContent(error, path);
    await show(other);
    return await verdictOf(other, path, show);
  }
}

/** An error that is about content, or about the lack of keys to judge it by. */
export type ContentRefusal = FileError & { readonly operation: typeof VERIFY };

export function isContentRefusal(error: unknown): error is ContentRefusal {
  return error instanceof FileError && error.operation === VERIFY;
}

/** Who vouches, in one text for records: `production A, production B`. */
export function describeSigners({ signers }: VerifiedContent): string {
  return signers.map(({ type, version }) => `${type} ${version}`).join(', ');
}
