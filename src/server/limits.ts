/** Every bound of the server. Times are in milliseconds, sizes in bytes. */
export interface ServerLimits {
  /** From the first byte to a finished login. */
  readonly loginTimeoutMs: number;
  /** Wrong passwords (by either method) before the connection ends. */
  readonly passwordTries: number;
  /** Public keys that are offered and not accepted before the connection ends. Agents offer many, so this is more than one would type. */
  readonly publicKeyTries: number;
  /** Authentication requests of any kind on one connection. */
  readonly authenticationRequests: number;
  /** Session channels that are open at a time on one connection. */
  readonly channels: number;
  /** Connections in all; further ones are closed at once. */
  readonly connections: number;
  /** Connections that have not logged in, in all. */
  readonly unauthenticated: number;
  /** Connections from one source (an IPv4 address, an IPv6 /64) that have not logged in. */
  readonly unauthenticatedPerSource: number;
  /** Connections that have logged in, in all. */
  readonly sessions: number;
  /** Connections of one user that have logged in. */
  readonly sessionsPerUser: number;
  /** Connections from one source that have logged in. */
  readonly sessionsPerSource: number;
  /** Transfers under way, in all. */
  readonly transfers: number;
  /** Transfers of one user that are under way. */
  readonly transfersPerUser: number;
  /** Output that waits for a peer that does not read, beyond what transfers keep under way; more ends the connection. */
  readonly queuedBytes: number;
  /** New keys are made after this many bytes in both directions (RFC 4253 section 9). */
  readonly rekeyBytes: number;
  /** New keys are made after this time. */
  readonly rekeyMs: number;
  /** How long a connection may stay logged in without a transfer. Never ends a transfer, however slow it is. */
  readonly idleTimeoutMs: number;
  /** Silence after which the peer is asked whether it is still there. */
  readonly keepaliveMs: number;
  /** Unanswered questions after which the peer counts as gone. */
  readonly keepaliveCount: number;
  /** Names that the patterns of one command may stand for. */
  readonly globMatches: number;
}

/** What {@link ServerLimits} are unless the options say otherwise. */
export const DEFAULT_LIMITS: ServerLimits = {
  loginTimeoutMs: 120_000,
  passwordTries: 3,
  publicKeyTries: 20,
  authenticationRequests: 50,
  channels: 10,
  connections: 1000,
  unauthenticated: 512,
  unauthenticatedPerSource: 256,
  sessions: 1000,
  sessionsPerUser: 200,
  sessionsPerSource: 500,
  transfers: 1000,
  transfersPerUser: 200,
  queuedBytes: 4 * 1024 * 1024,
  rekeyBytes: 1024 * 1024 * 1024,
  rekeyMs: 3_600_000,
  idleTimeoutMs: 600_000,
  keepaliveMs: 30_000,
  keepaliveCount: 10,
  globMatches: 10_000,
};

/** Output that may wait for a client that has not logged in. */
export const LOGIN_QUEUE_BYTES: number = 64 * 1024;

/** A transfer is held back while this many bytes wait in the socket. */
export const OUTPUT_HIGH_WATER_BYTES: number = 512 * 1024;

/** What all transfers of one connection can have queued in the socket at most: each writes one chunk more after the last look. */
export const TRANSFER_QUEUE_BYTES: number = 4 * 1024 * 1024;

/**
 * The most unread input one channel may hold: ssh2 grants a window of 2 MiB anew until as much waits unread, so twice that and one packet. A peer that sends more ignores
 * the window.
 */
export const CHANNEL_INPUT_BYTES: number = 4 * 1024 * 1024 + 64 * 1024;

/** Packets that may wait for a key exchange to end. */
export const REKEY_QUEUE_PACKETS = 20_000;

/** The smallest packet size a client may ask for. ssh2 loops for ever at 0 and sends byte by byte at 1. */
export const SMALLEST_PACKET_BYTES = 256;

/** How long a connection that is being ended may take to take its last bytes. */
export const FAREWELL_MS = 2000;

/** How long what was received of uploads may go on after the client has left; then everything is given up. */
export const LEFT_MS = 30_000;

/** How long what has been told to stop is waited for: a call of the system that does not return must not hold up the end of a connection, or of the server. */
export const STOP_MS = 3000;

/**
 * The limits to use.
 *
 * @throws {RangeError} for a limit that is not a number above 0.
 */
export function resolveLimits(own: Partial<ServerLimits> = {}): ServerLimits {
  for (const [name, value] of Object.entries(own)) {
    if (typeof value !== 'number' || !(value > 0))
      throw new RangeError(`limit ${name}: ${String(value)} is not above 0`);
  }
  return { ...DEFAULT_LIMITS, ...own };
}
