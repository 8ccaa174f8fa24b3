import type { Socket } from 'node:net';
import ssh2, { type ServerChannel, type Connection as Ssh2Connection } from 'ssh2';
import { type SessionAccount, unaccounted } from '../aaa/accounting/ledger.ts';
import { sourceOf } from '../aaa/address.ts';
import { noRights, type Rights } from '../aaa/rights.ts';
import { hiding } from '../files/hiding.ts';
import { isPrivateName } from '../files/private-names.ts';
import type { RootedFileSystem } from '../files/rooted.ts';
import type { ConnectionHashing } from '../sftp/server/hashing.ts';
import { legacyAmong } from './algorithms.ts';
import { findExcess } from './bounds.ts';
import type { ConnectionHost, Guest } from './connection-host.ts';
import type { ConnectionInfo } from './events.ts';
import type { Generation } from './generation.ts';
import { KeyRenewal } from './key-renewal.ts';
import { Leaving } from './leaving.ts';
import { FAREWELL_MS, LOGIN_QUEUE_BYTES, TRANSFER_QUEUE_BYTES } from './limits.ts';
import type { LiveTransfer, TransferStart } from './live-transfers.ts';
import { type AcceptedLogin, Login } from './login.ts';
import { NegotiationWatch } from './negotiation.ts';
import { handleSession, type SessionHost } from './session.ts';
import { type SessionInfo, sessionInfo } from './session-info.ts';
import { SocketGate } from './socket-gate.ts';
import { Ssh2Internals } from './ssh2-internals.ts';
import { Told } from './told.ts';
import type { SessionEvent } from './transfer-count.ts';

/** Why connections end when the server does. */
const STOPPING = 'the server is stopping';

/** One client, from its socket to its end: the handshake under a deadline, the login, sessions, and the bounds on all of it. A connection never throws. */
export class Connection implements Guest, SessionHost {
  readonly id: number;
  readonly source: string;
  readonly sinceMs: number = performance.now();
  readonly gate: SocketGate;
  readonly hashing: ConnectionHashing;
  readonly #leaving = new Leaving(() => this.#finished());
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  /** What this connection goes by: the newest settings until its login begins, and those from then on. */
  #generation: Generation;
  readonly #sinceWallMs: number = Date.now();
  #info: ConnectionInfo;
  #client: Ssh2Connection | undefined;
  #login: Login | undefined;
  #accepted: AcceptedLogin | undefined;
  #account: SessionAccount = unaccounted;
  #internals: Ssh2Internals | undefined;
  #files: RootedFileSystem | undefined;
  readonly #keys: KeyRenewal;
  /** The login deadline, then the idle timer. */
  #timer: NodeJS.Timeout | undefined;
  #farewell: NodeJS.Timeout | undefined;
  #transfers = 0;
  #channels = 0;
  readonly #inputs = new Set<ServerChannel>();
  #reason: string | undefined;
  #draining = false;
  /** The last words are under way. */
  #isEnding = false;
  readonly #told = new Told();
  readonly #negotiation = new NegotiationWatch();
  #negotiated = false;

  constructor(id: number, socket: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.hashing = host.hashing.connection();
    this.#generation = host.generation;
    this.id = id;
    const address = socket.remoteAddress ?? 'unknown';
    this.#info = { id, address, port: socket.remotePort ?? 0 };
    this.source = sourceOf(address);
    const { rekeyBytes, rekeyMs, loginTimeoutMs: timeoutMs } = this.#generation.limits;
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
    return this.#leaving.gone;
  }

  get stopped(): AbortSignal {
    return this.#leaving.stopped;
  }

  get globMatches(): number {
    return this.#generation.limits.globMatches;
  }

  get user(): string {
    return this.#info.user ?? '';
  }

  get durable(): boolean {
    return this.#generation.durable;
  }

  get fileSystem(): RootedFileSystem {
    return hiding(this.allFiles, isPrivateName);
  }

