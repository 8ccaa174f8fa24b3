import { hostname } from 'node:os';
import { Accounting } from '../../aaa/accounting/accounting.ts';
import type { SessionReport, TransferReport } from '../../server/control/protocol.ts';
import type { ServerEvent } from '../../server/events.ts';
import { loadHostKeys } from '../../server/host-keys.ts';
import type { ListenAddress } from '../../server/listen-address.ts';
import { logRecord } from '../../server/log-record.ts';
import type { Snapshot } from '../../server/metrics/exposition.ts';
import { LoopDelay } from '../../server/metrics/loop-delay.ts';
import { ServerMetrics } from '../../server/metrics/server-metrics.ts';
import { type ChangedOptions, listen, type RunningServer } from '../../server/server.ts';
import type { Deployment, Fleet } from './fleet.ts';
import { ServerLog } from './log.ts';
import { sessionReports, transferReports } from './reports.ts';
import { withChecks } from './signed-roots.ts';
import type { WorkerStart } from './worker-messages.ts';

/** The server of one process, with its log and its figures. */
export class Service implements Fleet {
  readonly workers = 1;
  readonly log: ServerLog;
  readonly #server: RunningServer;
  readonly #metrics: ServerMetrics;
  readonly #accounting: Accounting;
  readonly #loopDelay = new LoopDelay();
  readonly #prefix: string;
  /** Host keys of the state folder are read once: a server keeps its identity while it runs. */
  readonly #share: number;

  private constructor(parts: ServiceParts) {
    this.log = parts.log;
    this.#server = parts.server;
    this.#metrics = parts.metrics;
    this.#accounting = parts.accounting;
    this.#prefix = parts.prefix;
    this.#share = parts.share;
  }

  /** @param worker which of how many processes this is; undefined where it is the only one */
  static async start(deployment: Deployment, worker?: Pick<WorkerStart, 'number' | 'of'>): Promise<Service> {
    const log = await openLog(deployment, worker?.number);
    let accounting: Accounting | undefined;
    try {
      accounting = openAccounting(deployment, log);
      const metrics = new ServerMetrics();
      const share = worker?.of ?? 1;
      const onEvent = (event: ServerEvent): void => {
        metrics.note(event);
        log.write(logRecord(event));
      };
      const { account } = accounting;
      const options = await serverOptions(deployment, log, share);
      const server = await listen({ ...options, account, onEvent });
      const prefix = worker === undefined ? '' : `${worker.number}.`;
      return new Service({ log, server, metrics, accounting, prefix, share });
    } catch (error) {
      accounting?.close();
      log.flush();
      throw error;
    }
  }

  get addresses(): readonly ListenAddress[] {
    return this.#server.addresses;
  }

  async sessions(): Promise<readonly SessionReport[]> {
    return sessionReports(this.#server, this.#prefix);
  }

  async transfers(): Promise<readonly TransferReport[]> {
    return transferReports(this.#server, this.#prefix);
  }

  async kick(id: string): Promise<boolean> {
    return id.startsWith(this.#prefix) && this.#server.kick(Number(id.slice(this.#prefix.length)));
  }

  async snapshot(): Promise<Snapshot> {
    const { moved } = this.#server;
    const { spooledBytes, lost } = this.#accounting.syslogFigures;
    return {
      ...this.#metrics.snapshot({
        sessions: this.#server.sessions(),
        transfers: this.#server.transfers().length,
        moved,
      }),
      ...this.#loopDelay.snapshot(),
      sealift_syslog_spooled_bytes: spooledBytes,
      sealift_syslog_lost_total: lost,
      sealift_resident_memory_bytes: process.memoryUsage.rss(),
    };
  }

  async reload(deployment: Deployment): Promise<void> {
    await this.#server.reload(await serverOptions(deployment, this.log, this.#share));
    this.log.level = levelOf(deployment);
  }

  async reopen(): Promise<void> {
    await this.log.reopen();
    try {
      this.#accounting.reopen();
    } catch (error) {
      this.log.note('error', `accounting: ${error instanceof Error ? error.message : String(error)}`, {
        event: 'warning',
      });
    }
  }

  async close(graceMs: number): Promise<void> {
    await this.#server.close({ graceMs });
    this.#accounting.close();
    this.#loopDelay.stop();
    this.log.flush();
  }
}

interface ServiceParts {
  readonly log: ServerLog;
  readonly server: RunningServer;
  readonly metrics: ServerMetrics;
  readonly accounting: Accounting;
  readonly prefix: string;
  readonly share: number;
}

/** The accounting of a process. Several share the file. @param onlyRecovers for a process or a moment in which nobody is served */
export function openAccounting({ prepared }: Deployment, log: ServerLog, onlyRecovers = false): Accounting {
  const warn = (text: string): void => log.note('warn', text, { event: 'warning' });
  return Accounting.open(prepared.accounting, { pid: process.pid, hostname: hostname(), warn, onlyRecovers });
}

/** The log of a process, as the configuration has it. */
export async function openLog(deployment: Deployment, worker?: number): Promise<ServerLog> {
  const { config, logFile } = deployment.prepared;
  const isText =
    config.log.format === 'text' || (config.log.format === 'auto' && logFile === undefined && process.stderr.isTTY);
  return await ServerLog.open({ level: levelOf(deployment), format: isText ? 'text' : 'json', file: logFile, worker });
}

function levelOf({ prepared, verbose }: Deployment): 'error' | 'warn' | 'info' | 'debug' {
  return verbose ? 'debug' : prepared.config.log.level;
}

/** @param share how many processes share the limits: connections are dealt out in turn, so each has its part, rounded up */
async function serverOptions(
  { prepared, inherited }: Deployment,
  log: ServerLog,
  share: number,
): Promise<ChangedOptions> {
  const { settings, state, config } = prepared;
  const hostKeys = settings.hostKeys.length > 0 ? settings.hostKeys : (await loadHostKeys(state)).keys;
  const limits = { ...config.limits };
  for (const name of SHARED_LIMITS) limits[name] = Math.ceil(limits[name] / share);
  const roots = await withChecks(settings.roots, log);
  return { ...settings, roots, hostKeys, limits, listen: inherited.length > 0 ? inherited : config.listen };
}

/** Limits that hold for the server as a whole, not for each connection. */
const SHARED_LIMITS = [
  'connections',
  'unauthenticated',
  'unauthenticatedPerSource',
  'sessions',
  'sessionsPerUser',
  'sessionsPerSource',
  'transfers',
  'transfersPerUser',
] as const;
