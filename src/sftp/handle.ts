/** An open file or directory of the server: an opaque string of at most 256 bytes that only the server understands (draft section 6.3). */
export class SftpHandle {
  readonly bytes: Uint8Array;
  /** The path it was opened with, for messages. */
  readonly path: string;

  constructor(bytes: Uint8Array, path: string) {
    this.bytes = bytes;
    this.path = path;
  }
}
