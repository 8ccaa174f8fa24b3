import type { Log } from '../../base/log.ts';
import type { SshChannel, SshTarget } from '../connection.ts';
import { mayMention } from './mentions.ts';
import { SharedLogin, type SharedLoginOptions } from './shared-login.ts';
import type { SharingRule } from './sharing-rule.ts';

/** What a configuration must not speak of, so that its login is ours to share without asking the program what it means. */
const SHARING_WORDS = /control(?:master|path)|forkafterauthentication|sessiontype/i;

/** The same where it matters whether questions may be asked. */
const SHARING_OR_BATCH_WORDS = new RegExp(`${SHARING_WORDS.source}|batchmode`, 'i');

/** How the channels of a connection come to share a login. */
export interface ShareOptions {
  /**
   * Who logs in. `with-session`: the first channel, which costs nothing more than by itself; where its subsystem is refused, whatever follows logs in again. `alone`: a program before it, for nothing else; where a second login may ask
   * a person again. With BatchMode in the configuration nobody is asked, and it is `with-session`.
   */
  readonly login: 'with-session' | 'alone';
  /** Folders to try for the private directory of the socket. */
  readonly folders: readonly string[];
  /** The home directory by the account, see {@link mayMention}. */
  readonly accountHome?: string | undefined;
  /** Given what a program says that logs in alone. A promise holds it back. */
  readonly onStderr?: SharedLoginOptions['onStderr'];
}

interface ProgramWords {
  readonly program: string;
  readonly args: readonly string[];
  readonly variables?: Readonly<Record<string, string | undefined>> | undefined;
  readonly log: Log;
}

/** The login that the channels of one connection share, as far as the user's configuration leaves that to us. */
export class Sharing {
  readonly #target: SshTarget;
  readonly #options: ShareOptions & ProgramWords;
  /** Reading begins at once, beside what else there is to do before the first channel. */
  readonly #mentioned: Promise<boolean>;
  #login: SharedLogin | undefined;
  /** The socket of a login of the user's own, which may be there. */
  #theirs: string | undefined;

  constructor(target: SshTarget, options: ShareOptions & ProgramWords) {
    this.#target = target;
    this.#options = options;
    this.#mentioned = mayMention(options.login === 'alone' ? SHARING_OR_BATCH_WORDS : SHARING_WORDS, options);
  }

  async #rule(): Promise<SharingRule> {
    if (!(await this.#mentioned)) return { kind: 'ours', isBatch: false };
    const { askSharingRule } = await import('./sharing-rule.ts');
    return await askSharingRule(this.#target, this.#options);
  }

  /**
   * Logs in for all channels.
   *
   * @returns the first channel where it has logged in; undefined where that is still to be opened, {@link socket} or not
   * @throws {ConnectionError} `ERR_CONNECTION_LOST` where there is no login; the program has said why. `signal.reason`
   */
  async begin(subsystem: string, signal: AbortSignal): Promise<SshChannel | undefined> {
    const options = { ...this.#options, signal };
    const rule = await this.#rule();
    signal.throwIfAborted();
    this.#theirs = rule.kind === 'theirs' ? rule.socket : undefined;
    if (rule.kind !== 'ours') return undefined;
    if (options.login === 'alone' && !rule.isBatch) {
      this.#login = await SharedLogin.alone(this.#target, options);
      return undefined;
    }
    const begun = await SharedLogin.withSession(this.#target, subsystem, options);
    this.#login = begun?.login;
    return begun?.channel;
  }

  /** The socket of the login of ours, while there is one. */
  get socket(): string | undefined {
    return this.#login?.socket;
  }

  /** The socket that further channels may try, whoever it belongs to. */
  get furtherSocket(): string | undefined {
    return this.socket ?? this.#theirs;
  }

  /** A channel of a program that goes through {@link socket}, with its exit as {@link SharedLogin.channel} has it. */
  channel(own: SshChannel): SshChannel {
    return this.#login?.channel(own) ?? own;
  }

  /** The same for one after the first: that the server refuses it is not told on the standard error of the login. */
  laterChannel(own: SshChannel): SshChannel {
    this.#login?.hideRefusals();
    return this.channel(own);
  }

  /** Ends the login of ours. Never throws. */
  async close(): Promise<void> {
    await this.#login?.close();
  }
}
