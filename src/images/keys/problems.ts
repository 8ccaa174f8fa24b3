import type { CopyName } from './records.ts';

/**
 * What is worth knowing about a key storage that can be used.
 *
 * - `copy`: one of the two files is missing or cannot be used; the other one was
 * - `nvram`: the numbers kept apart are missing or cannot be read
 * - `difference`: the two files do not say the same
 * - `unproven`: a record is ignored because nobody who may introduce it has. Somebody has written to the file who should not
 * - `lost-proof`: a special key is not used any more because the production key that vouched for it is revoked
 * - `unchecked`: a record is kept and not used because its algorithm cannot be checked here
 */
export interface StorageProblem {
  readonly kind: 'copy' | 'nvram' | 'difference' | 'unproven' | 'lost-proof' | 'unchecked';
  readonly copy?: CopyName | undefined;
  /** One line, printable. */
  readonly text: string;
}
