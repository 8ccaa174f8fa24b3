/** What `ssh` says last where the server refused every login. */
export const LOGIN_REFUSED: RegExp =
  /^(?:[^\s@]+@\S+: )?Permission denied \([\w@.,-]+\)\.\r?$|^(?:Received disconnect|Disconnected) from .+: ?Too many authentication failures\r?$/m;

/** What `ssh` says last where the host key is not the one it should be. */
export const HOST_KEY_REFUSED: RegExp = /^Host key verification failed\.\r?$/m;

/**
 * Notices on the standard error of a connection what makes a new attempt useless, as it would end as the first one did, and might lock the account: the `ssh` program tells it nowhere else. Lines that only look like it, such as those of
 * a login shell that may not read a file, mean nothing; and nothing does that comes from a server which speaks already.
 */
export class FinalWords {
  #seen = false;

  /** @param bytes as they come: a line that is split is not noticed, but ssh writes whole lines */
  look(bytes: Buffer): void {
    const text = bytes.toString('latin1');
    this.#seen ||= LOGIN_REFUSED.test(text) || HOST_KEY_REFUSED.test(text);
  }

  get seen(): boolean {
    return this.#seen;
  }
}
