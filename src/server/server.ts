import type { Socket } from 'node:net';
import { Ledger, type SessionAccount, unaccounted } from '../aaa/accounting/ledger.ts';
import type { Account } from '../aaa/accounting/record.ts';
import { withDeadline } from '../base/deadline.ts';
import { descriptors } from '../files/descriptors.ts';
import { thisProcess } from '../files/process-mark.ts';
import { Hashing } from '../sftp/server/hashing.ts';
import { Admission } from './admission.ts';
import { Connection } from './connection.ts';
import type { ConnectionHost, Guest } from './connection-host.ts';
import { type DescriptorPlan, descriptorLimit, planDescriptors } from './descriptor-plan.ts';
import { DescriptorWatch } from './descriptor-watch.ts';
import type { ConnectionInfo, RefusedBy, ServerEvent } from './events.ts';
import { Generation } from './generation.ts';
import { HandleCounts } from './handle-counts.ts';
import { STOP_MS } from './limits.ts';
import type { ListenAddress } from './listen-address.ts';
import { Listeners, type ListenOn } from './listeners.ts';
import { LiveTransfers, type MovedBytes, type TransferInfo } from './live-transfers.ts';
import { RecentFiles } from './recent-files.ts';
import { SessionCounts } from './session-counts.ts';
import type { SessionInfo } from './session-info.ts';
import type { ServerSettings } from './settings.ts';
import { SWEEP_INTERVAL_MS, sweep } from './sweep.ts';

export interface ServerOptions extends ServerSettings {
  /** At least one. */
  readonly listen: readonly ListenOn[];
  /** Takes a start and a stop record of each session and each file. */
  readonly account?: Account | undefined;
  /** Told what happens; must not throw. */
  readonly onEvent?: ((event: ServerEvent) => void) | undefined;
}

/** What a server that runs can be given anew. */
export type ChangedOptions = Omit<ServerOptions, 'onEvent' | 'account'>;

/** A server that listens. */
export interface RunningServer extends AsyncDisposable {
  /** What it listens on, in the order of the options, with the ports that port 0 became. */
  readonly addresses: readonly ListenAddress[];
  /** The port of the first address. */
  readonly port: number;
  /** How many clients are connected. */
  readonly connections: number;
  /** Who is connected, in order of arrival. */
  sessions(): SessionInfo[];
  /** What is being moved. */
  transfers(): TransferInfo[];
  /** Bytes of content that have moved since the start. */
  readonly moved: MovedBytes;
  /** Ends a connection at once, its transfers with it. False where there is none with this number. */
  kick(id: number): boolean;
  /**
   * Takes other settings and addresses. Sessions under way keep the settings they have logged in with, and go on; whoever logs in afterwards gets the new ones. Addresses in both lists are
   * never closed. What does not fit leaves everything as it was.
   *
   * @throws as {@link listen}
   */
  reload(options: ChangedOptions): Promise<void>;
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
  server.keepWatch();
  return server;
}

class CopyServer implements RunningServer, ConnectionHost {
  readonly transfersUnderWay = new LiveTransfers();
  readonly recentFiles = new RecentFiles();
  readonly #handles: HandleCounts = new HandleCounts(() => this.#plan);
  readonly hashing = new Hashing();
  readonly ledger: Ledger | undefined;
  /** Where nobody keeps accounts, and nobody listens either, no digests are computed. */
  readonly noAccount: SessionAccount;
  readonly #descriptors: DescriptorWatch;
  #plan: DescriptorPlan;
  readonly #onEvent: (event: ServerEvent) => void;
  readonly #stopped: AbortController = new AbortController();
  #sweeping: Promise<void> = Promise.resolve();
  #sweepTimer: NodeJS.Timeout | undefined;
  readonly #admission: Admission;
  readonly #listeners: Listeners;
  readonly #connections = new Map<number, Connection>();
  readonly #sessions = new SessionCounts();
  #generation: Generation;
  #count = 0;
  #closing: Promise<void> | undefined;
  #lastClosed: (() => void) | undefined;

