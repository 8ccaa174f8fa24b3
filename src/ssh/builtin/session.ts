import type { Duplex } from 'node:stream';
import type { AnyAuthMethod, Client, ConnectConfig } from 'ssh2';
import { ConnectionError, type ConnectionPhase } from '../../base/errors.ts';
import { borrowBytes } from '../../base/lent-bytes.ts';
import { printable } from '../../base/printable.ts';
import { hostKeyType, isCertificateName } from '../certificates/names.ts';
import { type HostKeyPolicy, verifyHostKey } from '../host-key-check.ts';
import type { Offer } from './algorithms.ts';
import { type AuthenticationContext, type Authenticator, createAuthenticator } from './authenticator.ts';
import { copiesInput, reusePayloadMemory } from './lent-packets.ts';
import { reusePacketMemory } from './packet-memory.ts';
import { answerPasswordChange } from './password-change.ts';
import { shownLine, shownText } from './prompts.ts';
import { sessionError } from './session-error.ts';
import { loadSsh2 } from './ssh2.ts';
import { offerCertificates } from './ssh2-certificates.ts';
import { observeRefusals, type Refusal, repairIdentification } from './ssh2-repairs.ts';

/** How many banners are shown. */
export const MAX_BANNERS = 8;

/** What is needed to make a session of a stream. */
export interface SessionPlan extends Omit<AuthenticationContext, 'fail'> {
  readonly policy: HostKeyPolicy;
  readonly offer: Offer;
  /** The address connected to; absent through a proxy. */
  readonly address: string | undefined;
}

/** An authenticated SSH connection. */
export interface Session {
  readonly client: Client;
  readonly stream: Duplex;
  /** Why the connection ended, once it has. */
  lost(): Error | undefined;
  /** Calls `listener` when the connection ends, at once if it has. The result takes the listener away again. */
  onLost(listener: (error: Error) => void): () => void;
  /** Ends the connection for the given reason. */
  fail(error: Error): void;
}

/** Keeps the first reason for the end and tells everyone who waits for it. */
function ending(client: Client, stream: Duplex, host: string) {
  const listeners = new Set<(error: Error) => void>();
  let reason: Error | undefined;
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    reason ??= new ConnectionError(printable(host), 'transfer', 'connection lost', { code: 'ERR_CONNECTION_LOST' });
    stream.destroy();
    for (const listener of listeners) listener(reason);
    listeners.clear();
  };
  client.on('close', end);
  // A peer that closed its half has nothing more to say, and over SSH we have nothing more to tell it.
  client.on('end', end);
  stream.once('close', end);
  return {
    lost: () => (ended ? reason : undefined),
    onLost(listener: (error: Error) => void): () => void {
      if (ended && reason) listener(reason);
      else listeners.add(listener);
      return () => listeners.delete(listener);
    },
    note(error: Error): void {
      reason ??= error;
    },
    fail(error: Error): void {
      reason ??= error;
      end();
    },
  };
}

/** The offered algorithms of plain keys, which are all that ssh2 knows. */
function plainHostKeys(plan: SessionPlan): string[] {
  return plan.offer.serverHostKey.filter((name) => !isCertificateName(name));
}

/** Offers certificates where the plan has some. False where only plain keys are offered. */
function addCertificates(client: Client, plan: SessionPlan, fail: (error: unknown) => void): boolean {
  const plain = plainHostKeys(plan);
  if (plan.offer.serverHostKey.length === plain.length) return false;
  if (offerCertificates(client, plan.offer.serverHostKey)) return true;
  // ssh2 takes an empty list for its own defaults.
  if (plain.length === 0) fail(new Error('no matching host key format: certificates alone cannot be offered'));
  return false;
}

function hostVerifier(plan: SessionPlan, certificates: () => boolean, fail: (error: Error) => void) {
  let accepted: Buffer | undefined;
  const types = plainHostKeys(plan).map(hostKeyType);
  const { address, signal } = plan;
  const offered = (type: string): boolean => types.includes(type);
  return (key: Buffer, verify: (permitted: boolean) => void): void => {
    // A later key exchange must show the same key or certificate; nobody is asked in the middle of a transfer.
    if (accepted !== undefined) {
      verify(accepted.equals(key));
      return;
    }
    verifyHostKey(plan.policy, key, { address, offered, certificates: certificates(), signal }).then(
      () => {
        accepted = Buffer.from(key);
        try {
          verify(true);
        } catch (error) {
          fail(sessionError(error, plan.config.alias, 'handshake'));
        }
      },
      (error: Error) => {
        fail(error);
      },
    );
  };
}

