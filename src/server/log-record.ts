import { printable } from '../base/printable.ts';
import { describeEvent, type ServerEvent } from './events.ts';

/** How much an entry of the log matters. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** An entry of the log: what a machine reads, and one line for people. All texts are printable. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  /** `event` is the type; the rest are the fields of the event under their own names. `connection` is the number, with `address`, `port` and `user` beside it. */
  readonly fields: Readonly<Record<string, LogValue>>;
}

type LogValue = string | number | boolean | readonly string[];

/** Longer texts of a peer are cut. */
const MAX_TEXT = 1024;

const levels: Readonly<Record<ServerEvent['type'], LogLevel>> = {
  'connection-opened': 'debug',
  'connection-refused': 'warn',
  'connection-closed': 'debug',
  'negotiation-failed': 'warn',
  'legacy-algorithms': 'warn',
  'login-accepted': 'info',
  'login-partial': 'info',
  'login-refused': 'warn',
  'request-refused': 'info',
  'transfer-started': 'info',
  'file-moved': 'debug',
  'entry-changed': 'info',
  'operation-refused': 'info',
  'content-refused': 'warn',
  'entry-failed': 'warn',
  'transfer-ended': 'info',
  swept: 'info',
  warning: 'warn',
};

/** The entry for an event. */
export function logRecord(event: ServerEvent): LogRecord {
  const { type, ...rest } = event;
  const fields: Record<string, LogValue> = { event: type };
  for (const [name, value] of Object.entries(rest)) {
    if (name !== 'connection') put(fields, name, value);
  }
  if ('connection' in event) {
    const { id, address, port, user } = event.connection;
    Object.assign(fields, { connection: id, address, port });
    // An event about a login that fails has the name that was tried.
    if (!('user' in rest)) put(fields, 'user', user);
  }
  return { level: levels[type], message: describeEvent(event), fields };
}

function put(fields: Record<string, LogValue>, name: string, value: unknown): void {
  if (typeof value === 'string') fields[name] = printable(value.slice(0, MAX_TEXT));
  else if (typeof value === 'number') fields[name] = Math.round(value);
  else if (typeof value === 'boolean') fields[name] = value;
  else if (Array.isArray(value)) fields[name] = value.map((item) => printable(String(item).slice(0, MAX_TEXT)));
}
