import { unsafeAsEscapes } from './json-line.ts';

/** Who and from where: in every record. */
export interface AccountedUser {
  readonly user: string;
  readonly address: string;
  readonly port: number;
  /** What let the user in: `local`, `group tacacs+`. */
  readonly authentication: string;
  /** How the user proved it: `publickey`, `password`, `publickey,password`. */
  readonly method: string;
  readonly privilege: number;
  /** The fingerprint of the key, where there was one. */
  readonly key?: string | undefined;
}

/** Where a file goes, seen from the server. */
export type TransferDirection = 'received' | 'sent';

/** What is known when a transfer begins. */
export interface TransferRecord {
  readonly protocol: 'scp' | 'sftp';
  readonly direction: TransferDirection;
  /** Absolute, as the user sees it; in the form of byte-name.ts. */
  readonly path: string;
}

/** How a session or transfer ended. */
export type AccountingStatus =
  | 'complete'
  /** A download of which the client did not want all. */
  | 'partial'
  /** It came to its end with an error; what is under the name is what was there before. */
  | 'failed'
  /** The connection or the client went away in the middle. */
  | 'cut'
  /** The server was killed; this is found out at its next start. */
  | 'interrupted';

/** What is known when a transfer has ended. */
export interface TransferEnd {
  readonly status: Exclude<AccountingStatus, 'interrupted'>;
  /** Of the content, as far as it came; undefined where nobody waited for it to tell. */
  readonly bytes?: number | undefined;
  /** Of the whole content, in hexadecimal digits. Absent where not all of it passed in one piece. */
  readonly sha256?: string | undefined;
  /** Who vouches for the content, where only verified content lands: `production A`. */
  readonly signer?: string | undefined;
  readonly error?: string | undefined;
}

/** What is known when a session has ended. */
export interface SessionEnd {
  readonly status: Exclude<AccountingStatus, 'interrupted'>;
  /** On the wire, from and to the client. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Why it was ended, where that was not the client's choice. */
  readonly error?: string | undefined;
}

interface Common extends AccountedUser {
  /** The time of the event: ISO 8601, UTC, with milliseconds. */
  readonly time: string;
  /** Pairs start and stop. Never used twice, also after a restart. */
  readonly id: string;
}

/** The beginning of a session or of the transfer of one file. */
export type StartRecord =
  | (Common & { readonly record: 'start'; readonly kind: 'session' })
  /** `session` is the id of the session it belongs to. */
  | (Common & { readonly record: 'start'; readonly kind: 'transfer'; readonly session: string } & TransferRecord);

/** What a stop record says besides what its start said. Of what was interrupted, duration and bytes are not known. */
interface Stopped {
  readonly record: 'stop';
  readonly status: AccountingStatus;
  readonly durationMs?: number | undefined;
  readonly error?: string | undefined;
}

/** The end of what a start record with the same id began. */
export type StopRecord =
  | (Common &
      Stopped & {
        readonly kind: 'session';
        readonly bytesReceived?: number | undefined;
        readonly bytesSent?: number | undefined;
      })
  | (Common &
      Stopped &
      TransferRecord & {
        readonly kind: 'transfer';
        readonly session: string;
        readonly bytes?: number | undefined;
        readonly sha256?: string | undefined;
        readonly signer?: string | undefined;
      });

/** For each session (login) and each transfer (file) there is one start and one stop. Texts from clients in it are as they came: whoever writes it down escapes them. */
export type AccountingRecord = StartRecord | StopRecord;

/** Takes records. Must not throw; what it does besides is not waited for. */
export type Account = (record: AccountingRecord) => void;

/** Longer texts are cut, in characters: a path may be 4,096 bytes, each of which may take four characters here. */
export const MAX_TEXT: number = 16 * 1024;

/** The record as one line of JSON in printable characters, without the line feed: what could drive a terminal or break a line is escaped as `\uXXXX`, and reads back as it was. */
export function recordLine(record: AccountingRecord, maxText: number = MAX_TEXT): string {
  const text = JSON.stringify(record, (_, value: unknown) =>
    typeof value === 'string' && value.length > maxText ? `${value.slice(0, maxText)}…` : value,
  );
  return unsafeAsEscapes(text);
}
