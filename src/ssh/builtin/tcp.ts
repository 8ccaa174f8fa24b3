import { connect, type Socket } from 'node:net';
import { ConnectionError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { strerror } from '../../base/strerror.ts';
import type { HostConfig } from '../config/host-config.ts';
import { readIntoOneBuffer } from '../read-buffer.ts';

/** How long a silent peer may be gone before the system notices (TCPKeepAlive). */
const KEEP_ALIVE_MS = 60_000;

function connectError(cause: NodeJS.ErrnoException, config: HostConfig): ConnectionError {
  // Several addresses were tried: the last failure stands for all.
  const inner = cause instanceof AggregateError ? (cause.errors.at(-1) as NodeJS.ErrnoException) : cause;
  const code = inner.code ?? '';
  if (inner.syscall === 'getaddrinfo') {
    const reason = `could not resolve hostname ${printable(config.hostname)}`;
    return new ConnectionError(printable(config.alias), 'resolve', reason, {
      cause,
      cure: 'check the name of the host',
    });
  }
  const texts: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'Connection refused',
    EHOSTUNREACH: 'No route to host',
    ENETUNREACH: 'Network is unreachable',
    ECONNRESET: 'Connection reset by peer',
    EADDRNOTAVAIL: 'Cannot assign requested address',
  };
  const reason = texts[code] ?? strerror(code) ?? printable(inner.message);
  return new ConnectionError(printable(config.alias), 'connect', `connect to port ${config.port}: ${reason}`, {
    cause,
    code: code === 'ETIMEDOUT' ? 'ERR_TIMEOUT' : 'ERR_CONNECT',
    ...(code === 'ECONNREFUSED' && { cure: 'check the port, and that an SSH server runs on the host' }),
  });
}

/**
 * Connects over TCP: to all addresses of the name in turn, a quarter of a second apart (RFC 8305), unless AddressFamily
 * says which.
 *
 * @throws {ConnectionError}
 */
export async function connectTcp(config: HostConfig, signal: AbortSignal): Promise<Socket> {
  const socket: Socket = connect({
    onread: readIntoOneBuffer(() => socket),
    host: config.hostname,
    port: config.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    autoSelectFamily: config.addressFamily === 0,
    autoSelectFamilyAttemptTimeout: 250,
    ...(config.addressFamily !== 0 && { family: config.addressFamily }),
    ...(config.bindAddress !== undefined && { localAddress: config.bindAddress }),
  });
  const onAbort = (): void => {
    socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      if (signal.aborted) onAbort();
    });
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw connectError(error as NodeJS.ErrnoException, config);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Errors from here on end the connection by its 'close'.
    socket.on('error', () => {});
  }
}
