import type { Log } from '../base/log.ts';
import type { Prompter, SshCredentials, SshTarget } from '../ssh/connection.ts';
import type { ConnectOptions, SshEnvironment, Transport } from '../ssh/options.ts';
import { systemEnvironment } from './environment.ts';

/**
 * Which host to connect to, and how. Everything but `host` has the default that the user's own `ssh` would take: ssh_config, keys, agent, and known_hosts, which is always checked.
 */
export interface HostOptions {
  /** A name, an address, or an alias of ssh_config. */
  readonly host: string;
  /** Default: what ssh_config says, else the login name of this process. */
  readonly user?: string | undefined;
  /** 1 to 65535. Default: what ssh_config says, else 22. */
  readonly port?: number | undefined;
  /**
   * `ssh` runs the system's program, `builtin` the SSH of this package. Default `auto`: the program where it is found and can do the work, which it cannot where credentials or pinned host keys are given.
   */
  readonly transport?: Transport | undefined;
  /** The protocol for files. Default `auto`: SFTP, and the SCP protocol where the server has no SFTP. */
  readonly protocol?: 'auto' | 'sftp' | 'scp' | undefined;
  /** With any of `password`, `privateKey` and `agent` the user's keys and agent are left alone, and the built-in transport is used. */
  readonly password?: string | undefined;
  /** The text of one private key or of several, not a path: OpenSSH, PEM or PuTTY. */
  readonly privateKey?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** For private keys that are encrypted. */
  readonly passphrase?: string | undefined;
  /** The path of an agent's socket. Default: SSH_AUTH_SOCK, unless a password or key is given. */
  readonly agent?: string | undefined;
  /** The only host keys to accept, as fingerprints (`SHA256:…`) or public keys (`ssh-ed25519 AAAA…`), in place of known_hosts. Makes the transport the built-in one. */
  readonly hostKeys?: readonly string[] | undefined;
  /** Option words of `ssh`: `['-J', 'jump.example', '-o', 'Compression=yes']`. Both transports read them. */
  readonly sshArgs?: readonly string[] | undefined;
  /** The `ssh` program: a name on the search path, or a path. Default `ssh`. */
  readonly program?: string | undefined;
  /** Asks the person at the terminal nothing. Default true, unless a prompter is given: a program must not wait for an answer. */
  readonly batchMode?: boolean | undefined;
  /** Answers what the built-in transport wants to know: passwords, passphrases, new host keys. */
  readonly prompter?: Prompter | undefined;
  /** For name lookup, connecting, key exchange and authentication together, in milliseconds, and again for the start of SFTP. Default: ConnectTimeout of ssh_config, else 30,000 (built-in transport); what `ssh` does, and 180,000 for all of it (`ssh` program in batch mode). 0 waits for ever. */
  readonly connectTimeoutMs?: number | undefined;
  /** Ends a connection whose server should send something and sends nothing for so long, in milliseconds. Default: never. Makes the transport the built-in one. */
  readonly idleTimeoutMs?: number | undefined;
  /** What differs from {@link systemEnvironment}: another home, another search path. */
  readonly environment?: Partial<SshEnvironment> | undefined;
  /** Gets each line that the server or `ssh` writes to standard error, made printable. Default: nobody does; errors quote them where they tell the cause. */
  readonly onStderr?: ((line: string) => void) | undefined;
  /** Gets what is done step by step, as `-v` shows it. */
  readonly log?: Log | undefined;
  /** Ends the attempt, and later the connection with all that is under way, with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

export function targetOf({ host, user, port }: HostOptions): SshTarget {
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
}

export function connectOptionsOf(options: HostOptions, onStderr?: ConnectOptions['onStderr']): ConnectOptions {
  const batchMode = options.batchMode ?? options.prompter === undefined;
  return {
    environment: { ...systemEnvironment(), ...options.environment },
    transport: options.transport,
    program: options.program,
    args: options.sshArgs,
    credentials: credentialsOf(options),
    hostKeys: options.hostKeys,
    prompter: options.prompter,
    batchMode,
    shareLogin: shareLoginOf(options.protocol ?? 'auto', batchMode),
    onStderr,
    connectTimeoutMs: options.connectTimeoutMs,
    idleTimeoutMs: options.idleTimeoutMs,
    signal: options.signal,
    log: options.log,
  };
}

/** Whoever may be asked need not be asked twice, which happens only where SFTP may turn out to be missing. */
function shareLoginOf(protocol: 'auto' | 'sftp' | 'scp', batchMode: boolean): ConnectOptions['shareLogin'] {
  if (protocol === 'scp') return undefined;
  return protocol === 'auto' && !batchMode ? 'alone' : 'with-session';
}

function credentialsOf({ password, privateKey, passphrase, agent }: HostOptions): SshCredentials | undefined {
  if (password === undefined && privateKey === undefined && agent === undefined) return undefined;
  const keys = privateKey === undefined ? [] : isList(privateKey) ? privateKey : [privateKey];
  return {
    ...(password === undefined ? {} : { password }),
    privateKeys: keys.map((key) => ({ key, ...(passphrase === undefined ? {} : { passphrase }) })),
    ...(agent === undefined ? {} : { agent }),
  };
}

function isList(
  value: string | Uint8Array | readonly (string | Uint8Array)[],
): value is readonly (string | Uint8Array)[] {
  return Array.isArray(value);
}
