import type { Socket } from 'node:net';
import ssh2, { type ServerChannel, type ServerConfig, type Connection as Ssh2Connection } from 'ssh2';
import { hiding } from '../files/hiding.ts';
import { isPrivateName } from '../files/private-names.ts';
import type { RootedFileSystem } from '../files/rooted.ts';
import { type Applicant, sourceOf } from './admission.ts';
import type { ConnectionInfo, ServerEvent } from './events.ts';
import { KeyRenewal } from './key-renewal.ts';
import {
  CHANNEL_INPUT_BYTES,
  FAREWELL_MS,
  LOGIN_QUEUE_BYTES,
  REKEY_QUEUE_PACKETS,
  type ServerLimits,
  TRANSFER_QUEUE_BYTES,
} from './limits.ts';
import { Login } from './login.ts';
import { handleSession, type SessionHost } from './session.ts';
import { SocketGate } from './socket-gate.ts';
import { Ssh2Internals } from './ssh2-internals.ts';
import type { SessionEvent } from './transfer-count.ts';
import type { UserTable } from './users.ts';

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly limits: ServerLimits;
  readonly users: UserTable;
  /** The files of somebody who has logged in. */
  fileSystemFor(user: { readonly user: string }): RootedFileSystem;
  readonly durable: boolean;
  /** For ssh2; without `debug`. */
  readonly config: ServerConfig;
  emit(event: ServerEvent): void;
  /** The connection has logged in: it does not count as an applicant any more. */
  loggedIn(connection: Connection): void;
  closed(connection: Connection): void;
}

/** One client, from its socket to its end: the handshake under a deadline, the login, sessions, and the bounds on all of it. A connection never throws. */
export class Connection implements Applicant, SessionHost {
  readonly source: string;
  readonly sinceMs: number = performance.now();
  readonly gate: SocketGate;
  readonly #gone = new AbortController();
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  #info: ConnectionInfo;
  #client: Ssh2Connection | undefined;
  #internals: Ssh2Internals | undefined;
  #files: RootedFileSystem | undefined;
  /** The login deadline, then the idle timer. */
  #timer: NodeJS.Timeout | undefined;
  #farewell: NodeJS.Timeout | undefined;
  readonly #keys: KeyRenewal;
  #transfers = 0;
  #channels = 0;
  readonly #inputs = new Set<ServerChannel>();
  #reason: string | undefined;
  #draining = false;
  /** The last words are under way. */
  #isEnding = false;
  #negotiation: readonly string[] = [];
  #negotiated = false;

