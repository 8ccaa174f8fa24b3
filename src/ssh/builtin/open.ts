import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConnectionError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import type { HostConfig } from '../config/host-config.ts';
import { resolveHost } from '../config/resolve.ts';
import { expandTokens } from '../config/tokens.ts';
import type { SshConnection, SshTarget } from '../connection.ts';
import { type HostKeyPolicy, knownOfHost } from '../host-key-check.ts';
import { collectIdentities } from '../identities/collect.ts';
import type { ConnectOptions } from '../options.ts';
import { authoritySignaturesFor, offerFor } from './algorithms.ts';
import { type BuiltinConnection, builtinConnection } from './connection.ts';
import { type Countdown, startCountdown } from './countdown.ts';
import { hopArguments, MAX_JUMPS, parseProxyJump } from './jump.ts';
import { sessionPrompter } from './prompts.ts';
import { connectProxyCommand } from './proxy-command.ts';
import { openSession } from './session.ts';
import { loadSsh2 } from './ssh2.ts';
import { connectTcp } from './tcp.ts';

/** The limit for a whole connection attempt where nobody says another. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 30_000;

/** One host on the way; the last is the target. */
interface Hop {
  readonly target: SshTarget;
  readonly options: ConnectOptions;
  /** The hosts in front of this one, where the caller says which. */
  readonly via: readonly SshTarget[] | undefined;
  /** The hosts that are being connected through this one. */
  readonly passed: readonly string[];
}

/** The way to one host: the stream, and the connection it runs through. */
interface Way {
  readonly stream: Duplex;
  readonly address: string | undefined;
  readonly through: BuiltinConnection | undefined;
  /** What an error waits for, so that a failing command gets its say first. */
  readonly said?: Promise<void>;
}

function policyFor(config: HostConfig, options: ConnectOptions, countdown: Countdown): HostKeyPolicy {
  return {
    host: config.hostname,
    port: config.port,
    hostKeyAlias: config.hostKeyAlias,
    strict: config.strictHostKeyChecking,
    userKnownHostsFiles: config.userKnownHostsFiles,
    globalKnownHostsFiles: config.globalKnownHostsFiles,
    revokedHostKeysFile: config.revokedHostKeys,
    hashKnownHosts: config.hashKnownHosts,
    checkHostIp: config.checkHostIp,
    authoritySignatures: authoritySignaturesFor(config),
    pins: options.hostKeys,
    prompter: sessionPrompter(options.prompter, options.batchMode === true || config.batchMode, countdown),
    log: options.log,
  };
}

async function connectThrough(config: HostConfig, hop: Hop, signal: AbortSignal): Promise<Way | undefined> {
  const { options } = hop;
  const jump = config.proxyJump && expandTokens(config.proxyJump, config.tokens, config.alias);
  const hops = hop.via ?? (jump === undefined || jump === '' ? [] : parseProxyJump(jump, config.alias));
  const last = hops.at(-1);
  if (last === undefined) return undefined;
  const passed = [...hop.passed, `${config.user}@${config.hostname}:${config.port}`];
  // Credentials, pinned keys and options of the target are none of a jump host's business.
  const { credentials: _credentials, hostKeys: _hostKeys, idleTimeoutMs: _idle, ...rest } = options;
  const through = await openHop({
    target: last,
    options: { ...rest, args: hopArguments(options.args ?? []), signal },
    via: hops.length > 1 ? hops.slice(0, -1) : undefined,
    passed,
  });
  try {
    const stream = await through.forward(config.hostname, config.port, signal);
    through.onLost(() => stream.destroy());
    return { stream, address: undefined, through };
  } catch (error) {
    await through.close();
    throw error;
  }
}

