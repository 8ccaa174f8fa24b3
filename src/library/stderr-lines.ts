import { ConnectionError, type ConnectionPhase, type ErrorCode } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { HOST_KEY_REFUSED, LOGIN_REFUSED } from '../copy/final-words.ts';

/** Longer lines are cut. */
const MAX_LINE_CHARACTERS = 2_048;
/** As many lines are kept to explain a failure with. */
const KEPT_LINES = 20;

/** What `ssh` says when it fails for a reason that its exit status does not tell; it says it in English only. */
const KNOWN_WORDS: readonly { readonly words: RegExp; readonly phase: ConnectionPhase; readonly code: ErrorCode }[] = [
  { words: HOST_KEY_REFUSED, phase: 'host key', code: 'ERR_HOST_KEY' },
  { words: LOGIN_REFUSED, phase: 'authentication', code: 'ERR_AUTHENTICATION' },
  { words: /Could not resolve hostname/, phase: 'resolve', code: 'ERR_CONNECT' },
  { words: /no matching .+ found/, phase: 'handshake', code: 'ERR_NO_COMMON_ALGORITHM' },
  { words: /connect to .+ timed out|Connection timed out/, phase: 'connect', code: 'ERR_TIMEOUT' },
  {
    words: /Bad owner or permissions|Bad configuration option|terminating, \d+ bad/,
    phase: 'resolve',
    code: 'ERR_CONFIG',
  },
  { words: /connect to .+: |kex_exchange_identification/, phase: 'connect', code: 'ERR_CONNECT' },
];

/** The standard error of a connection, cut into lines that may be shown. Keeps the last ones. */
export class StderrLines {
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #decoder = new TextDecoder();
  #rest = '';
  #recent: string[] = [];
  #isLoggedIn = false;

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine;
  }

  readonly push = (bytes: Uint8Array): undefined => {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARACTERS);
    for (const line of lines) this.#take(line);
  };

  #take(text: string): void {
    const line = printable(text.slice(0, MAX_LINE_CHARACTERS).replace(/\r$/, ''));
    this.#recent.push(line);
    if (this.#recent.length > KEPT_LINES) this.#recent.shift();
    this.#onLine?.(line);
  }

  /** What was said so far explains nothing that comes later. */
  forget(): void {
    this.#recent = [];
  }

  /** What is said from now on comes from a server that speaks: whatever it looks like, it is no word of `ssh` about the login. */
  loggedIn(): void {
    this.#isLoggedIn = true;
  }

  /** The cause of a lost connection, where `ssh` has told it here and nowhere else; every other error comes back as it is. */
  explain(error: unknown): unknown {
    if (!(error instanceof ConnectionError) || error.code !== 'ERR_CONNECTION_LOST') return error;
    for (const { words, phase, code } of KNOWN_WORDS) {
      if (this.#isLoggedIn && (phase === 'host key' || phase === 'authentication')) continue;
      const line = this.#recent.findLast((said) => words.test(said));
      if (line !== undefined)
        return new ConnectionError(error.host, phase, line.replace(/^ssh: /, ''), { code, cause: error });
    }
    return error;
  }
}
