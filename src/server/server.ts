import { type AddressInfo, createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import type { ServerConfig } from 'ssh2';
import { ConnectionError } from '../base/errors.ts';
import { thisProcess } from '../files/process-mark.ts';
import type { RootedFileSystem } from '../files/rooted.ts';
import { Admission } from './admission.ts';
import { algorithms } from './algorithms.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import type { ServerEvent } from './events.ts';
import { type HostKey, toSsh2HostKeys } from './host-keys.ts';
import { resolveLimits, type ServerLimits } from './limits.ts';
import { type RootOptions, Roots, type RootsView } from './roots.ts';
import { SWEEP_INTERVAL_MS, sweep } from './sweep.ts';
import { type ServerUser, UserTable } from './users.ts';

/** Where a server listens. Port 0 takes a free one. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** Somebody who has logged in, as far as files are concerned. */
export interface FileUser {
  readonly user: string;
}

export interface ServerOptions {
  /** From {@link loadHostKeys}. */
  readonly hostKeys: readonly HostKey[];
  readonly users: readonly ServerUser[];
  /** The folder that users see as `/`. Nothing outside it can be reached. Instead of `roots`. */
  readonly root?: string | undefined;
  /** Folders with modes, quotas and prefixes. Where there are several, users see each as `/name`. Instead of `root`. */
  readonly roots?: readonly RootOptions[] | undefined;
  /** How somebody sees the roots who has logged in. Asked once for each connection. Default: all of them, and everything that their modes allow. */
  readonly viewFor?: ((user: FileUser) => RootsView) | undefined;
  /** Files of one's own for somebody who has logged in, instead of `root` and `roots`. Asked once for each connection. */
  readonly fileSystemFor?: ((user: FileUser) => RootedFileSystem) | undefined;
  /** At least one. */
  readonly listen: readonly ListenAddress[];
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Whether a file is on stable storage before its upload is confirmed. Default true; false is for files that nobody would miss. */
  readonly durable?: boolean | undefined;
  /** Shown to clients before they log in. */
  readonly banner?: string | undefined;
  /** Told what happens; must not throw. */
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
}

/** A server that listens. */
export interface RunningServer extends AsyncDisposable {
  /** What it listens on, in the order of the options, with the ports that port 0 became. */
  readonly addresses: readonly ListenAddress[];
  /** The port of the first address. */
  readonly port: number;
  /** How many clients are connected. */
  readonly connections: number;
  /**
   * Stops: no new connections, idle ones end, transfers may finish within `graceMs` milliseconds (default 0) and are cut then. Resolves when the last socket is closed.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Starts an SSH server that does secure copy, by the SCP protocol and by SFTP, and nothing else.
 *
 * @throws {FileError} where a root is no directory. {ConnectionError} where an address cannot be listened on. {TypeError} {RangeError} for options that make no sense.
 * @example
 * const { keys } = await loadHostKeys('/var/lib/drop/keys');
 * const server = await listen({ hostKeys: keys, users: [{ name: 'drop', password }], root: '/srv/drop', listen: [{ address: '127.0.0.1', port: 2222 }] });
 */
export async function listen(options: ServerOptions): Promise<RunningServer> {
  const server = await CopyServer.create(options);
  await server.listen(options.listen);
  server.keepSwept();
  return server;
}

class CopyServer implements RunningServer, ConnectionHost {
  readonly limits: ServerLimits;
  readonly users: UserTable;
  readonly durable: boolean;
  readonly config: ServerConfig;
  readonly #roots: Roots | undefined;
  readonly #options: ServerOptions;
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #stopped: AbortController = new AbortController();
  #sweeping: Promise<void> = Promise.resolve();
  #sweepTimer: NodeJS.Timeout | undefined;
  readonly #admission: Admission;
  readonly #listeners: NetServer[] = [];
  readonly #addresses: ListenAddress[] = [];
  readonly #connections = new Set<Connection>();
  #count = 0;
  #closing: Promise<void> | undefined;
  #lastClosed: (() => void) | undefined;

  private constructor(options: ServerOptions, users: UserTable, limits: ServerLimits, roots: Roots | undefined) {
    this.#options = options;
    this.#roots = roots;
    this.limits = limits;
    this.users = users;
    this.durable = options.durable ?? true;
    this.#onEvent = options.onEvent ?? (() => {});
    this.#admission = new Admission(limits);
    this.config = {
      hostKeys: toSsh2HostKeys(options.hostKeys),
      algorithms,
      ident: 'Sealift',
      keepaliveInterval: limits.keepaliveMs,
      keepaliveCountMax: limits.keepaliveCount,
      ...(options.banner === undefined ? {} : { banner: options.banner }),
    };
  }

  static async create(options: ServerOptions): Promise<CopyServer> {
    if (options.hostKeys.length === 0) throw new TypeError('a server needs a host key');
    if (options.listen.length === 0) throw new TypeError('a server needs an address to listen on');
    const limits = resolveLimits(options.limits);
    const warn = (text: string): void => options.onEvent?.({ type: 'warning', text });
    const users = await UserTable.create(options.users, warn);
    return new CopyServer(options, users, limits, await openRoots(options, warn));
  }

  async listen(addresses: readonly ListenAddress[]): Promise<void> {
    try {
      for (const wanted of addresses) {
        const listener = await this.#bind(wanted);
        this.#listeners.push(listener);
        const { address, port } = listener.address() as AddressInfo;
        this.#addresses.push({ address, port });
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Removes what killed servers have left, now and from time to time. */
  keepSwept(): void {
    this.#sweep(performance.timeOrigin);
    this.#sweepTimer = setInterval(() => this.#sweep(undefined), SWEEP_INTERVAL_MS).unref();
  }

  #sweep(startedMs: number | undefined): void {
    const options = { process: thisProcess, startedMs, nowMs: Date.now(), signal: this.#stopped.signal };
    this.#sweeping = this.#sweeping.then(async () => {
      let files = 0;
      for (const root of this.#roots?.paths ?? []) files += await sweep({ ...options, root });
      if (files === 0) return;
      this.emit({ type: 'swept', files });
      await this.#roots?.recount();
    });
  }

  async #bind({ address, port }: ListenAddress): Promise<NetServer> {
    const listener = createNetServer((socket) => this.#accept(socket));
    return await new Promise((resolve, reject) => {
      listener.once('error', (cause) => reject(listenError(address, port, cause)));
      listener.listen({ host: address, port, backlog: 511, ipv6Only: address.includes(':') }, () => {
        listener.removeAllListeners('error');
        // Accepting can fail for want of descriptors; the server goes on.
        listener.on('error', (error) => this.emit({ type: 'warning', text: `accept: ${error.message}` }));
        resolve(listener);
      });
    });
  }

  get addresses(): readonly ListenAddress[] {
    return this.#addresses;
  }

  get port(): number {
    return this.addresses[0]?.port ?? 0;
  }

  get connections(): number {
    return this.#connections.size;
  }

  #accept(socket: Socket): void {
    const connection = new Connection(this.#count + 1, socket, this);
    const reason = this.#closing !== undefined ? 'the server is stopping' : this.#isFull();
    const refusal = reason ?? this.#admission.admit(connection);
    if (refusal !== undefined) {
      socket.on('error', () => {});
      socket.destroy();
      this.emit({ type: 'connection-refused', address: socket.remoteAddress ?? 'unknown', reason: refusal });
      return;
    }
    this.#count++;
    this.#connections.add(connection);
    connection.start();
  }

  #isFull(): string | undefined {
    const { connections } = this.limits;
    return this.#connections.size >= connections ? `${connections} connections are open` : undefined;
  }

  fileSystemFor(user: FileUser): RootedFileSystem {
    const { fileSystemFor, viewFor } = this.#options;
    return fileSystemFor?.(user) ?? (this.#roots as Roots).view(viewFor?.(user));
  }

  emit(event: ServerEvent): void {
    this.#onEvent(event);
  }

  loggedIn(connection: Connection): void {
    this.#admission.release(connection);
  }

  closed(connection: Connection): void {
    this.#admission.release(connection);
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#lastClosed?.();
  }

  close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const stopped = this.#listeners.map((listener) => new Promise<void>((resolve) => listener.close(() => resolve())));
    const emptied = new Promise<void>((resolve) => {
      this.#lastClosed = resolve;
      if (this.#connections.size === 0) resolve();
    });
    for (const connection of this.#connections) connection.drain('the server is stopping');
    const timer = setTimeout(() => {
      for (const connection of this.#connections) connection.expel('the server is stopping');
    }, graceMs);
    await emptied;
    clearTimeout(timer);
    clearInterval(this.#sweepTimer);
    this.#stopped.abort();
    this.#roots?.close();
    await this.#sweeping;
    await Promise.all(stopped);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** @throws {TypeError} unless there is exactly one source of files */
async function openRoots(options: ServerOptions, onWarning: (text: string) => void): Promise<Roots | undefined> {
  const { root, roots, fileSystemFor } = options;
  if ([root, roots, fileSystemFor].filter((one) => one !== undefined).length !== 1)
    throw new TypeError('a server needs one of root, roots and fileSystemFor');
  if (fileSystemFor !== undefined) return undefined;
  return await Roots.open(roots ?? [{ name: 'root', path: root as string }], { onWarning });
}

function listenError(address: string, port: number, cause: NodeJS.ErrnoException): ConnectionError {
  const where = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new ConnectionError(where, 'open', 'address already in use', {
        cause,
        cure: 'choose another port, or stop what listens there',
      });
    case 'EACCES':
      return new ConnectionError(where, 'open', 'Permission denied', {
        cause,
        cure: 'ports below 1024 are for root; choose another one',
      });
    case 'EADDRNOTAVAIL':
      return new ConnectionError(where, 'open', 'this machine does not have that address', {
        cause,
        cure: 'listen on an address of this machine',
      });
    default:
      return new ConnectionError(where, 'open', cause.message, { cause });
  }
}
