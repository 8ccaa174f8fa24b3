import type { ServerChannel, Session } from 'ssh2';
import type { SessionAccount } from '../aaa/accounting/ledger.ts';
import type { Rights } from '../aaa/rights.ts';
import type { RootedFileSystem } from '../files/rooted.ts';
import type { ConnectionHashing } from '../sftp/server/hashing.ts';
import { ended, finish, isUsable } from './channel-end.ts';
import { ChannelOutput, type OutputGate } from './channel-output.ts';
import { DISABLED, PRIVILEGE_DENIED } from './denials.ts';
import type { Direction } from './events.ts';
import { type ExecRequest, parseExecLine } from './exec-line.ts';
import type { LiveTransfer, TransferStart } from './live-transfers.ts';
import { refuse, refuseAs, runScpService } from './scp-service.ts';
import { runSftp } from './sftp-channel.ts';
import { type SessionEvent, TransferCount } from './transfer-count.ts';

/** What a session needs of its connection. */
export interface SessionHost {
  readonly fileSystem: RootedFileSystem;
  /** The same files, with those that only the server knows. */
  readonly allFiles: RootedFileSystem;
  /** Who is logged in. */
  readonly user: string;
  readonly gate: OutputGate;
  readonly globMatches: number;
  /** See ServerOptions. */
  readonly durable: boolean;
  /** What the user may do. */
  readonly rights: Rights;
  /** Where the records of the files go. */
  readonly account: SessionAccount;
  /** The turns at hashing that the connection has. */
  readonly hashing: ConnectionHashing;
  /** The services that are offered. */
  readonly offers: { readonly scp: boolean; readonly sftp: boolean };
  /** Whether the user is authorized to run a command. @throws when the connection is gone */
  mayRun(command: string, args: readonly string[]): Promise<boolean>;
  /** Aborted when the connection is gone, of which ssh2 does not tell a session. */
  readonly gone: AbortSignal;
  /** Aborted when the client was expelled, or the server waits no longer: everything is to stop at once. */
  readonly stopped: AbortSignal;
  /** Completes the event with the connection it belongs to. */
  emit(event: SessionEvent): void;
  execCommand(asText: string): string;
  packetBytes(channel: ServerChannel): number;
  /** Takes a place among the transfers under way, before any other work. The caller ends it in any case. @returns why there is no place */
  beginTransfer(start: Omit<TransferStart, 'connection'>): LiveTransfer | string;
  /** Takes a place among the open handles of SFTP. @returns what gives it back, or why there is none */
  takeHandle(): (() => void) | string;
  /** A transfer begins, and the function to call once it is over. */
  busy(): () => void;
  /** Bytes that wait to be read are counted for this channel from now on, until the function is called. */
  watchInput(channel: ServerChannel): () => void;
  /** Ends the whole connection: the client broke the rules. */
  expel(reason: string): void;
}

/** What a server without shells says to every command but scp. */
const ONLY_COPY = 'this server only does secure copy\n';

/** Wires up one session channel (RFC 4254 section 6): one request that runs the remote side of scp, or the subsystem sftp, and nothing else. */
export function handleSession(session: Session, host: SessionHost): void {
  const refused = (request: string, reject: (() => void) | undefined): void => {
    host.emit({ type: 'request-refused', request });
    reject?.();
  };
  session.on('exec', (accept, reject, { command }) => {
    // ssh2 hands out the channel once; a second exec on it is refused.
    const channel = accept() as ServerChannel | undefined;
    if (channel === undefined) reject?.();
    else runExec(session, channel, host.execCommand(command), host);
  });
  session.on('shell', (_accept, reject) => refused('shell', reject));
  session.on('pty', (_accept, reject) => refused('pty', reject));
  session.on('x11', (_accept, reject) => refused('x11 forwarding', reject));
  session.on('auth-agent', (_accept, reject) => refused('agent forwarding', reject));
  // Without a listener for `sftp` ssh2 leaves the protocol to us.
  session.on('subsystem', (accept, reject, { name }) => {
    if (name !== 'sftp') return refused(`subsystem ${name.slice(0, 64)}`, reject);
    // A client that hears no at once goes on with the SCP protocol.
    if (!host.offers.sftp) return refused(`sftp: ${DISABLED}`, reject);
    const channel = accept() as ServerChannel | undefined;
    if (channel === undefined) refused('subsystem sftp', reject);
    else void runSftp(session, channel, host);
  });
}

