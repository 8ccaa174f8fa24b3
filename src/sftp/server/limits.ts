/** As many files and directories may a session have open. */
export const MAX_OPEN_HANDLES = 100;

/** The longest DATA, and the longest content of WRITE that is announced. Bytes. */
export const MAX_CONTENT_BYTES: number = 256 * 1024;

/** What limits@openssh.com tells, as OpenSSH's server does: 256 KiB, less what surrounds the content. */
export const TOLD_PACKET_BYTES: number = 256 * 1024;
export const TOLD_CONTENT_BYTES: number = 256 * 1024 - 1024;

/** As many requests are worked on at one time. Further ones wait, and nothing more is read meanwhile. */
export const MAX_REQUESTS_UNDER_WAY = 128;

/** As much content may be under way at one time: asked for and not sent, sent and not written. Bytes. */
export const MAX_BYTES_UNDER_WAY: number = 4 * 1024 * 1024;

/** READs and WRITEs of one file that follow each other without a gap are done together up to so many bytes. */
export const MERGE_BYTES: number = 512 * 1024;

/** As many names, and so many bytes of them, does one answer to READDIR hold: old clients take no packet above 34,000 bytes. */
export const LISTING_NAMES = 100;
export const LISTING_BYTES = 28_000;

/** As many ids may be asked for with users-groups-by-id@openssh.com. */
export const MAX_IDS = 1024;

/** As many hashes does one answer to check-file hold: what fits into a packet. */
export const MAX_HASH_BYTES: number = 128 * 1024;

/** As many bytes does one request of check-file or copy-data read at a time. */
export const COPY_BYTES: number = 256 * 1024;
