import type { Readable, Writable } from 'node:stream';

/** How the remote command of a channel ended. */
export interface SshExit {
  /** The exit status; null where the command was ended by a signal, or no status came. */
  readonly code: number | null;
  /** The signal's name without SIG (RFC 4254 section 6.10), for example `TERM`. */
  readonly signal: string | null;
  /**
   * Set where the channel ended because the connection failed or was lost, not because the command ended. The `ssh` program
   * says what happened on its standard error, so `cause` can be generic there.
   */
  readonly lost?: Error;
}

/** One remote command or subsystem: its three streams and how it ends. */
export interface SshChannel {
  /** What the remote side sends (its standard output). Ends when the remote side closes. */
  readonly input: Readable;
  /** What goes to the remote side (its standard input). `end()` sends EOF. */
  readonly output: Writable;
  /**
   * The remote side's standard error and, for the `ssh` program, what `ssh` itself says. The bytes come from the peer: they pass
   * printable() before anyone sees them. Somebody must read it, or the peer stalls.
   */
  readonly stderr: Readable;
  /** Settles once the command has ended and the channel is closed. Never rejects. */
  readonly exit: Promise<SshExit>;
  /** Ends the channel at once (for the `ssh` program: its streams are closed first, then it is sent SIGTERM). Idempotent. */
  close(): void;
}

export interface ChannelOptions {
  readonly signal?: AbortSignal;
}

/**
 * A way to run commands on one host. Built-in connections authenticate once and carry many channels; the `ssh` program is
 * started anew for each channel, so for it errors of connecting show up as the channel's exit.
 */
export interface SshConnection extends AsyncDisposable {
  /** Channels share one authenticated connection, so that another one costs next to nothing. */
  readonly isMultiplexed?: boolean;
  /** The login is part of what the first channel waits for. */
  readonly logsInLate?: boolean;
  /**
   * How long the other side of a new channel may take to say its first word, in milliseconds; 0 is for ever. With the `ssh` program logging in is part of it. Default 0.
   */
  readonly answerTimeoutMs?: number;
  /** Runs `command` through the remote user's login shell (RFC 4254 section 6.5). */
  exec(command: string, options?: ChannelOptions): Promise<SshChannel>;
  /** Starts a subsystem, for example `sftp`. */
  subsystem(name: string, options?: ChannelOptions): Promise<SshChannel>;
  /** As {@link exec}, for a command that needs no standard input. The transport may use a lighter way. */
  run?(command: string, options?: ChannelOptions): Promise<SshChannel>;
  /** Closes all channels and the connection. Idempotent. */
  close(): Promise<void>;
}

/** Where to connect. An absent user or port is taken from ssh_config, else from the defaults. */
export interface SshTarget {
  readonly host: string;
  readonly user?: string;
  /** 1 to 65535 */
  readonly port?: number;
}

/** How questions reach the person at the terminal. Handed in by `cli/`; without one every question counts as unanswered. */
export interface Prompter {
  /**
   * Asks one question and returns the answer without its line end; undefined where nobody can be asked (no terminal, BatchMode)
   * or the person ended the input. `echo: false` hides what is typed. `kind` tells an askpass program what is wanted.
   */
  ask(
    question: string,
    options: { readonly echo: boolean; readonly kind: 'secret' | 'text' | 'confirm'; readonly signal?: AbortSignal },
  ): Promise<string | undefined>;
  /** Shows one or more lines on standard error. */
  tell(lines: string): void;
}

/** Credentials a program hands in, instead of the user's keys and agent. */
export interface SshCredentials {
  readonly password?: string;
  readonly privateKeys?: readonly { readonly key: string | Uint8Array; readonly passphrase?: string }[];
  /** Path of an agent's socket. */
  readonly agent?: string;
}