async function makeWay(config: HostConfig, hop: Hop, countdown: Countdown, signal: AbortSignal): Promise<Way> {
  const { options } = hop;
  const log = options.log ?? silentLog;
  const jumped = await connectThrough(config, hop, signal);
  if (jumped) return jumped;
  if (config.proxyCommand !== undefined) {
    log.debug(1, `connecting to ${printable(config.hostname)} with ProxyCommand`);
    const batch = options.batchMode === true || config.batchMode;
    const prompter = sessionPrompter(options.prompter, batch, countdown);
    const proxy = await connectProxyCommand(config.proxyCommand, config, options.environment, prompter);
    return { ...proxy, address: undefined, through: undefined };
  }
  log.debug(1, `connecting to ${printable(config.hostname)} port ${config.port}`);
  const socket: Socket = await connectTcp(config, signal);
  return { stream: socket, address: socket.remoteAddress, through: undefined };
}

async function establish(
  config: HostConfig,
  hop: Hop,
  countdown: Countdown,
  signal: AbortSignal,
): Promise<BuiltinConnection> {
  const { options } = hop;
  const log = options.log ?? silentLog;
  const policy = policyFor(config, options, countdown);
  const known = await knownOfHost(policy).catch((error: unknown) => {
    const reason = `the known hosts could not be read: ${error instanceof Error ? printable(error.message) : ''}`;
    throw new ConnectionError(printable(config.alias), 'host key', reason, { code: 'ERR_HOST_KEY', cause: error });
  });
  const offer = offerFor(config, known.types, known.authority);
  const making = makeWay(config, hop, countdown, signal);
  options.onWaiting?.();
  const way = await making;
  const onAbort = (): void => {
    way.stream.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    const interactive = options.prompter !== undefined && options.batchMode !== true && !config.batchMode;
    const prompter = sessionPrompter(options.prompter, !interactive, countdown);
    const session = await openSession(way.stream, {
      config,
      policy,
      offer,
      address: way.address,
      credentials: options.credentials,
      prompter,
      interactive,
      log,
      signal,
      identities: () => collectIdentities(config, options.credentials, { prompter, log, signal }),
    });
    const { through } = way;
    if (through) session.onLost(() => void through.close());
    return builtinConnection(session, {
      host: config.alias,
      openTimeoutMs: options.connectTimeoutMs ?? config.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      idleTimeoutMs: options.idleTimeoutMs ?? 0,
      log,
      signal: options.signal,
    });
  } catch (error) {
    way.stream.destroy();
    await way.through?.close();
    await way.said;
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function openHop(hop: Hop): Promise<BuiltinConnection> {
  const { options, target } = hop;
  options.signal?.throwIfAborted();
  const config = await resolveHost(target, options, () => {
    // Whoever needs it meets what went wrong.
    loadSsh2().catch(() => {});
  });
  if (hop.passed.length > MAX_JUMPS || hop.passed.includes(`${config.user}@${config.hostname}:${config.port}`)) {
    throw new ConnectionError(printable(config.alias), 'resolve', 'the jump hosts lead in a circle', {
      code: 'ERR_CONFIG',
    });
  }
  const timeoutMs = options.connectTimeoutMs ?? config.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  const countdown = startCountdown(
    timeoutMs,
    () =>
      new ConnectionError(printable(config.alias), 'connect', `no connection within ${timeoutMs / 1000} s`, {
        code: 'ERR_TIMEOUT',
        cure: 'check that the host is up and reachable; ConnectTimeout sets the limit',
      }),
  );
  const own = new AbortController();
  const onAbort = (): void => own.abort(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  countdown.expired.catch((error: unknown) => own.abort(error));
  try {
    // It may have been aborted while the configuration was read.
    options.signal?.throwIfAborted();
    const connection = await establish(config, hop, countdown, own.signal);
    if (own.signal.aborted) await connection.close();
    own.signal.throwIfAborted();
    return connection;
  } catch (error) {
    // Whatever failed because the time was over, or the caller gave up, fails with that reason.
    own.signal.throwIfAborted();
    // A question that is still open on the terminal is nobody's any more.
    own.abort(error);
    throw error;
  } finally {
    countdown.stop();
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * Connects with the SSH of this package: configuration, jump hosts or ProxyCommand, key exchange, host key check,
 * authentication.
 *
 * @throws {ConnectionError} what failed, in which phase; `options.signal.reason` unchanged
 */
export function openBuiltinConnection(target: SshTarget, options: ConnectOptions): Promise<SshConnection> {
  return openHop({ target, options, via: undefined, passed: [] });
}
