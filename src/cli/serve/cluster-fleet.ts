import cluster from 'node:cluster';
import type { SessionReport, TransferReport } from '../../server/control/protocol.ts';
import type { ListenAddress } from '../../server/listen-address.ts';
import type { LogLevel } from '../../server/log-record.ts';
import { mergeSnapshots, type Snapshot } from '../../server/metrics/exposition.ts';
import { FAMILIES } from '../../server/metrics/server-metrics.ts';
import { Backoff } from './backoff.ts';
import type { Deployment, Fleet } from './fleet.ts';
import { ANSWER_MS, WorkerLink } from './worker-link.ts';
import type { WorkerRequest } from './worker-messages.ts';

/** How long a worker may take to start or to take a new configuration: keys are read, passwords of users are not hashed. Milliseconds. */
const START_MS = 60_000;

/** What a worker needs to end after its grace. Milliseconds. */
const FAREWELL_MS = 5000;

/** What several processes need around them. */
export interface ClusterHost {
  readonly defaultState: string;
  readonly note: (level: LogLevel, message: string) => void;
  /** A worker is gone that was not asked to go: what it owed is left to do. */
  readonly onExit: () => void;
}

/** Several processes on the same addresses. This one owns the sockets and deals out connections in turn; the workers serve them. Dead workers are replaced. */
export class ClusterFleet implements Fleet {
  readonly workers: number;
  readonly #links = new Map<number, WorkerLink>();
  readonly #note: (level: LogLevel, message: string) => void;
  readonly #onExit: () => void;
  readonly #defaultState: string;
  readonly #timers = new Set<NodeJS.Timeout>();
  #deployment: Deployment;
  #addresses: readonly ListenAddress[] = [];
  #exits = 0;
  #isClosing = false;

  private constructor(deployment: Deployment, { defaultState, note, onExit }: ClusterHost) {
    this.workers = deployment.prepared.config.workers;
    this.#deployment = deployment;
    this.#defaultState = defaultState;
    this.#note = note;
    this.#onExit = onExit;
  }

  /** @throws where a worker cannot start: then none is left */
  static async start(deployment: Deployment, host: ClusterHost): Promise<ClusterFleet> {
    const fleet = new ClusterFleet(deployment, host);
    cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.setupPrimary({ exec: process.argv[1] ?? '', args: ['serve'] });
    try {
      // The first one tells which ports were taken where the configuration leaves them open.
      for (let number = 1; number <= fleet.workers; number++) await fleet.#startWorker(number, new Backoff());
    } catch (error) {
      await fleet.close(0);
      throw error;
    }
    return fleet;
  }

  async #startWorker(number: number, backoff: Backoff): Promise<void> {
    const started = performance.now();
    const link = new WorkerLink(number, cluster.fork());
    this.#links.set(number, link);
    let isUp = false;
    link.process.once('exit', (code, signal) => {
      this.#links.delete(number);
      if (!isUp || this.#isClosing) return;
      this.#exits++;
      this.#onExit();
      this.#restart(number, backoff, performance.now() - started, signal ?? `status ${code}`);
    });
    const { text, inherited, verbose, prepared } = this.#deployment;
    const start = {
      text,
      inherited,
      verbose,
      file: prepared.file,
      defaultState: this.#defaultState,
      number,
      of: this.workers,
    };
    try {
      this.#addresses = await link.ask<readonly ListenAddress[]>({ command: 'start', start }, START_MS);
      isUp = true;
    } catch (error) {
      link.process.process.kill('SIGKILL');
      throw error;
    }
  }

  #restart(number: number, backoff: Backoff, ranMs: number, why: string): void {
    const waitMs = backoff.after(ranMs);
    this.#note('error', `worker ${number} has ended (${why}); another one starts in ${waitMs / 1000} s`);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const began = performance.now();
      this.#startWorker(number, backoff).then(
        () => this.#note('info', `worker ${number} serves again`),
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error);
          if (!this.#isClosing) this.#restart(number, backoff, performance.now() - began, reason);
        },
      );
    }, waitMs);
    this.#timers.add(timer);
  }

  get addresses(): readonly ListenAddress[] {
    return this.#addresses;
  }

  /** The answers of the workers that are there. */
  async #askAll<T>(request: WorkerRequest, timeoutMs: number): Promise<T[]> {
    return await Promise.all([...this.#links.values()].map((link) => link.ask<T>(request, timeoutMs)));
  }

  async sessions(): Promise<readonly SessionReport[]> {
    return (await this.#askAll<readonly SessionReport[]>({ command: 'sessions' }, ANSWER_MS)).flat();
  }

  async transfers(): Promise<readonly TransferReport[]> {
    return (await this.#askAll<readonly TransferReport[]>({ command: 'transfers' }, ANSWER_MS)).flat();
  }

  async kick(id: string): Promise<boolean> {
    const link = this.#links.get(Number(id.split('.')[0]));
    return link !== undefined && (await link.ask<boolean>({ command: 'kick', id }, ANSWER_MS));
  }

  async snapshot(): Promise<Snapshot> {
    const own = { sealift_worker_exits_total: this.#exits, sealift_resident_memory_bytes: process.memoryUsage.rss() };
    const all = await this.#askAll<Snapshot>({ command: 'snapshot' }, ANSWER_MS);
    return mergeSnapshots([...all, own], FAMILIES);
  }

  async reload(deployment: Deployment): Promise<void> {
    // What was checked here is what the workers read; only what they cannot bind or read themselves is left to fail, and the first one finds out.
    const before = this.#deployment;
    const done: WorkerLink[] = [];
    for (const link of this.#links.values()) {
      try {
        this.#addresses = await link.ask<readonly ListenAddress[]>(
          { command: 'reload', text: deployment.text },
          START_MS,
        );
        done.push(link);
      } catch (error) {
        await Promise.allSettled(done.map((one) => one.ask({ command: 'reload', text: before.text }, START_MS)));
        throw error;
      }
    }
    this.#deployment = deployment;
  }

  async reopen(): Promise<void> {
    const asked = [...this.#links.values()].map((link) => link.ask({ command: 'reopen' }, ANSWER_MS));
    for (const outcome of await Promise.allSettled(asked))
      if (outcome.status === 'rejected')
        this.#note('error', `log and records were not opened anew: ${String((outcome.reason as Error).message)}`);
  }

  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#links.values()].map((link) => this.#end(link, graceMs)));
  }

  async #end(link: WorkerLink, graceMs: number): Promise<void> {
    const worker = link.process;
    if (worker.isDead()) return;
    const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), graceMs + FAREWELL_MS);
    await link.ask({ command: 'close', graceMs }, graceMs + FAREWELL_MS).catch(() => {});
    if (worker.isConnected()) worker.disconnect();
    await gone;
    clearTimeout(timer);
  }
}
