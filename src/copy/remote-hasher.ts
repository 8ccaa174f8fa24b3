import { encodeName } from '../base/byte-name.ts';
import { withDeadline } from '../base/deadline.ts';
import type { SshChannel, SshConnection } from '../ssh/connection.ts';
import { StreamReader } from '../wire/stream-reader.ts';

/** How long a host may take to say whether it can hash files. Logging in is part of it with the `ssh` program. Milliseconds. */
const START_TIMEOUT_MS = 60_000;

/** The longest line of an answer. Bytes. */
const MAX_LINE_BYTES = 1024;

/**
 * What runs on the host: reads paths, one a line and with its odd bytes as octal escapes, and prints the SHA-256 of each file. Without single quotes, because it travels in them through a shell that may be any.
 */
const script = [
  'if command -v sha256sum >/dev/null 2>&1; then h=sha256sum; ',
  'elif command -v shasum >/dev/null 2>&1; then h="shasum -a 256"; ',
  'elif command -v openssl >/dev/null 2>&1; then h="openssl dgst -sha256 -r"; ',
  'else echo none; exit 1; fi; echo ready; ',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  'while IFS= read -r l; do p=$(printf "%b." "$l"); p=${p%.}; ',
  '{ [ -f "$p" ] && $h < "$p"; } 2>/dev/null || echo failed; done',
].join('');

/** Computes digests of files on a host by a command there, one command for all of them. A host that runs none is asked once. */
export class RemoteHasher {
  readonly #connection: SshConnection;
  readonly #signal: AbortSignal | undefined;
  #running: Promise<Running | undefined> | undefined;
  /** Answers come in the order of the questions: one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(connection: SshConnection, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#signal = signal;
  }

  /**
   * The SHA-256 of the file at a path of the host's start directory; undefined where the host cannot compute it.
   *
   * Never rejects.
   */
  digest(path: string): Promise<Uint8Array | undefined> {
    const asked = this.#last.then(async () => {
      this.#running ??= this.#start();
      const running = await this.#running;
      return await running?.ask(path);
    });
    const safe = asked.catch(() => undefined);
    this.#last = safe;
    return safe;
  }

  async #start(): Promise<Running | undefined> {
    try {
      const signal = this.#signal === undefined ? {} : { signal: this.#signal };
      const channel = await this.#connection.exec(`sh -c '${script}'`, signal);
      channel.stderr.resume();
      const running = new Running(channel);
      const ready = withDeadline(running.line(), START_TIMEOUT_MS, () => new Error('no answer'));
      if ((await ready.catch(() => undefined)) === 'ready') return running;
      running.close();
      return undefined;
    } catch {
      return undefined;
    }
  }

  /** Ends the command on the host. Never rejects. */
  async close(): Promise<void> {
    const running = await this.#running?.catch(() => undefined);
    running?.close();
  }
}

class Running {
  readonly #channel: SshChannel;
  readonly #reader: StreamReader;

  constructor(channel: SshChannel) {
    this.#channel = channel;
    this.#reader = new StreamReader(channel.input);
    channel.output.on('error', () => {});
  }

  /** The next line; undefined where the command has ended, or says more than it should. */
  async line(): Promise<string | undefined> {
    const { bytes, endedBy } = await this.#reader.line(MAX_LINE_BYTES);
    return endedBy === 'terminator' ? bytes.toString('latin1') : undefined;
  }

  async ask(path: string): Promise<Uint8Array | undefined> {
    this.#channel.output.write(`${octal(path)}\n`);
    const digest = /^([0-9a-f]{64})\b/.exec((await this.line()) ?? '')?.[1];
    return digest === undefined ? undefined : Buffer.from(digest, 'hex');
  }

  close(): void {
    this.#reader.release();
    this.#channel.close();
  }
}

/** A path for `printf %b`: everything but letters, digits and a few more as `\\0ooo`. */
function octal(path: string): string {
  let text = '';
  for (const byte of encodeName(path)) {
    const character = String.fromCharCode(byte);
    text += /[A-Za-z0-9/._-]/.test(character) ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return text;
}