  constructor(id: number, socket: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    const address = socket.remoteAddress ?? 'unknown';
    this.#info = { id, address, port: socket.remotePort ?? 0 };
    this.source = sourceOf(address);
    const { rekeyBytes, rekeyMs, loginTimeoutMs: timeoutMs } = host.limits;
    this.#keys = new KeyRenewal({
      socket,
      rekeyBytes,
      rekeyMs,
      timeoutMs,
      rekey: () => this.#client?.rekey(),
      isRekeying: () => this.#internals?.isRekeying === true,
      expel: (reason) => this.expel(reason),
    });
    this.gate = new SocketGate(socket, this.#keys);
  }

  get isSilent(): boolean {
    return this.#client === undefined;
  }

  get isBusy(): boolean {
    return this.#transfers > 0;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get globMatches(): number {
    return this.#host.limits.globMatches;
  }

  get user(): string {
    return this.#info.user ?? '';
  }

  get durable(): boolean {
    return this.#host.durable;
  }

  get fileSystem(): RootedFileSystem {
    return hiding(this.allFiles, isPrivateName);
  }

  /** For this login alone: it knows what was sent in it. */
  get allFiles(): RootedFileSystem {
    this.#files ??= this.#host.fileSystemFor({ user: this.user });
    return this.#files;
  }

  /** Begins to talk. */
  start(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    // ssh2 reports errors of the socket, but not before it has the client's identification.
    socket.on('error', () => {});
    socket.once('close', () => this.#onClose());
    // A peer that has said its last word may still refuse to take ours.
    socket.once('end', () => this.#destroySoon());
    this.#startTimer(this.#host.limits.loginTimeoutMs, 'login took too long');
    this.#host.emit({ type: 'connection-opened', connection: this.#info });
    const server = new ssh2.Server({ ...this.#host.config, debug: (text) => this.#noteNegotiation(text) }, (client) =>
      this.#onClient(client),
    );
    server.on('error', () => {});
    server.injectSocket(socket);
    socket.on('data', () => this.#checkBounds());
  }

  #onClient(client: Ssh2Connection): void {
    this.#client = client;
    this.#internals = new Ssh2Internals(client);
    const login = new Login(this.#host.users, this.#host.limits, {
      accepted: (user, method, key) => this.#onLogin(user, method, key),
      refused: (user, method, reason) => this.emit({ type: 'login-refused', user, method, reason }),
      exhausted: (reason) => this.end(reason),
      failed: () => this.expel('authentication requests out of order'),
    });
    client.on('authentication', (context) => void login.handle(context));
    client.on('ready', () => login.ready());
    client.on('error', (error: Error) => this.#onError(error));
    client.on('session', (accept, reject) => this.#onSession(accept, reject));
    client.on('request', (_accept, reject, name) => {
      this.emit({ type: 'request-refused', request: name.slice(0, 64) });
      reject?.();
    });
    client.on('rekey', () => this.#onRekey());
    client.once('handshake', () => {
      this.#negotiated = true;
    });
  }

  /** Keeps ssh2's last two lines about algorithms: where the choice fails, they are the lists that have nothing in common. */
  #noteNegotiation(text: string): void {
    if (this.#negotiated) return;
    const list = /Handshake: \((local|remote)\) (.*)$/s.exec(text);
    if (list === null) return;
    const line = `${list[1] === 'local' ? 'ours' : 'theirs'}: ${(list[2] ?? '').slice(0, 500)}`;
    this.#negotiation = [...this.#negotiation.slice(-1), line];
  }

  #onError(error: Error & { level?: string }): void {
    const lists = error.message.startsWith('Handshake failed: no matching') ? this.#negotiation : [];
    this.#reason ??= [error.message, ...lists].join('; ');
    this.#destroySoon();
  }

  #onLogin(user: string, method: string, key: string | undefined): void {
    this.#info = { ...this.#info, user };
    this.#host.loggedIn(this);
    this.emit({ type: 'login-accepted', method, ...(key === undefined ? {} : { key }) });
    this.#keys.start();
    this.#idle();
  }

  #onSession(accept: () => import('ssh2').Session, reject: () => void): void {
    const isStopping = this.#draining || this.#isEnding;
    if (this.#channels >= this.#host.limits.channels || isStopping) {
      const why = isStopping ? 'the connection is ending' : `${this.#channels} are open`;
      this.emit({ type: 'request-refused', request: `session: ${why}` });
      reject();
      return;
    }
    const session = accept();
    this.#channels++;
    session.once('close', () => {
      this.#channels--;
      this.#internals?.closeUnused(session);
    });
    handleSession(session, this);
  }

  emit(event: SessionEvent): void {
    this.#host.emit({ ...event, connection: this.#info });
  }

  execCommand(asText: string): string {
    return this.#internals?.execCommand(asText) ?? asText;
  }

  packetBytes(channel: ServerChannel): number {
    return this.#internals?.packetBytes(channel) ?? Number.POSITIVE_INFINITY;
  }

  busy(): () => void {
    this.#transfers++;
    clearTimeout(this.#timer);
    return () => {
      this.#transfers--;
      if (this.#transfers > 0) return;
      if (this.#gone.signal.aborted) this.#finished();
      else if (this.#draining) this.end('the server is stopping');
      else this.#idle();
    };
  }

  watchInput(channel: ServerChannel): () => void {
    this.#inputs.add(channel);
    return () => this.#inputs.delete(channel);
  }

  // Bounds

  #checkBounds(): void {
    const { writableLength } = this.#socket;
    const isLoggedIn = this.#info.user !== undefined;
    const mayQueue = isLoggedIn ? this.#host.limits.queuedBytes + TRANSFER_QUEUE_BYTES : LOGIN_QUEUE_BYTES;
    if (writableLength > mayQueue) this.expel('does not read what it asks for');
    if ((this.#internals?.queuedPackets ?? 0) > REKEY_QUEUE_PACKETS) this.expel('does not finish the key exchange');
    for (const { readableLength } of this.#inputs) {
      if (readableLength > CHANNEL_INPUT_BYTES) this.expel('ignores the window');
    }
    if (isLoggedIn) this.#keys.check();
  }

  #onRekey(): void {
    // A key exchange costs us more than the client: one has to do for a login.
    if (this.#info.user === undefined) this.expel('new keys before the login');
    else this.#keys.renewed();
  }

  // The end

  #startTimer(milliseconds: number, reason: string): void {
    clearTimeout(this.#timer);
    if (!this.#isEnding) this.#timer = setTimeout(() => this.end(reason), milliseconds);
  }

  #idle(): void {
    this.#startTimer(this.#host.limits.idleTimeoutMs, 'idle');
  }

  /** No new transfers; ends once those under way are done. */
  drain(reason: string): void {
    this.#draining = true;
    if (!this.isBusy) this.end(reason);
  }

  evict(reason: string): void {
    this.expel(reason);
  }

  /** Says goodbye and closes. */
  end(reason: string): void {
    this.#reason ??= reason;
    try {
      this.#client?.end();
    } catch {
      // It was being torn down already.
    }
    this.#destroySoon();
  }

  /** Closes without a word. */
  expel(reason: string): void {
    this.#reason ??= reason;
    this.#socket.destroy();
  }

  #destroySoon(): void {
    this.#isEnding = true;
    this.#socket.end();
    clearTimeout(this.#timer);
    this.#farewell ??= setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
  }

  #onClose(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#farewell);
    this.#keys.stop();
    this.#gone.abort(new Error('the connection is gone'));
    // What a transfer has begun is cleaned up before the connection counts as closed.
    if (this.#transfers === 0) this.#finished();
  }

  #finished(): void {
    const { bytesRead, bytesWritten } = this.#socket;
    const durationMs = performance.now() - this.sinceMs;
    const reason = this.#reason === undefined ? {} : { reason: this.#reason };
    this.emit({ type: 'connection-closed', ...reason, durationMs, bytesRead, bytesWritten });
    this.#host.closed(this);
  }
}
