import type { Log } from '../base/log.ts';
import type { Prompter, SshCredentials } from './connection.ts';

/** What this room needs to know of the process it runs in. It never reads the environment by itself. */
export interface SshEnvironment {
  /** The home directory: `~` in paths, and where `.ssh` is. */
  readonly home: string;
  /** The home directory by the account, which is where the `ssh` program looks, whatever HOME says. Absent: not known; the program is asked more often then. */
  readonly accountHome?: string | undefined;
  /** The local login name: the default remote user, and `%u`. */
  readonly user: string;
  /** The search path for the `ssh` program, as in PATH. Absent: a program without a slash is not found. */
  readonly path?: string | undefined;
  /** The agent's socket, as in SSH_AUTH_SOCK. */
  readonly agentSocket?: string | undefined;
  /** The shell that runs a ProxyCommand, as in SHELL. Default `/bin/sh`. */
  readonly shell?: string | undefined;
  /** This machine's name: `%l`. */
  readonly hostname?: string | undefined;
  /** The configuration of the whole system. Default `/etc/ssh/ssh_config`. */
  readonly systemConfigFile?: string | undefined;
  /** Folders for a private socket of the `ssh` program; the first one that will do is taken. Default: none. */
  readonly socketFolders?: readonly string[] | undefined;
  /** The environment of started programs (`ssh`, a ProxyCommand). Default: they inherit that of this process. */
  readonly variables?: Readonly<Record<string, string | undefined>> | undefined;
}

/** `ssh` is the system's program, `builtin` the one of this package; `auto` takes the program where that can do the work. */
export type Transport = 'auto' | 'ssh' | 'builtin';

/** How to connect. */
export interface ConnectOptions {
  readonly environment: SshEnvironment;
  /** Default `auto`. */
  readonly transport?: Transport | undefined;
  /** The `ssh` program (scp's `-S`): a name to find on the path, or a path. Default `ssh`. */
  readonly program?: string | undefined;
  /** `program` is no `ssh`: it speaks the protocol of the subsystem itself on its standard input and output (scp's `-D`). */
  readonly direct?: boolean | undefined;
  /** Option words of ssh in the user's order, for example `['-q', '-oBatchmode=yes', '-F', 'x', '-i', 'k']`. */
  readonly args?: readonly string[] | undefined;
  /** Replaces the user's keys and agent. Built-in transport only. */
  readonly credentials?: SshCredentials | undefined;
  /**
   * The only host keys to accept: fingerprints (`SHA256:…`) or public keys (`ssh-ed25519 AAAA…`). known_hosts is not read
   * then and nobody is asked. Built-in transport only; hosts jumped through are checked with known_hosts.
   */
  readonly hostKeys?: readonly string[] | undefined;
  /** Without one nobody is asked, and what would have needed an answer is refused. */
  readonly prompter?: Prompter | undefined;
  /** Asks nothing, as `-o BatchMode=yes`. */
  readonly batchMode?: boolean | undefined;
  /**
   * The channels of the `ssh` program share the login of the first subsystem, as far as ssh_config leaves that to us (no ControlMaster and no ControlPath there) and `program` is not set. `with-session`: the program of the first
   * subsystem logs in, and costs nothing more for that; where its subsystem is refused, the next channel logs in again. `alone`: a program before it logs in, and lives on; for where a second login may ask a person again. Default:
   * each channel logs in.
   */
  readonly shareLogin?: 'with-session' | 'alone' | undefined;
  /** Given what the `ssh` program says that logs in alone, which belongs to no channel. A promise holds it back. */
  readonly onStderr?: ((bytes: Buffer) => Promise<void> | undefined) | undefined;
  /**
   * For name lookup, connection, key exchange and authentication together, without the time people take to answer; and again for what is started on a new channel to say its first word. 0 waits for ever. Default: ConnectTimeout of
   * ssh_config, else 30 s. The `ssh` program has no way to stop its clock: with `batchMode` it gets one limit for all of this, 3 minutes by default, and without it none.
   */
  readonly connectTimeoutMs?: number | undefined;
  /** Gives the connection up when a server that should send something sends nothing for so long. Default: never. Built-in transport only. */
  readonly idleTimeoutMs?: number | undefined;
  /** Called when nothing is left to do but to wait for others, maybe more than once. Built-in transport only: the program is started with the first channel. */
  readonly onWaiting?: (() => void) | undefined;
  /** Ends the attempt, and later the connection. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Log | undefined;
}