  private constructor(options: ServerOptions, generation: Generation) {
    this.#generation = generation;
    this.ledger = options.account === undefined ? undefined : new Ledger(options.account);
    this.noAccount = { ...unaccounted, wantsDigests: options.onEvent !== undefined };
    this.#onEvent = options.onEvent ?? (() => {});
    this.#admission = new Admission(() => this.#generation.limits);
    this.#listeners = new Listeners(
      (socket) => this.#accept(socket),
      (error) => {
        const isTold = this.#descriptors.failed('accept', error);
        if (!isTold) this.#warn(`accept: ${error.message}`);
      },
    );
    this.#descriptors = new DescriptorWatch((text) => this.#warn(text));
    this.#plan = this.#planDescriptors();
  }

  /** Divides the descriptors of the process by the limits that hold. */
  #planDescriptors(): DescriptorPlan {
    const plan = planDescriptors(descriptorLimit(), this.#generation.limits.connections);
    descriptors.limit = plan.files;
    if (plan.warning !== undefined) this.#warn(plan.warning);
    return plan;
  }

  #warn(text: string): void {
    this.emit({ type: 'warning', text });
  }

  static async create(options: ServerOptions): Promise<CopyServer> {
    return new CopyServer(options, await prepare(options, (event) => options.onEvent?.(event)));
  }

  async listen(addresses: readonly ListenOn[]): Promise<void> {
    await this.#listeners.change(addresses);
  }

  async reload(options: ChangedOptions): Promise<void> {
    const next = await prepare(options, (event) => this.emit(event), this.#generation);
    if (this.#closing !== undefined) return;
    try {
      await this.#listeners.change(options.listen);
    } catch (error) {
      next.close();
      throw error;
    }
    // It may have been stopped meanwhile.
    if (this.#closing !== undefined) await this.#listeners.close();
    this.#generation.close();
    this.#generation = next;
    this.#plan = this.#planDescriptors();
  }

  /** Removes what killed servers have left, and looks whether descriptors run out, now and from time to time. */
  keepWatch(): void {
    this.#descriptors.start();
    this.#sweep();
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  #sweep(): void {
    const options = { process: thisProcess, nowMs: Date.now(), signal: this.#stopped.signal };
    this.#sweeping = this.#sweeping.then(async () => {
      let files = 0;
      for (const root of this.#generation.paths) files += await sweep({ ...options, root });
      if (files === 0) return;
      this.emit({ type: 'swept', files });
      await this.#generation.recount();
    });
  }

  get addresses(): readonly ListenAddress[] {
    return this.#listeners.addresses;
  }

  get port(): number {
    return this.addresses[0]?.port ?? 0;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get generation(): Generation {
    return this.#generation;
  }

  sessions(): SessionInfo[] {
    return [...this.#connections.values()].map((connection) => connection.describe());
  }

  transfers(): TransferInfo[] {
    return this.transfersUnderWay.list();
  }

  get moved(): MovedBytes {
    return this.transfersUnderWay.total;
  }

  kick(id: number): boolean {
    const connection = this.#connections.get(id);
    connection?.expel('ended by the operator');
    return connection !== undefined;
  }

  #accept(socket: Socket): void {
    const id = this.#count + 1;
    const connection = new Connection(id, socket, this);
    const refusal = this.#refusal(connection, socket.remoteAddress ?? '');
    if (refusal !== undefined) {
      socket.on('error', () => {});
      socket.destroy();
      this.emit({ type: 'connection-refused', address: socket.remoteAddress ?? 'unknown', ...refusal });
      return;
    }
    this.#count = id;
    this.#connections.set(id, connection);
    connection.start();
  }

  #refusal(
    connection: Connection,
    address: string,
  ): { readonly limit: RefusedBy; readonly reason: string } | undefined {
    if (this.#closing !== undefined) return { limit: 'stopping', reason: 'the server is stopping' };
    const { connections } = this.#plan;
    if (this.#connections.size >= connections)
      return { limit: 'connections', reason: `${connections} connections are open` };
    const waiting = this.#generation.access.guard.refusal(address);
    if (waiting !== undefined) return { limit: 'failed-logins', reason: waiting };
    const reason = this.#admission.admit(connection);
    return reason === undefined ? undefined : { limit: 'unauthenticated', reason };
  }

  takeHandle(connection: ConnectionInfo): (() => void) | string {
    return this.#handles.take(connection);
  }

  emit(event: ServerEvent): void {
    this.#onEvent(event);
  }

  /** A login has succeeded. @returns why the client cannot stay all the same; undefined where it has a place now, until {@link closed} */
  loggedIn(connection: Guest, user: string, generation: Generation): string | undefined {
    this.#admission.release(connection);
    // Somebody who is not to log in any more may have begun before.
    if (generation !== this.#generation) return 'the configuration was changed during the login; try again';
    return this.#sessions.take({ user, source: connection.source }, generation.limits);
  }

  closed(connection: Guest, user: string | undefined): void {
    this.#admission.release(connection);
    if (user !== undefined) this.#sessions.release({ user, source: connection.source });
    this.#connections.delete(connection.id);
    if (this.#connections.size === 0) this.#lastClosed?.();
  }

  close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const stopped = this.#listeners.close();
    this.#stopped.abort();
    const swept = this.#sweptInTime();
    const emptied = new Promise<void>((resolve) => {
      this.#lastClosed = resolve;
      if (this.#connections.size === 0) resolve();
    });
    for (const connection of this.#connections.values()) connection.drain();
    const timer = setTimeout(() => {
      for (const connection of this.#connections.values()) connection.expel('the server is stopping');
    }, graceMs);
    await emptied;
    clearTimeout(timer);
    clearInterval(this.#sweepTimer);
    this.#descriptors.close();
    // The program may go on without a server.
    if (descriptors.limit === this.#plan.files) descriptors.limit = Number.POSITIVE_INFINITY;
    this.#generation.close();
    await Promise.all([stopped, swept]);
  }

  /** A system that does not answer must not hold up the end. */
  async #sweptInTime(): Promise<void> {
    await withDeadline(this.#sweeping, STOP_MS, () => new Error('the sweep hangs')).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** @throws as {@link listen} */
async function prepare(
  options: ChangedOptions,
  emit: (event: ServerEvent) => void,
  before?: Generation,
): Promise<Generation> {
  if (options.listen.length === 0) throw new TypeError('a server needs an address to listen on');
  return await Generation.create(options, (text) => emit({ type: 'warning', text }), before);
}
