import type { Log } from '../../base/log.ts';
import { FinalWords } from '../../copy/final-words.ts';
import { type Reporter, stderrReady } from '../report.ts';
import { RemoteText } from '../terminal/remote-text.ts';
import { firstHost } from './first-host.ts';
import type { ScpOptions } from './options.ts';
import { Remotes } from './remotes.ts';

/** The hosts of one run and what they say. It needs little code, so that connecting begins while the rest is being loaded. */
export class RunHosts {
  readonly remotes: Remotes;
  readonly log: Log;
  /** Shows what a host says, and notices in it what makes a new attempt useless. */
  readonly onStderr: (bytes: Buffer) => Promise<void> | undefined;
  readonly finalWords: FinalWords = new FinalWords();
  readonly #options: ScpOptions;
  readonly #text: RemoteText;

  constructor(options: ScpOptions, { reporter, signal }: { reporter: Reporter; signal: AbortSignal }) {
    this.#options = options;
    this.#text = new RemoteText((text) => reporter.text(text));
    const { verbosity } = options;
    const log: Log = {
      level: verbosity,
      debug: (level, text) => {
        if (level <= verbosity) reporter.note(`debug${level}: ${text}`);
      },
    };
    const onRemoteStderr = (bytes: Buffer) => {
      this.#text.push(bytes);
      return stderrReady(signal);
    };
    this.log = log;
    this.onStderr = (bytes) => {
      this.finalWords.look(bytes);
      return onRemoteStderr(bytes);
    };
    this.remotes = new Remotes(options, { signal, log, reporter, onStderr: this.onStderr, onRemoteStderr });
  }

  /** Begins to connect to the host that the run needs first, if it is sure to need it. Resolves when nothing is left to do for that but to wait. Never rejects: the run meets what went wrong. */
  async begin(): Promise<void> {
    const location = firstHost(this.#options);
    if (location === undefined) return;
    await this.remotes.begin(location);
    // Loading takes as long as some logins: it is done while the host is waited for.
    if (this.#options.protocol !== 'scp')
      Promise.all([import('../../copy/sftp-open.ts'), import('../../copy/sftp-copy.ts')]).catch(() => {});
  }

  /** Shows a last line of the hosts that has no end. */
  flush(): void {
    this.#text.flush();
  }
}