function runExec(session: Session, channel: ServerChannel, command: string, host: SessionHost): void {
  if (!isUsable(channel, host)) return;
  const request = parseExecLine(command);
  if (request.kind === 'other') {
    host.emit({ type: 'request-refused', request: `exec ${command.slice(0, 200)}` });
    channel.resume();
    channel.stderr.write(ONLY_COPY);
    finish(channel, 127);
    return;
  }
  const release = host.busy();
  const unwatch = host.watchInput(channel);
  void serve(session, channel, request, host).finally(() => {
    unwatch();
    release();
  });
}

/** Runs the service to its end and tells the client how it went. Never rejects. */
async function serve(
  session: Session,
  channel: ServerChannel,
  request: Exclude<ExecRequest, { kind: 'other' }>,
  host: SessionHost,
): Promise<void> {
  const output = new ChannelOutput(channel, host.gate);
  const givenUp = new AbortController();
  const isSource = request.kind === 'scp' && request.request.role === 'source';
  const onClose = (): void => {
    output.cut();
    // What the client has sent is still there to be read, and may be all of a file: only a source has nothing left to do.
    if (isSource) givenUp.abort(new Error('the channel was closed'));
  };
  const onStop = (): void => {
    output.cut();
    givenUp.abort(host.stopped.reason);
  };
  session.once('close', onClose);
  host.gone.addEventListener('abort', onClose, { once: true });
  host.stopped.addEventListener('abort', onStop, { once: true });
  let status: 0 | 1 = 1;
  try {
    status = await run(channel, output, request, host, givenUp.signal);
    await ended(output);
  } catch (error) {
    if (!givenUp.signal.aborted)
      host.emit({ type: 'entry-failed', reason: error instanceof Error ? error.message : String(error) });
  }
  host.gone.removeEventListener('abort', onClose);
  host.stopped.removeEventListener('abort', onStop);
  // Unread input would keep ssh2 from closing the channel.
  channel.resume();
  finish(channel, status);
}

async function run(
  channel: ServerChannel,
  output: ChannelOutput,
  request: Exclude<ExecRequest, { kind: 'other' }>,
  host: SessionHost,
  signal: AbortSignal,
): Promise<0 | 1> {
  if (request.kind === 'unusable') {
    host.emit({ type: 'request-refused', request: `scp: ${request.reason}` });
    return refuse(output, request.reason);
  }
  const denial = await deny(request, host);
  if (denial !== undefined) {
    host.emit({ type: 'request-refused', request: `scp: ${denial}` });
    return refuseAs(output, denial);
  }
  const direction: Direction = request.request.role === 'sink' ? 'received' : 'sent';
  const path = request.paths.map((word) => word.path).join(' ');
  const service = 'scp';
  const live = host.beginTransfer({ service, direction, path });
  if (typeof live === 'string') {
    host.emit({ type: 'request-refused', request: `scp: ${live}` });
    return refuse(output, live);
  }
  const started = performance.now();
  const transfer = live.id;
  const emit = (event: SessionEvent): void => host.emit(event);
  const count = new TransferCount({ emit, direction, account: host.account, live });
  host.emit({ type: 'transfer-started', transfer, service, direction, path });
  let status: 0 | 1 | undefined;
  try {
    const { durable, fileSystem, globMatches } = host;
    status = await runScpService(channel, output, {
      ...request,
      durable,
      fileSystem,
      globMatches,
      observer: count,
      signal,
    });
    return status;
  } finally {
    live.end();
    const { files, bytes } = count;
    // An output that was cut off means that the client left before it had heard the end.
    if (output.destroyed) status = undefined;
    count.ended(status === undefined);
    host.emit({
      type: 'transfer-ended',
      transfer,
      service,
      direction,
      path,
      files,
      bytes,
      durationMs: performance.now() - started,
      status,
    });
  }
}

/** Why the user may not run this at all, if so. What may be done to which path is decided path by path. */
async function deny(
  { request, paths }: Extract<ExecRequest, { kind: 'scp' }>,
  host: SessionHost,
): Promise<string | undefined> {
  if (!host.offers.scp) return DISABLED;
  const isSink = request.role === 'sink';
  if (!(isSink ? host.rights.mayAnywhere('write', 'overwrite') : host.rights.mayAnywhere('read')))
    return PRIVILEGE_DENIED;
  const flags = [isSink ? '-t' : '-f', ...(request.recursive ? ['-r'] : []), ...(request.preserve ? ['-p'] : [])];
  return (await host.mayRun('scp', [...flags, ...paths.map(({ path }) => path)])) ? undefined : PRIVILEGE_DENIED;
}
