import { ConfigError, describeProblem } from '../../server/config/problems.ts';
import type { StatusReport } from '../../server/control/protocol.ts';
import { ControlServer, type ControlTarget } from '../../server/control/server.ts';
import { MetricsEndpoint, type MetricsSource } from '../../server/metrics/endpoint.ts';
import { mergeSnapshots, renderMetrics, series } from '../../server/metrics/exposition.ts';
import { FAMILIES } from '../../server/metrics/server-metrics.ts';
import { version } from '../version.ts';
import type { Deployment, Fleet } from './fleet.ts';
import type { ServerLog } from './log.ts';

export interface OperationOptions {
  readonly deployment: Deployment;
  readonly fleet: Fleet;
  readonly log: ServerLog;
  /** Reads the configuration anew. */
  readonly read: () => Promise<Deployment>;
}

/** What surrounds a server that runs: the control socket, the figures, and the reading of a new configuration. */
export class Operation implements ControlTarget, MetricsSource {
  readonly #fleet: Fleet;
  readonly #log: ServerLog;
  readonly #read: () => Promise<Deployment>;
  readonly #startedAtMs: number = Date.now();
  #deployment: Deployment;
  #control: ControlServer | undefined;
  #endpoint: MetricsEndpoint | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #reloadsWaiting = 0;
  #lastReload: { readonly atMs: number; readonly ok: boolean } | undefined;
  readonly #reloads = { good: 0, refused: 0 };
  #isOpen = false;

  constructor({ deployment, fleet, log, read }: OperationOptions) {
    this.#deployment = deployment;
    this.#fleet = fleet;
    this.#log = log;
    this.#read = read;
  }

  /** @throws where the control socket or the metrics address cannot be had */
  async open(): Promise<void> {
    const { state, config } = this.#deployment.prepared;
    this.#control = await ControlServer.open(state, this);
    if (config.metrics.listen !== undefined) this.#endpoint = await MetricsEndpoint.listen(config.metrics.listen, this);
    this.#isOpen = true;
    this.#log.note('info', `serving ${this.#deployment.prepared.file}`, {
      event: 'started',
      version: version(),
      workers: this.#fleet.workers,
    });
  }

  get graceMs(): number {
    return this.#deployment.prepared.config.grace;
  }

  get isReady(): boolean {
    return this.#isOpen;
  }

  /** Reads the configuration again, after what is under way. One that cannot be used is refused and changes nothing. Never rejects. */
  async reload(): Promise<void> {
    // One that waits has not read the file yet: it will see what is there now.
    if (this.#reloadsWaiting > 0) return await this.#reloading;
    this.#reloadsWaiting++;
    this.#reloading = this.#reloading.then(async () => {
      this.#reloadsWaiting--;
      await this.#reloadNow();
    });
    await this.#reloading;
  }

  async #reloadNow(): Promise<void> {
    if (!this.#isOpen) return;
    // Whatever becomes of the configuration: logrotate has moved the files away, and will compress and remove them.
    await this.#log.reopen();
    await this.#fleet.reopen();
    try {
      const next = await this.#read();
      this.#warnOfFixed(next);
      await this.#changeEndpoint(next, () => this.#fleet.reload(next));
      this.#deployment = next;
      this.#noteReload(true);
      this.#log.level = next.verbose ? 'debug' : next.prepared.config.log.level;
      this.#log.note('info', 'the configuration was read again', { event: 'reloaded' });
    } catch (error) {
      this.#noteReload(false);
      const reasons =
        error instanceof ConfigError
          ? error.problems.map(describeProblem)
          : [error instanceof Error ? error.message : String(error)];
      this.#log.note('error', `the configuration was refused, the old one stays: ${reasons.join('; ')}`, {
        event: 'reload-refused',
        problems: reasons,
      });
    }
  }

  #noteReload(ok: boolean): void {
    this.#lastReload = { atMs: Date.now(), ok };
    this.#reloads[ok ? 'good' : 'refused']++;
  }

  #warnOfFixed({ prepared }: Deployment): void {
    const now = this.#deployment.prepared;
    const fixed = [
      ...(prepared.state === now.state ? [] : ['state']),
      ...(prepared.config.workers === now.config.workers ? [] : ['workers']),
      ...(prepared.logFile === now.logFile ? [] : ['log.file']),
      ...(JSON.stringify(prepared.accounting) === JSON.stringify(now.accounting) ? [] : ['accounting']),
      ...(prepared.config.log.format === now.config.log.format ? [] : ['log.format']),
    ];
    for (const key of fixed)
      this.#log.note('warn', `${key}: takes effect at the next start`, { event: 'warning', key });
  }

  /** A new address for the figures is taken before the rest changes, and given back where that fails. */
  async #changeEndpoint(next: Deployment, change: () => Promise<void>): Promise<void> {
    const wanted = next.prepared.config.metrics.listen;
    const had = this.#deployment.prepared.config.metrics.listen;
    if (wanted?.address === had?.address && wanted?.port === had?.port) return await change();
    const fresh = wanted === undefined ? undefined : await MetricsEndpoint.listen(wanted, this);
    try {
      await change();
    } catch (error) {
      await fresh?.close();
      throw error;
    }
    await this.#endpoint?.close();
    this.#endpoint = fresh;
  }

  async metrics(): Promise<string> {
    const own = {
      [series('sealift_info', { version: version() })]: 1,
      sealift_workers: this.#fleet.workers,
      sealift_start_time_seconds: this.#startedAtMs / 1000,
      [series('sealift_reloads_total', { result: 'good' })]: this.#reloads.good,
      [series('sealift_reloads_total', { result: 'refused' })]: this.#reloads.refused,
    };
    return renderMetrics(mergeSnapshots([own, await this.#fleet.snapshot()], FAMILIES), FAMILIES);
  }

  async status(): Promise<StatusReport> {
    const snapshot = await this.#fleet.snapshot();
    const figure = (key: string): number => snapshot[key] ?? 0;
    return {
      program: `sealift ${version()}`,
      pid: process.pid,
      startedAtMs: this.#startedAtMs,
      configFile: this.#deployment.prepared.file,
      addresses: this.#fleet.addresses,
      workers: this.#fleet.workers,
      connections: figure('sealift_connections_open'),
      sessions: figure('sealift_sessions_open'),
      transfers: figure('sealift_transfers_open'),
      moved: {
        received: figure(series('sealift_moved_bytes_total', { direction: 'received' })),
        sent: figure(series('sealift_moved_bytes_total', { direction: 'sent' })),
      },
      ...(this.#lastReload === undefined ? {} : { reload: this.#lastReload }),
    };
  }

  sessions: ControlTarget['sessions'] = async () => await this.#fleet.sessions();
  transfers: ControlTarget['transfers'] = async () => await this.#fleet.transfers();

  async kick(id: string): Promise<boolean> {
    const isKnown = await this.#fleet.kick(id);
    if (isKnown) this.#log.note('warn', `session ${id} was ended by the operator`, { event: 'kicked', session: id });
    return isKnown;
  }

  /** Stops: transfers have the time of the configuration. Looking on is possible until the last one has ended. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#reloading;
    await this.#fleet.close(this.graceMs);
    await this.#endpoint?.close();
    await this.#control?.close();
  }
}