function authHandler(authenticator: Authenticator, fail: (error: unknown) => void, last: () => Refusal | undefined) {
  return (methods: string[] | null, partial: boolean | null, next: (attempt: AnyAuthMethod | false) => void): void => {
    const refusal = last();
    authenticator
      .next(refusal?.methods ?? methods, refusal?.partial ?? partial === true)
      .then((attempt) => {
        if (attempt === undefined) fail(authenticator.refused());
        else next(attempt);
      })
      .catch(fail);
  };
}

function showBanner(client: Client, plan: SessionPlan): void {
  let shown = 0;
  client.on('banner', (text) => {
    if (++shown <= MAX_BANNERS) plan.prompter.tell(shownText(text));
  });
}

/**
 * Does key exchange, host key check and authentication over a stream. On failure the stream is destroyed.
 *
 * @throws {ConnectionError}
 */
export async function openSession(stream: Duplex, plan: SessionPlan): Promise<Session> {
  const { Client: SshClient } = await loadSsh2();
  const { config, log } = plan;
  const client = new SshClient();
  const end = ending(client, stream, config.alias);
  let phase: ConnectionPhase = 'handshake';
  const authenticating = (): boolean => phase === 'authentication';
  let refusal: Refusal | undefined;
  let certificates = false;
  const fail = (error: unknown): void => end.fail(sessionError(error, config.alias, phase));
  const authenticator = createAuthenticator({ ...plan, fail });

  const ready = new Promise<void>((resolve, reject) => {
    end.onLost(reject);
    client.once('ready', resolve);
  });
  client.on('error', (error: Error & { level?: string; code?: unknown }) => {
    // The identity has told why it did not sign; the next one is tried.
    if (error.level === 'agent') return;
    const hungUp = phase === 'authentication' && typeof error.code === 'number';
    end.note(hungUp ? authenticator.refused(shownLine(error.message)) : sessionError(error, config.alias, phase));
    if (error.level !== 'client-socket') end.fail(error);
  });
  client.once('handshake', (negotiated) => {
    phase = 'authentication';
    const cipher = negotiated.cs.cipher;
    log.debug(
      1,
      `key exchange ${printable(negotiated.kex)}, host key ${printable(negotiated.serverHostKey)}, cipher ${printable(cipher)}`,
    );
  });
  client.on('handshake', () => {
    reusePacketMemory(client, stream);
    reusePayloadMemory(client);
  });
  showBanner(client, plan);
  answerPasswordChange(client, plan, authenticator, fail);

  const options: ConnectConfig = {
    sock: stream,
    username: config.user,
    ident: 'Sealift',
    readyTimeout: 0,
    keepaliveInterval: config.serverAliveIntervalMs,
    keepaliveCountMax: config.serverAliveCountMax,
    algorithms: { ...plan.offer, serverHostKey: plainHostKeys(plan) } as never,
    hostVerifier: hostVerifier(
      plan,
      () => certificates,
      (error) => end.fail(error),
    ),
    authHandler: authHandler(authenticator, fail, () => refusal) as never,
    ...(log.level >= 3 && { debug: (text: string) => log.debug(3, printable(text)) }),
  };
  borrowBytes(stream, () => copiesInput(client));
  client.connect(options);
  certificates = addCertificates(client, plan, fail);
  repairIdentification(client);
  observeRefusals(client, (said) => {
    refusal = said;
  });
  const onAbort = (): void => end.fail(plan.signal?.reason as Error);
  plan.signal?.addEventListener('abort', onAbort, { once: true });
  // The stream may have closed while ssh2 was loaded; no event will tell then.
  if (stream.destroyed || stream.readableEnded) fail(new Error('Connection lost before handshake'));
  if (plan.signal?.aborted) onAbort();
  try {
    await ready;
  } catch (error) {
    // Servers hang up after so many tries, often without a word.
    const hungUp =
      error instanceof ConnectionError && error.code === 'ERR_CONNECTION_LOST' && authenticator.refusals > 0;
    throw hungUp && authenticating() ? authenticator.refused('the server closed the connection') : error;
  } finally {
    plan.signal?.removeEventListener('abort', onAbort);
  }
  phase = 'transfer';
  log.debug(1, `logged in to ${printable(config.alias)} as ${printable(config.user)} (${authenticator.method})`);
  return { client, stream, lost: end.lost, onLost: end.onLost, fail: end.fail };
}
