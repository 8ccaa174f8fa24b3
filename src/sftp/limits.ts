import type { LimitsReply } from './extensions/limits.ts';

/** The longest packet that is taken, without its length field. OpenSSH sends at most 256 KiB; the rest is slack for the fields around the content. */
export const MAX_PACKET_BYTES: number = 256 * 1024 + 1024;

/** The longest request, without content: servers need not take more than 34,000 bytes (draft section 3). */
export const MAX_REQUEST_BYTES = 34_000;

/** The longest handle (draft section 6.3). */
export const MAX_HANDLE_BYTES = 256;

/** READ and WRITE of this many bytes are taken by every server (draft section 3: packets of 34,000 bytes). */
const DEFAULT_DATA_BYTES = 32_768;

/** The most content in one READ or WRITE, whatever a server offers: 256 KiB less what surrounds it. */
const MAX_DATA_BYTES: number = 256 * 1024 - 1024;

/** The least content in one READ or WRITE, whatever a server says. */
const MIN_DATA_BYTES = 64;

/** The shortest packet limit that is believed: a path must fit. */
const MIN_PACKET_BYTES = 34_000;

/** As many requests wait for an answer at one time: small files over long distances are a matter of requests, not of bytes. */
export const MAX_REQUESTS_IN_FLIGHT = 2048;

/** As many bytes of content are asked for or sent and not answered at one time. 80 MB/s over a round trip of 100 ms. */
export const MAX_BYTES_IN_FLIGHT: number = 8 * 1024 * 1024;

/** As many requests may wait for their turn: more is a mistake of the caller. */
export const MAX_REQUESTS_WAITING = 65_536;

/** As many bytes may lie in the output stream, unsent. */
export const MAX_UNSENT_BYTES: number = 1024 * 1024;

/** The longest text of a STATUS that is kept, in characters. */
export const MAX_STATUS_CHARACTERS = 512;

/** As many extensions may a peer announce. */
export const MAX_EXTENSIONS = 256;

/** How long text that cannot be SFTP may take to become a whole line, in milliseconds. */
export const NOISE_TIMEOUT_MS = 1_000;

/** The longest name in a directory, in bytes. Longer than any file system's, because some servers count characters. */
export const MAX_ENTRY_NAME_BYTES = 1024;

/** As many names may one directory have, and as many bytes may they take together: a listing that never ends is an attack. */
export const MAX_DIRECTORY_ENTRIES = 1_000_000;
export const MAX_DIRECTORY_BYTES: number = 128 * 1024 * 1024;

/** As many answers to READDIR may bring no name, one after the other. */
export const MAX_EMPTY_LISTINGS = 8;

/** As many READDIR are in flight for one directory: a server answers each with about 100 names. */
export const MAX_READDIR_IN_FLIGHT = 8;

/** The sizes that a server takes. */
export interface SftpLimits {
  /** The longest packet, without its length field. */
  readonly maxPacketBytes: number;
  /** The most content in one READ. */
  readonly maxReadBytes: number;
  /** The most content in one WRITE. */
  readonly maxWriteBytes: number;
  /** How many files and directories may be open at one time; 0 where that is unlimited or not known. */
  readonly maxOpenHandles: number;
}

/** What every server takes. */
export const DEFAULT_LIMITS: SftpLimits = {
  maxPacketBytes: 256 * 1024,
  maxReadBytes: DEFAULT_DATA_BYTES,
  maxWriteBytes: DEFAULT_DATA_BYTES,
  maxOpenHandles: 0,
};

function between(low: number, told: bigint, high: number, otherwise: number): number {
  if (told === 0n) return otherwise;
  return Math.max(low, told > BigInt(high) ? high : Number(told));
}

/** What a server told with limits@openssh.com, within our own bounds. 0 stands for "not known" and leaves the default. */
export function withLimits(told: LimitsReply): SftpLimits {
  return {
    maxPacketBytes: between(MIN_PACKET_BYTES, told.maxPacketBytes, 256 * 1024, DEFAULT_LIMITS.maxPacketBytes),
    maxReadBytes: between(MIN_DATA_BYTES, told.maxReadBytes, MAX_DATA_BYTES, DEFAULT_DATA_BYTES),
    maxWriteBytes: between(MIN_DATA_BYTES, told.maxWriteBytes, MAX_DATA_BYTES, DEFAULT_DATA_BYTES),
    maxOpenHandles: between(1, told.maxOpenHandles, Number.MAX_SAFE_INTEGER, 0),
  };
}
