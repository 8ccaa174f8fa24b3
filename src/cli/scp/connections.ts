import type { Log } from '../../base/log.ts';
import type { RemoteLocation } from '../../copy/location.ts';
import { systemEnvironment } from '../../library/environment.ts';
import { connect } from '../../ssh/connect.ts';
import type { SshConnection, SshTarget } from '../../ssh/connection.ts';
import type { ConnectOptions } from '../../ssh/options.ts';
import { canAsk, createPrompter } from '../terminal/prompter.ts';
import type { ScpOptions } from './options.ts';

/** Connections by host, user and port: each is made once and serves all operands that name the same. */
export class Connections {
  readonly #options: ScpOptions;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #onStderr: ConnectOptions['onStderr'];
  readonly #onWaiting: ConnectOptions['onWaiting'];
  readonly #open = new Map<string, Promise<SshConnection>>();

  constructor(
    options: ScpOptions,
    parts: Pick<ConnectOptions, 'onStderr' | 'onWaiting'> & { log: Log; signal: AbortSignal },
  ) {
    this.#options = options;
    this.#log = parts.log;
    this.#signal = parts.signal;
    this.#onStderr = parts.onStderr;
    this.#onWaiting = parts.onWaiting;
  }

  get(location: RemoteLocation): Promise<SshConnection> {
    const port = location.port ?? this.#options.port;
    const target: SshTarget = {
      host: location.host,
      ...(location.user === undefined ? {} : { user: location.user }),
      ...(port === undefined ? {} : { port }),
    };
    const key = JSON.stringify([target.host, target.user, target.port]);
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const made = this.#connect(target);
    this.#open.set(key, made);
    return made;
  }

  async #connect(target: SshTarget): Promise<SshConnection> {
    const options: ConnectOptions = {
      environment: systemEnvironment(),
      transport: this.#options.transport,
      ...this.#program(),
      args: this.#options.sshArgs,
      batchMode: this.#options.batchMode,
      ...(this.#options.batchMode ? {} : { prompter: createPrompter(process.env) }),
      shareLogin: this.#shareLogin,
      onStderr: this.#onStderr,
      onWaiting: this.#onWaiting,
      signal: this.#signal,
      log: this.#log,
    };
    return await connect(target, options);
  }

  /** Further channels make a large copy over a long link fast. Where the fallback to the SCP protocol might ask a person again, the login is one that outlives the missing SFTP. */
  get #shareLogin(): ConnectOptions['shareLogin'] {
    const { protocol, throughLocal, batchMode } = this.#options;
    if (protocol === 'scp' || throughLocal === 'remote') return undefined;
    return protocol === 'default' && !batchMode && canAsk(process.env) ? 'alone' : 'with-session';
  }

  #program(): Pick<ConnectOptions, 'program' | 'direct'> {
    const { sftpProgram, sshProgram } = this.#options;
    if (sftpProgram !== undefined) return { program: sftpProgram, direct: true };
    return sshProgram === undefined ? {} : { program: sshProgram };
  }

  /** Closes what is open. Never throws. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(open.map((connection) => connection.then((c) => c.close()).catch(() => {})));
  }
}
