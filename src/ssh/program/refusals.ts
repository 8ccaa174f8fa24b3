/** What the `ssh` that has logged in says on its own standard error where the server refuses a session to another one. */
const REFUSED = /^channel \d+: open failed: [^\n]*\n?/gm;

/** Takes from the standard error of a shared login what concerns only channels that harm nobody by their absence. */
export class Refusals {
  #isHidden = false;

  /** From now on: what came before is about the first channel, and is the user's to read. */
  hide(): void {
    this.#isHidden = true;
  }

  /** @param bytes as they come: ssh writes whole lines */
  without(bytes: Buffer): Buffer {
    if (!this.#isHidden || !bytes.includes('open failed')) return bytes;
    return Buffer.from(bytes.toString('latin1').replace(REFUSED, ''), 'latin1');
  }
}