  get allFiles(): RootedFileSystem {
    const { user, source, rights, stopped: signal } = this;
    this.#files ??= this.#generation.filesOf({ user }, rights, {
      sent: this.#host.recentFiles.of(user, source),
      signal,
    });
    return this.#files;
  }

  get rights(): Rights {
    return this.#accepted?.rights ?? noRights;
  }

  get account(): SessionAccount {
    return this.#account;
  }

  get offers(): SessionHost['offers'] {
    return this.#generation.offers;
  }

  async mayRun(command: string, args: readonly string[]): Promise<boolean> {
    const principal = this.#accepted?.principal;
    return (
      principal !== undefined && (await this.#generation.access.mayRun(principal, this.#info, command, args, this.gone))
    );
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
    socket.once('end', () => {
      this.#account.left();
      this.#destroySoon();
    });
    this.#startTimer(this.#generation.limits.loginTimeoutMs, 'login took too long');
    this.#host.emit({ type: 'connection-opened', connection: this.#info });
    const server = new ssh2.Server(
      { ...this.#generation.configFor(this.#info.address), debug: (text) => this.#note(text) },
      (client) => this.#onClient(client),
    );
    server.on('error', () => {});
    server.injectSocket(socket);
    socket.on('data', () => this.#checkBounds());
  }

  #onClient(client: Ssh2Connection): void {
    this.#client = client;
    this.#internals = new Ssh2Internals(client);
    client.on('authentication', (context) => {
      this.#login ??= this.#startLogin();
      void this.#login.handle(context);
    });
    client.on('ready', () => this.#login?.ready());
    client.on('error', (error: Error) => this.#onError(error));
    client.on('session', (accept, reject) => this.#onSession(accept, reject));
    client.on('request', (_accept, reject, name) => {
      this.emit({ type: 'request-refused', request: name.slice(0, 64) });
      reject?.();
    });
    client.on('rekey', () => this.#onRekey());
    client.once('handshake', (negotiated) => {
      this.#negotiated = true;
      const old = legacyAmong(negotiated);
      if (old.length > 0) this.emit({ type: 'legacy-algorithms', algorithms: old });
    });
  }

  /** From here on this connection goes by the settings of now. */
  #startLogin(): Login {
    this.#generation = this.#host.generation;
    const { access, limits } = this.#generation;
    return new Login({
      access,
      limits,
      source: this.#info,
      gone: this.gone,
      observer: {
        accepted: (accepted) => this.#onLogin(accepted),
        partly: (user, method) => this.emit({ type: 'login-partial', user, method }),
        refused: (user, method, reason) => this.emit({ type: 'login-refused', user, method, reason }),
        exhausted: (reason) => this.end(reason),
        failed: () => this.expel('authentication requests out of order'),
        warning: (text) => this.#host.emit({ type: 'warning', text }),
      },
    });
  }

  #note(text: string): void {
    if (!this.#negotiated) this.#negotiation.note(text);
  }

  #onError(error: Error & { level?: string }): void {
    const { address } = this.#info;
    const failed = this.#negotiation.failure(error.message, address, this.#generation.isLegacySource(address));
    if (failed !== undefined && !this.#negotiated) this.emit({ type: 'negotiation-failed', ...failed });
    this.#reason ??= error.message;
    this.#destroySoon();
  }

  #onLogin(accepted: AcceptedLogin): void {
    const { method, key, principal } = accepted;
    const { user, privilege } = principal;
    const refusal = this.#host.loggedIn(this, user, this.#generation);
    if (refusal !== undefined) {
      this.emit({ type: 'login-refused', user, method, reason: refusal });
      this.end(refusal);
      return;
    }
    this.#accepted = accepted;
    this.#info = { ...this.#info, user };
    const { address, port } = this.#info;
    const who = { user, address, port, authentication: principal.method, method, privilege, key };
    this.#account = this.#host.ledger?.session(who) ?? this.#host.noAccount;
    this.emit({ type: 'login-accepted', method, ...(key === undefined ? {} : { key }) });
    this.#keys.start();
    this.#idle();
  }

  #onSession(accept: () => import('ssh2').Session, reject: () => void): void {
    const isStopping = this.#draining || this.#isEnding;
    if (this.#channels >= this.#generation.limits.channels || isStopping) {
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
      if (this.#draining && this.#channels === 0 && !this.isBusy) this.end(STOPPING);
    });
    handleSession(session, this);
  }

  emit(event: SessionEvent): void {
    const told = this.#told.bounded(event);
    if (told !== undefined) this.#host.emit({ ...told, connection: this.#info });
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
      if (this.gone.aborted) this.#leaving.finish();
      else if (this.#draining) this.#endWhenAnswered();
      else this.#idle();
    };
  }

  beginTransfer(start: Omit<TransferStart, 'connection'>): LiveTransfer | string {
    return this.#host.transfersUnderWay.begin({ ...start, connection: this.#info }, this.#generation.limits);
  }

  readonly takeHandle = (): (() => void) | string => this.#host.takeHandle(this.#info);

  /** How the connection stands, for whoever looks. */
  describe(): SessionInfo {
    return sessionInfo(this.#socket, { ...this.#info, sinceMs: this.#sinceWallMs, transfers: this.#transfers });
  }

  watchInput(channel: ServerChannel): () => void {
    this.#inputs.add(channel);
    return () => this.#inputs.delete(channel);
  }

  // Bounds

  #checkBounds(): void {
    const isLoggedIn = this.#info.user !== undefined;
    const { queuedBytes } = this.#generation.limits;
    const excess = findExcess({
      queued: this.#socket.writableLength,
      mayQueue: isLoggedIn ? queuedBytes + TRANSFER_QUEUE_BYTES : LOGIN_QUEUE_BYTES,
      packets: this.#internals?.queuedPackets ?? 0,
      inputs: this.#inputs,
    });
    if (excess !== undefined) this.expel(excess);
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
    this.#startTimer(this.#generation.limits.idleTimeoutMs, 'idle');
  }

  /** No new transfers; ends once those under way are done. */
  drain(): void {
    this.#draining = true;
    if (!this.isBusy) this.#endWhenAnswered();
  }

  /** A client that reads the end of the connection before it has looked at the exit status takes a copy that is complete for a failure. So its channels are closed first. */
  #endWhenAnswered(): void {
    if (this.#channels === 0) this.end(STOPPING);
    else this.#startTimer(FAREWELL_MS, STOPPING);
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

  /** Closes without a word, and stops what is under way. */
  expel(reason: string): void {
    this.#reason ??= reason;
    this.#leaving.stop(reason);
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
    this.#login?.ended();
    this.#account.left();
    // What a transfer has begun is cleaned up before the connection counts as closed.
    this.#leaving.left(this.isBusy);
  }

  #finished(): void {
    const { bytesRead, bytesWritten } = this.#socket;
    const durationMs = performance.now() - this.sinceMs;
    const reason = this.#reason === undefined ? {} : { reason: this.#reason };
    const status = this.#reason === undefined ? 'complete' : 'cut';
    this.#account.stop({ status, bytesReceived: bytesRead, bytesSent: bytesWritten, error: this.#reason });
    this.emit({ type: 'connection-closed', ...reason, durationMs, bytesRead, bytesWritten });
    this.#host.closed(this, this.#info.user);
  }
}
