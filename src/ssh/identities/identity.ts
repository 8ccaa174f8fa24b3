import type { Log } from '../../base/log.ts';
import type { Prompter } from '../connection.ts';

/** A key the user can log in with. */
export interface Identity {
  /** Where it comes from, for the log and for questions; printable. */
  readonly label: string;
  readonly type: string;
  readonly publicBlob: Buffer;
  /**
   * Signs in the form of OpenSSL. May ask for a passphrase, so it is called only once the server has said that it takes
   * the key.
   */
  sign(data: Buffer, hash: string | undefined): Promise<Buffer>;
}

/** What reading identities needs besides files. */
export interface IdentityContext {
  /** Absent under BatchMode: encrypted keys are passed over then. */
  readonly prompter: Prompter | undefined;
  readonly log: Log;
  readonly signal?: AbortSignal | undefined;
}
