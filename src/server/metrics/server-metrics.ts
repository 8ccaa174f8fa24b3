import type { ServerEvent } from '../events.ts';
import type { MovedBytes } from '../live-transfers.ts';
import type { SessionInfo } from '../session-info.ts';
import { type Family, Histogram, type Snapshot, series } from './exposition.ts';

/** What `/metrics` shows. */
export const FAMILIES: readonly Family[] = [
  { name: 'sealift_info', type: 'gauge', help: 'The version that runs.', merge: 'max' },
  { name: 'sealift_workers', type: 'gauge', help: 'Processes that serve.' },
  {
    name: 'sealift_start_time_seconds',
    type: 'gauge',
    help: 'When the server was started, in Unix time.',
    merge: 'max',
  },
  { name: 'sealift_reloads_total', type: 'counter', help: 'Times the configuration was read again.' },
  { name: 'sealift_worker_exits_total', type: 'counter', help: 'Processes that ended and were replaced.' },
  { name: 'sealift_connections_total', type: 'counter', help: 'Connections that were taken.' },
  {
    name: 'sealift_connections_refused_total',
    type: 'counter',
    help: 'Connections that were closed at once, by limit.',
  },
  { name: 'sealift_connections_open', type: 'gauge', help: 'Connections that are open.' },
  { name: 'sealift_sessions_open', type: 'gauge', help: 'Connections that have logged in.' },
  { name: 'sealift_logins_total', type: 'counter', help: 'Answers to authentication requests, by result and method.' },
  {
    name: 'sealift_negotiations_failed_total',
    type: 'counter',
    help: 'Connections without a common algorithm, by kind.',
  },
  { name: 'sealift_legacy_connections_total', type: 'counter', help: 'Connections that use the legacy profile.' },
  { name: 'sealift_requests_refused_total', type: 'counter', help: 'Requests that this server does not serve.' },
  {
    name: 'sealift_contents_refused_total',
    type: 'counter',
    help: 'Files whose content was not to be used, by code.',
  },
  {
    name: 'sealift_transfers_total',
    type: 'counter',
    help: 'Transfers that have ended, by service, direction and result.',
  },
  { name: 'sealift_transfers_open', type: 'gauge', help: 'Transfers under way.' },
  { name: 'sealift_transfer_duration_seconds', type: 'histogram', help: 'How long transfers took.' },
  { name: 'sealift_files_total', type: 'counter', help: 'Files, by direction and result.' },
  { name: 'sealift_entries_failed_total', type: 'counter', help: 'Files and directories that could not be copied.' },
  { name: 'sealift_moved_bytes_total', type: 'counter', help: 'Content that was moved, by direction.' },
  { name: 'sealift_queued_bytes', type: 'gauge', help: 'Output that waits for clients.' },
  { name: 'sealift_syslog_spooled_bytes', type: 'gauge', help: 'Records that wait on the disk for syslog servers.' },
  { name: 'sealift_syslog_lost_total', type: 'counter', help: 'Records that could not be sent to a syslog server.' },
  { name: 'sealift_warnings_total', type: 'counter', help: 'Warnings.' },
  {
    name: 'sealift_event_loop_delay_seconds',
    type: 'gauge',
    help: 'How late timers fired since the last look.',
    merge: 'max',
  },
  { name: 'sealift_resident_memory_bytes', type: 'gauge', help: 'Memory of all processes.' },
];

/** Seconds: from a small file to an image over a slow line. */
const DURATION_BOUNDS = [0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200];

const METHODS: ReadonlySet<string> = new Set(['password', 'publickey', 'keyboard-interactive', 'hostbased', 'none']);

/** What of a running server is counted at the moment of a look. */
export interface LiveFigures {
  readonly sessions: readonly SessionInfo[];
  readonly transfers: number;
  readonly moved: MovedBytes;
}

/** Counts the events of one server. */
export class ServerMetrics {
  readonly #counters: Record<string, number> = {};
  readonly #durations = new Histogram('sealift_transfer_duration_seconds', DURATION_BOUNDS);

  note(event: ServerEvent): void {
    switch (event.type) {
      case 'connection-opened':
        this.#add('sealift_connections_total');
        break;
      case 'connection-refused':
        this.#add('sealift_connections_refused_total', { limit: event.limit });
        break;
      case 'login-accepted':
        this.#add('sealift_logins_total', { result: 'accepted', method: methodOf(event.method) });
        break;
      case 'login-refused':
        this.#add('sealift_logins_total', { result: 'refused', method: methodOf(event.method) });
        break;
      case 'negotiation-failed':
        this.#add('sealift_negotiations_failed_total', { kind: event.what });
        break;
      case 'legacy-algorithms':
        this.#add('sealift_legacy_connections_total');
        break;
      case 'request-refused':
      case 'operation-refused':
        this.#add('sealift_requests_refused_total');
        break;
      case 'file-moved':
        this.#add('sealift_files_total', {
          direction: event.direction,
          result: event.landed ? 'complete' : 'given up',
        });
        break;
      case 'content-refused':
        this.#add('sealift_contents_refused_total', { code: event.code });
        break;
      case 'entry-failed':
        this.#add('sealift_entries_failed_total');
        break;
      case 'transfer-ended': {
        const { service, direction, status, durationMs } = event;
        const result = status === undefined ? 'cut off' : status === 0 ? 'complete' : 'with errors';
        this.#add('sealift_transfers_total', { service, direction, result });
        this.#durations.observe({ service, direction }, durationMs / 1000);
        break;
      }
      case 'warning':
        this.#add('sealift_warnings_total');
        break;
      default:
        // What begins or ends is counted at the moment of a look.
        break;
    }
  }

  #add(name: string, labels: Readonly<Record<string, string>> = {}): void {
    const key = series(name, labels);
    this.#counters[key] = (this.#counters[key] ?? 0) + 1;
  }

  snapshot({ sessions, transfers, moved }: LiveFigures): Snapshot {
    return {
      ...this.#counters,
      ...this.#durations.snapshot(),
      sealift_connections_open: sessions.length,
      sealift_sessions_open: sessions.filter(({ user }) => user !== undefined).length,
      sealift_transfers_open: transfers,
      [series('sealift_moved_bytes_total', { direction: 'received' })]: moved.received,
      [series('sealift_moved_bytes_total', { direction: 'sent' })]: moved.sent,
      sealift_queued_bytes: sessions.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0),
    };
  }
}

function methodOf(method: string): string {
  return METHODS.has(method) ? method : 'other';
}
