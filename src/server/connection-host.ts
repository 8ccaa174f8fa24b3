import type { Ledger, SessionAccount } from '../aaa/accounting/ledger.ts';
import type { Hashing } from '../sftp/server/hashing.ts';
import type { Applicant } from './admission.ts';
import type { ConnectionInfo, ServerEvent } from './events.ts';
import type { Generation } from './generation.ts';
import type { LiveTransfers } from './live-transfers.ts';
import type { RecentFiles } from './recent-files.ts';

/** A connection, as its server sees it. */
export interface Guest extends Applicant {
  readonly id: number;
}

/** What a connection needs of its server. */
export interface ConnectionHost {
  /** The settings that hold now. */
  readonly generation: Generation;
  readonly ledger: Ledger | undefined;
  readonly noAccount: SessionAccount;
  readonly transfersUnderWay: LiveTransfers;
  readonly recentFiles: RecentFiles;
  takeHandle(connection: ConnectionInfo): (() => void) | string;
  readonly hashing: Hashing;
  emit(event: ServerEvent): void;
  /** A login has succeeded. @returns why the client cannot stay all the same */
  loggedIn(connection: Guest, user: string, generation: Generation): string | undefined;
  /** @param user who had a place */
  closed(connection: Guest, user: string | undefined): void;
}
