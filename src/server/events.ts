import type { ErrorCode } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { FailedNegotiation } from './negotiation.ts';

/** The connection that an event is about. */
export interface ConnectionInfo {
  /** Counts up from 1. */
  readonly id: number;
  readonly address: string;
  readonly port: number;
  /** Set once somebody has logged in. */
  readonly user?: string;
}

/** What a server tells about itself while it runs. Texts from peers in it are as they came: {@link describeEvent} makes them printable. */
export type ServerEvent =
  | { readonly type: 'connection-opened'; readonly connection: ConnectionInfo }
  /** Closed before a word was exchanged: a limit was reached. */
  | {
      readonly type: 'connection-refused';
      readonly address: string;
      readonly limit: RefusedBy;
      readonly reason: string;
    }
  | {
      readonly type: 'connection-closed';
      readonly connection: ConnectionInfo;
      /** Why it was ended, where that was not the client's choice. */
      readonly reason?: string;
      readonly durationMs: number;
      readonly bytesRead: number;
      readonly bytesWritten: number;
    }
  | {
      readonly type: 'login-accepted';
      readonly connection: ConnectionInfo;
      readonly method: string;
      readonly key?: string;
    }
  /** One of several proofs that the user needs was right. */
  | {
      readonly type: 'login-partial';
      readonly connection: ConnectionInfo;
      readonly user: string;
      readonly method: string;
    }
  | {
      readonly type: 'login-refused';
      readonly connection: ConnectionInfo;
      readonly user: string;
      readonly method: string;
      readonly reason: string;
    }
  /** Client and server have no algorithm in common. */
  | ({ readonly type: 'negotiation-failed'; readonly connection: ConnectionInfo } & FailedNegotiation)
  /** A client makes use of the legacy profile. */
  | {
      readonly type: 'legacy-algorithms';
      readonly connection: ConnectionInfo;
      readonly algorithms: readonly string[];
    }
  /** The client asked for something that this server does not do. */
  | { readonly type: 'request-refused'; readonly connection: ConnectionInfo; readonly request: string }
  | {
      readonly type: 'transfer-started';
      readonly connection: ConnectionInfo;
      /** Counts up from 1. */
      readonly transfer: number;
      readonly service: 'scp' | 'sftp';
      readonly direction: Direction;
      readonly path: string;
    }
  | {
      readonly type: 'file-moved';
      readonly connection: ConnectionInfo;
      readonly direction: Direction;
      readonly name: string;
      readonly bytes: number;
      /** False where the copy of this file was given up. */
      readonly landed: boolean;
      /** Who vouches for its content, where only verified content lands: `production A`. */
      readonly signer?: string;
    }
  /** Content that was not to be used, or that nobody could judge: nothing of it is left. 200 of one connection at most. */
  | {
      readonly type: 'content-refused';
      readonly connection: ConnectionInfo;
      readonly path: string;
      readonly code: ErrorCode;
      readonly reason: string;
    }
  /** Something but content was changed. `to` is the new name, or what a link points to. */
  | {
      readonly type: 'entry-changed';
      readonly connection: ConnectionInfo;
      readonly operation: 'remove' | 'mkdir' | 'rmdir' | 'rename' | 'link' | 'symlink';
      readonly path: string;
      readonly to?: string;
    }
  /** SFTP: what somebody was not allowed to do, or had no room for. Of this, `request-refused` and `entry-failed` a connection has 200 each at most. */
  | {
      readonly type: 'operation-refused';
      readonly connection: ConnectionInfo;
      readonly operation: string;
      readonly reason: string;
    }
  | { readonly type: 'entry-failed'; readonly connection: ConnectionInfo; readonly reason: string }
  | {
      readonly type: 'transfer-ended';
      readonly connection: ConnectionInfo;
      readonly transfer: number;
      readonly service: 'scp' | 'sftp';
      readonly direction: Direction;
      readonly path: string;
      readonly files: number;
      readonly bytes: number;
      /** Of the whole content in hex, where one file moved in order from its first byte to its last. */
      readonly sha256?: string;
      /** Who vouches for the content of the file, where only verified content lands: `production A`. */
      readonly signer?: string;
      /** Why it failed, where that is known. */
      readonly error?: string;
      readonly durationMs: number;
      /** The exit status; undefined where the connection ended first. */
      readonly status: 0 | 1 | undefined;
    }
  /** Files that a killed server left, or that were kept for too long, were removed. */
  | { readonly type: 'swept'; readonly files: number }
  | { readonly type: 'warning'; readonly text: string };

/** What kept a connection out. */
export type RefusedBy = 'connections' | 'unauthenticated' | 'failed-logins' | 'stopping';

/** Which way files go, seen from the server. */
export type Direction = 'received' | 'sent';

/** One printable line about an event. */
export function describeEvent(event: ServerEvent): string {
  const who = 'connection' in event ? `${name(event.connection)}: ` : '';
  return printable(who + describe(event));
}

function name({ id, address, port, user }: ConnectionInfo): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return `#${id} ${user === undefined ? '' : `${user}@`}${host}:${port}`;
}

function describe(event: ServerEvent): string {
  switch (event.type) {
    case 'connection-opened':
      return 'connected';
    case 'connection-refused':
      return `connection from ${event.address} refused: ${event.reason}`;
    case 'connection-closed':
      return `closed after ${seconds(event.durationMs)}${event.reason === undefined ? '' : `: ${event.reason}`}`;
    case 'login-accepted':
      return `logged in by ${event.method}${event.key === undefined ? '' : ` with key ${event.key}`}`;
    case 'login-partial':
      return `login of ${JSON.stringify(event.user.slice(0, 64))}: ${event.method} was right, more is needed`;
    case 'login-refused':
      return `login of ${JSON.stringify(event.user.slice(0, 64))} by ${event.method} refused: ${event.reason}`;
    case 'negotiation-failed':
      return `no common ${event.what}; ours: ${event.ours}; theirs: ${event.theirs}; ${event.cure}`;
    case 'legacy-algorithms':
      return `uses old algorithms: ${event.algorithms.join(', ')}`;
    case 'request-refused':
      return `request refused: ${event.request}`;
    case 'transfer-started':
      return event.direction === 'received' ? `begins to send to ${event.path}` : `begins to fetch ${event.path}`;
    case 'file-moved':
      return `${event.landed ? event.direction : `not ${event.direction}`} ${event.name} (${event.bytes} bytes)`;
    case 'content-refused':
      return `refused the content of ${event.path}: ${event.reason} (${event.code})`;
    case 'entry-changed':
      return `${event.operation} ${event.path}${event.to === undefined ? '' : ` ${event.to}`}`;
    case 'operation-refused':
      return `refused to ${event.operation} ${event.reason}`;
    case 'entry-failed':
      return `failed: ${event.reason}`;
    case 'transfer-ended': {
      const end = event.status === undefined ? 'cut off' : event.status === 0 ? 'complete' : 'ended with errors';
      return `transfer ${end}: ${event.direction} ${event.files} files, ${event.bytes} bytes in ${seconds(event.durationMs)}, ${event.path}${event.error === undefined ? '' : `: ${event.error}`}`;
    }
    case 'swept':
      return `removed ${event.files} files of uploads that never ended`;
    case 'warning':
      return `warning: ${event.text}`;
    default:
      return event satisfies never;
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
