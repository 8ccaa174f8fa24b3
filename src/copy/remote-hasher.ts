import { encodeName } from '../base/byte-name.ts';
import { withDeadline } from '../base/deadline.ts';
import type { SshChannel, SshConnection } from '../ssh/connection.ts';
import { StreamReader } from '../wire/stream-reader.ts';

/** How long a host may take to say whether it can hash files. Logging in is part of it with the `ssh` program. Milliseconds. */
const START_TIMEOUT_MS = 60_000;

/** So often a host that hashes says that it is still there. Seconds. */
const SIGN_OF_LIFE_SECONDS = 10;

/** How long a host may say nothing at all while it hashes: as long as three of its signs take. Milliseconds. */
const STALL_TIMEOUT_MS = 30_000;

/** The longest line of an answer. Bytes. */
const MAX_LINE_BYTES = 1024;

/**
 * What runs on the host: reads paths, one a line and with its odd bytes as octal escapes, and prints the SHA-256, size and time of each file, and now and then that it is busy. Without single quotes, because it travels in
 * them through a shell that may be any. stat(1) has one set of options with GNU and BusyBox and another one with the BSDs.
 */
const script = [
  'if command -v sha256sum >/dev/null 2>&1; then h=sha256sum; ',
  'elif command -v shasum >/dev/null 2>&1; then h="shasum -a 256"; ',
  'elif command -v openssl >/dev/null 2>&1; then h="openssl dgst -sha256 -r"; ',
  'else echo none; exit 1; fi; ',
  `while sleep ${SIGN_OF_LIFE_SECONDS}; do echo busy || exit; done 2>/dev/null & echo ready; `,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  'while IFS= read -r l; do p=$(printf "%b." "$l"); p=${p%.}; ',
  '{ [ -f "$p" ] && s=$(stat -L -c "%s %Y" "$p" || stat -L -f "%z %m" "$p") && d=$($h < "$p") && echo "$d $s"; } ',
  '2>/dev/null || echo failed; done',
].join('');

/** What SFTP says of a file. */
export interface SeenFile {
  readonly size?: number | undefined;
  readonly mtimeSeconds?: number | undefined;
}

/**
 * Computes digests of files on a host by a command there, one command for all of them. A host that runs none, or says nothing for too long, is not asked again.
 *
 * What SFTP shows and what a shell sees may be two things (chroot, a start directory of its own): a digest counts only where the shell has seen a file of the same size and time.
 */
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
   * The SHA-256 of the file at an absolute path; undefined where the host cannot compute it.
   *
   * Never rejects.
   *
   * @param seen what SFTP says is there
   */
  digest(path: string, seen: SeenFile): Promise<Uint8Array | undefined> {
    const asked = this.#last.then(async () => {
      this.#running ??= this.#start();
      const running = await this.#running;
      return await running?.ask(path, seen);
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
      if ((await running.line(START_TIMEOUT_MS)) === 'ready') return running;
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
  #over = false;

  constructor(channel: SshChannel) {
    this.#channel = channel;
    this.#reader = new StreamReader(channel.input);
    channel.output.on('error', () => {});
  }

  /** The next line that is no sign of life; undefined where the command has ended, is silent for too long, or says more than it should: nothing it says later counts then. */
  async line(timeoutMs: number): Promise<string | undefined> {
    for (;;) {
      const line = this.#over ? undefined : await this.#next(timeoutMs);
      if (line === undefined) this.close();
      if (line !== 'busy') return line;
    }
  }

  async #next(timeoutMs: number): Promise<string | undefined> {
    try {
      const line = this.#reader.line(MAX_LINE_BYTES);
      const { bytes, endedBy } = await withDeadline(line, timeoutMs, () => new Error('no answer'));
      return endedBy === 'terminator' ? bytes.toString('latin1') : undefined;
    } catch {
      return undefined;
    }
  }

  async ask(path: string, seen: SeenFile): Promise<Uint8Array | undefined> {
    if (!this.#over) this.#channel.output.write(`${octal(path)}\n`);
    const line = (await this.line(STALL_TIMEOUT_MS)) ?? '';
    const [, digest, size, time] = /^([0-9a-f]{64})\b.* ([0-9]+) (-?[0-9]+)$/.exec(line) ?? [];
    const isSame = Number(size) === seen.size && Number(time) === seen.mtimeSeconds;
    return digest === undefined || !isSame ? undefined : Buffer.from(digest, 'hex');
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
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
