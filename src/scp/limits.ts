/** The longest control record or reply, without its line feed, in bytes. OpenSSH reads into a buffer of 2,048. */
export const MAX_RECORD_BYTES = 2047;

/** The largest file, in bytes: the largest number that JavaScript counts exactly. */
export const MAX_FILE_BYTES: number = Number.MAX_SAFE_INTEGER;

/** How deep directories may nest below the first one. Deeper trees are loops or attacks; OpenSSH stops at the same order in its SFTP mode. */
export const MAX_DEPTH = 1024;

/** How long a line that has begun may take to become complete, in milliseconds. Every known peer sends a record in one write. */
export const LINE_TIMEOUT_MS = 15_000;

/** How long text that cannot be the protocol (a talkative login shell) may take to become a whole line, in milliseconds. */
export const NOISE_TIMEOUT_MS = 1_000;

/** Permission bits that the protocol carries: rwx for three classes, set-user-ID, set-group-ID and sticky. */
export const MODE_MASK = 0o7777;

/** How long a source may stay silent after everything that was asked for has come, in milliseconds. */
export const SILENCE_TIMEOUT_MS = 10_000;
