import { ConnectionError, type ConnectionPhase, SealiftError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { shownLine } from './prompts.ts';

/** Turns what ssh2 or a socket reports into an error that says what to do. */
export function sessionError(cause: unknown, host: string, phase: ConnectionPhase): Error {
  if (cause instanceof SealiftError) return cause;
  const name = printable(host);
  const message = cause instanceof Error ? cause.message : String(cause);
  const level = cause instanceof Error && 'level' in cause ? cause.level : undefined;
  const missing = /no matching (.*)$/i.exec(message)?.[1];
  if (level === 'handshake' && missing !== undefined) {
    return new ConnectionError(name, 'handshake', `no common algorithm: ${shownLine(missing)}`, {
      cause,
      code: 'ERR_NO_COMMON_ALGORITHM',
      cure: 'an old device may need -o KexAlgorithms=+…, HostKeyAlgorithms=+… or Ciphers=+… with what it offers',
    });
  }
  if (message === 'Connection lost before handshake') {
    return new ConnectionError(name, 'handshake', 'the server closed the connection before it said what it is', {
      cause,
    });
  }
  if (message === 'Keepalive timeout') {
    return new ConnectionError(name, phase, 'the server does not answer any more', { cause, code: 'ERR_TIMEOUT' });
  }
  if (level === 'protocol' || level === 'handshake') {
    return new ConnectionError(name, phase, shownLine(message), { cause, code: 'ERR_PROTOCOL' });
  }
  const code = phase === 'transfer' ? 'ERR_CONNECTION_LOST' : 'ERR_CONNECT';
  return new ConnectionError(name, phase, shownLine(message), { cause, code });
}
