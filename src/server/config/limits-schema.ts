import { DEFAULT_LIMITS, type ServerLimits } from '../limits.ts';
import { duration, integer, object, otherwise, size, type Type } from './schema-types.ts';
import { formatBytes, formatMilliseconds } from './units.ts';

type Name = keyof ServerLimits;

const COUNT = 1_000_000;
const MAX_LOGIN_MS = 120_000;

function count(name: Name, doc: string): ReturnType<typeof otherwise<number>> {
  return otherwise(integer(1, COUNT), DEFAULT_LIMITS[name], doc);
}

function time(name: Name, key: string, max: number | undefined, doc: string): ReturnType<typeof otherwise<number>> {
  return otherwise(duration(1000, max), formatMilliseconds(DEFAULT_LIMITS[name]), doc, key);
}

function bytes(name: Name, key: string, min: number, doc: string): ReturnType<typeof otherwise<number>> {
  return otherwise(size(min, 1024 ** 4), formatBytes(DEFAULT_LIMITS[name]), doc, key);
}

/** The bounds of a server. Their defaults are those of the library. */
export const limitsType: Type<ServerLimits> = object<ServerLimits>({
  loginTimeoutMs: time('loginTimeoutMs', 'login-timeout', MAX_LOGIN_MS, 'From the first byte to a finished login.'),
  passwordTries: count('passwordTries', 'Wrong passwords before the connection ends.'),
  publicKeyTries: count('publicKeyTries', 'Keys that are not accepted before the connection ends.'),
  authenticationRequests: count('authenticationRequests', 'Authentication requests of any kind on one connection.'),
  channels: count('channels', 'Channels that are open at a time on one connection.'),
  connections: count('connections', 'Connections in all.'),
  unauthenticated: count('unauthenticated', 'Connections that have not logged in, in all.'),
  unauthenticatedPerSource: count('unauthenticatedPerSource', 'The same from one IPv4 address or IPv6 /64.'),
  sessions: count('sessions', 'Connections that have logged in, in all.'),
  sessionsPerUser: count('sessionsPerUser', 'The same of one user.'),
  sessionsPerSource: count('sessionsPerSource', 'The same from one IPv4 address or IPv6 /64.'),
  transfers: count('transfers', 'Transfers under way, in all.'),
  transfersPerUser: count('transfersPerUser', 'The same of one user.'),
  queuedBytes: bytes(
    'queuedBytes',
    'queued',
    64 * 1024,
    'Output that waits for a client that does not read, beyond what transfers keep under way.',
  ),
  rekeyBytes: bytes('rekeyBytes', 'rekey-after', 1024 ** 2, 'New keys are made after so much.'),
  rekeyMs: time('rekeyMs', 'rekey-every', undefined, 'New keys are made after this time.'),
  idleTimeoutMs: time(
    'idleTimeoutMs',
    'idle-timeout',
    undefined,
    'How long a connection may stay without a transfer. Never ends a transfer.',
  ),
  keepaliveMs: time(
    'keepaliveMs',
    'keepalive',
    undefined,
    'Silence after which a client is asked whether it is still there.',
  ),
  keepaliveCount: count('keepaliveCount', 'Unanswered questions after which it counts as gone.'),
  globMatches: count('globMatches', 'Names that the patterns of one command may stand for.'),
});
