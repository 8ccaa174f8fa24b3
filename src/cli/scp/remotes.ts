import { setMaxListeners } from 'node:events';
import { ConnectionError } from '../../base/errors.ts';
import { LateAbort } from '../../base/late-abort.ts';
import type { Log } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import { describeLocation, type RemoteLocation } from '../../copy/location.ts';
import type { SftpLink } from '../../copy/sftp-open.ts';
import type { SshConnection } from '../../ssh/connection.ts';
import type { Reporter } from '../report.ts';
import { sftpOnly } from './beyond.ts';
import { Connections } from './connections.ts';
import type { ScpOptions } from './options.ts';

/** A host of this run, and the protocol that is spoken with it. */
export type Remote = {
  readonly host: string;
  readonly connection: SshConnection;
} & ({ readonly protocol: 'sftp'; readonly link: SftpLink } | { readonly protocol: 'scp'; readonly link?: undefined });

export interface RemotesOptions {
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly reporter: Reporter;
  /** Given what is said before a server speaks: by `ssh`, by a login shell. */
  readonly onStderr: (bytes: Buffer) => Promise<void> | undefined;
  /** Given what a server says that speaks already. */
  readonly onRemoteStderr: (bytes: Buffer) => Promise<void> | undefined;
}

/** The hosts of one run: each is connected to once, and what it cannot do is remembered. */
export class Remotes {
  readonly #options: ScpOptions;
  readonly #run: RemotesOptions;
  /** Ctrl-C ends the connections when what must not stay on a host has been removed. */
  readonly #late: LateAbort;
  readonly #connections: Connections;
  readonly #known = new Map<string, Promise<Remote>>();
  /** Told when nothing is left to do but to wait for a host. */
  #waiting: () => void = () => {};

  constructor(options: ScpOptions, run: RemotesOptions) {
    this.#options = options;
    this.#run = run;
    this.#late = new LateAbort(run.signal);
    // Every channel and request listens to it.
    setMaxListeners(0, this.#late.signal);
    this.#connections = new Connections(options, {
      ...run,
      signal: this.#late.signal,
      onWaiting: () => this.#waiting(),
    });
  }

  /** One key for all locations that share a connection. */
  key(location: RemoteLocation): string {
    return JSON.stringify([location.host, location.user, location.port ?? this.#options.port]);
  }

  /** The connection alone, for what needs no file protocol. */
  connection(location: RemoteLocation): Promise<SshConnection> {
    return this.#connections.get(location);
  }

  get(location: RemoteLocation): Promise<Remote> {
    const key = this.key(location);
    let remote = this.#known.get(key);
    if (remote === undefined) {
      remote = this.#open(location);
      // A failure is thrown to each who asks; until then nobody may be listening.
      remote.catch(() => {});
      this.#known.set(key, remote);
    }
    return remote;
  }

  /** Begins what `get` does. Resolves when nothing is left to do but to wait for the host, or all is over. Never rejects. */
  begin(location: RemoteLocation): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.get(location).then(
        () => resolve(),
        () => resolve(),
      );
    });
  }

  /** Whether the SCP protocol is spoken with one of the hosts. Never rejects. */
  async speakScp(): Promise<boolean> {
    const known = await Promise.all([...this.#known.values()].map((remote) => remote.catch(() => undefined)));
    return known.some((remote) => remote?.protocol === 'scp');
  }

  async #open(location: RemoteLocation): Promise<Remote> {
    const { host } = location;
    this.#announce(location);
    const connection = await this.#connections.get(location);
    if (this.#options.protocol === 'scp') return { host, connection, protocol: 'scp' };
    const { log, onStderr, onRemoteStderr } = this.#run;
    const { signal, hold } = this.#late;
    let speaks = false;
    try {
      const channel = await connection.subsystem('sftp', { signal });
      this.#waiting();
      const { openSftp } = await import('../../copy/sftp-open.ts');
      const link = await openSftp(connection, {
        host,
        channel,
        signal,
        hold,
        onStderr: (bytes) => (speaks ? onRemoteStderr : onStderr)(bytes),
        quiet: this.#options.quiet || this.#options.sshArgs.some((word) => /^loglevel[= ]*(quiet|fatal)$/i.test(word)),
        maxRequests: this.#options.sftpRequests,
        maxDataBytes: this.#options.sftpBufferBytes,
        trace:
          log.level >= 3
            ? (direction, what) => log.debug(3, `sftp ${direction === 'send' ? '->' : '<-'} ${what}`)
            : undefined,
      });
      speaks = true;
      return { host, connection, protocol: 'sftp', link };
    } catch (error) {
      if (!(error instanceof ConnectionError) || error.code !== 'ERR_NOT_OFFERED' || !this.#mayFallBack) throw error;
      this.#requireNothingBeyond(host);
      if (!this.#options.quiet)
        this.#run.reporter.notice(`${printable(host)}: the server has no SFTP; copying by the SCP protocol (-O)`);
      return { host, connection, protocol: 'scp' };
    }
  }

  /** `-s` asks for SFTP and nothing else, and `-D` names a program that speaks nothing else. */
  get #mayFallBack(): boolean {
    return this.#options.protocol !== 'sftp' && this.#options.sftpProgram === undefined;
  }

  /** What was asked for and the SCP protocol cannot do must not be left out in silence. */
  #requireNothingBeyond(host: string): void {
    const [first] = sftpOnly(this.#options.beyond);
    if (first === undefined) return;
    throw new ConnectionError(printable(host), 'open', `${first} needs SFTP, which the server does not have`, {
      code: 'ERR_NOT_OFFERED',
      cure: `leave ${first} out`,
    });
  }

  #announce(location: RemoteLocation): void {
    const { verbosity, sftpProgram, sshProgram, protocol } = this.#options;
    if (verbosity === 0) return;
    const user = location.user ?? '(unspecified)';
    const what = protocol === 'scp' ? 'protocol scp' : 'command sftp';
    this.#run.reporter.note(
      `Executing: program ${sftpProgram ?? sshProgram ?? 'ssh'} host ${location.host}, user ${user}, ${what}`,
    );
    this.#run.log.debug(2, `for ${describeLocation(location)}`);
  }

  /**
   * Says goodbye to all hosts. Never throws.
   *
   * @returns the hosts whose SFTP server ended with an error, after everything had been answered.
   */
  async close(): Promise<Error[]> {
    const troubles: Error[] = [];
    const known = [...this.#known.values()];
    this.#known.clear();
    for (const pending of known) {
      const remote = await pending.catch(() => undefined);
      if (remote?.protocol !== 'sftp') continue;
      const healthy = remote.link.session.failure === undefined && !this.#run.signal.aborted;
      const exit = await remote.link.close();
      const { sftpExitError } = await import('../../copy/sftp-open.ts');
      const error = healthy ? sftpExitError(exit, remote.host) : undefined;
      if (error !== undefined) troubles.push(error);
    }
    await this.#connections.close();
    return troubles;
  }
}
