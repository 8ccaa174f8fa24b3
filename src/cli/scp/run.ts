import { ConnectionError, ProtocolError, SealiftError } from '../../base/errors.ts';
import { isSafeUser, type Location, OperandError, parseLocation, type RemoteLocation } from '../../copy/location.ts';
import type { CopyObserver } from '../../copy/observer.ts';
import { RateLimit } from '../../copy/rate-limit.ts';
import { withRetries } from '../../copy/retry.ts';
import { copyBetweenHosts, copyFromHost, copyToHost } from '../../copy/routes.ts';
import type { ContentCheck } from '../../files/content-check.ts';
import { localFileSystem } from '../../files/local.ts';
import { type Reporter, stderrReady } from '../report.ts';
import type { ScpOptions } from './options.ts';
import type { RunProgress } from './progress.ts';
import type { Remotes } from './remotes.ts';
import type { RunHosts } from './run-hosts.ts';
import { tellingSigners } from './telling-signers.ts';
import { here, routeOptions, type Transfer } from './transfer.ts';

/** How a run ended. `fatal` is for what OpenSSH's scp ends at once with: a lost connection, a server that breaks the rules. */
export type RunResult = 'copied' | 'failed' | 'fatal';

/** Operands that one step copies: they follow each other and share a source. */
type Group =
  | { readonly kind: 'local'; readonly paths: string[] }
  | { readonly kind: 'remote'; readonly locations: RemoteLocation[] };

export interface ScpRunParts {
  readonly reporter: Reporter;
  readonly progress: RunProgress;
  /** Closed at the end of the run. */
  readonly hosts: RunHosts;
  readonly signal: AbortSignal;
  /** Only what this finds good gets a name. */
  readonly content?: ContentCheck | undefined;
}

/** Runs one scp command line as the client. */
export class ScpRun {
  readonly #options: ScpOptions;
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal;
  readonly #remotes: Remotes;
  readonly #transfer: Transfer;
  readonly #hosts: RunHosts;
  readonly #progress: RunProgress;
  #failures = 0;
  #fatal = false;

  constructor(options: ScpOptions, { reporter, progress, hosts, signal, content }: ScpRunParts) {
    this.#options = options;
    this.#progress = progress;
    this.#hosts = hosts;
    this.#remotes = hosts.remotes;
    this.#reporter = reporter;
    this.#signal = signal;
    const { bytesPerSecond } = options;
    const { log, onStderr } = hosts;
    const observer = this.#observer();
    this.#transfer = {
      options,
      observer: content === undefined ? observer : tellingSigners(observer, reporter, log),
      content,
      rateLimit: bytesPerSecond === undefined ? undefined : new RateLimit(bytesPerSecond),
      signal,
      log,
      onStderr,
      landed: new Set(),
      memory: {},
      targetIsDirectory: options.operands.length > 2,
    };
  }

  #observer(): CopyObserver {
    const progress = this.#progress;
    return {
      found: (size) => progress.found?.(size),
      foundAll: () => progress.foundAll?.(),
      ...(progress.counted && { counted: (files, bytes) => progress.counted?.(files, bytes) }),
      fileStarted: (name, size, paths) => progress.fileStarted(name, size, paths),
      skipped: (name, size, paths) => progress.skipped?.(name, size, paths),
      planned: (name, size, paths) => progress.planned?.(name, size, paths),
      failed: (error) => this.#reporter.error(error),
      left: (path) => this.#reporter.notice(`${path}: is incomplete and could not be removed`),
      ready: () => both(stderrReady(this.#signal), progress.ready?.()),
    };
  }

  /** Copies all sources to the target. Every failure has been reported when this resolves. */
  async run(): Promise<RunResult> {
    const { operands } = this.#options;
    const target = parseLocation(operands.at(-1) as string);
    try {
      if (target.kind === 'local' && operands.length > 2) await requireDirectory(target.path);
      const groups = await this.#groups(operands.slice(0, -1));
      for (const group of groups) {
        this.#progress.step?.(group === groups.at(-1));
        const byOrigin = this.#isByOrigin(group, target);
        await this.#attempt(
          () =>
            this.#persistently(() =>
              target.kind === 'local' ? this.#toLocal(group, target.path) : this.#toRemote(group, target),
            ),
          byOrigin ? 'failed' : 'fatal',
        );
      }
    } finally {
      const troubles = await this.#remotes.close();
      this.#hosts.flush();
      if (this.#failures === 0) for (const error of troubles) this.#fail(error);
    }
    if (this.#fatal) return 'fatal';
    return this.#failures === 0 ? 'copied' : 'failed';
  }

  /** @param loss what the loss of a connection means; by the SCP protocol it never means more than a failure */
  #fail(error: unknown, loss: 'failed' | 'fatal' = 'fatal'): void {
    this.#signal.throwIfAborted();
    this.#failures++;
    const isLoss = error instanceof ConnectionError || error instanceof ProtocolError;
    if (isLoss && loss === 'fatal' && this.#options.protocol !== 'scp') this.#fatal = true;
    this.#reporter.error(error);
  }

  /** Runs one step; what goes wrong in it ends the step, not the run. */
  async #attempt(step: () => Promise<number>, loss: 'failed' | 'fatal' = 'fatal'): Promise<void> {
    try {
      this.#failures += await step();
    } catch (error) {
      if (!(error instanceof SealiftError) && !(error instanceof OperandError)) throw error;
      this.#fail(error, loss);
    }
  }

  /** `-R`: the origin copies by itself. As with scp, whatever goes wrong with it or on the way to it is the failure of a command: status 1. */
  #isByOrigin(group: Group, target: Location): boolean {
    return this.#options.throughLocal === 'remote' && group.kind === 'remote' && target.kind === 'remote';
  }

  /** `--retry`: over a new connection where the old one was lost. */
  async #persistently(step: () => Promise<number>): Promise<number> {
    const { retries } = this.#options.beyond;
    return await withRetries(step, {
      retries,
      signal: this.#signal,
      mayRetry: () => this.#transfer.memory.isFinal !== true && !this.#isHopeless(),
      again: async (error, pause, attempt) => {
        this.#reporter.notice(`${error.message}; trying again in ${pause} s (${attempt} of ${retries})`);
        this.#progress.again?.(await this.#remotes.speakScp());
        await this.#remotes.close();
      },
    });
  }

  #isHopeless(): boolean {
    if (!this.#hosts.finalWords.seen) return false;
    this.#reporter.notice('not trying again: ssh says that the login or the host key was refused');
    return true;
  }

  /** Puts sources together that follow each other and come from the same place. */
  async #groups(sources: readonly string[]): Promise<Group[]> {
    const groups: Group[] = [];
    for (const source of sources) {
      await this.#attempt(async () => {
        const location = parseLocation(source);
        const last = groups.at(-1);
        if (location.kind === 'local') {
          if (last?.kind === 'local') last.paths.push(location.path);
          else groups.push({ kind: 'local', paths: [location.path] });
          return 0;
        }
        if (location.user !== undefined && !isSafeUser(location.user))
          throw new OperandError(`${location.user}: invalid user name`);
        const [first] = last?.kind === 'remote' ? last.locations : [];
        if (last?.kind === 'remote' && first !== undefined && this.#remotes.key(first) === this.#remotes.key(location))
          last.locations.push(location);
        else groups.push({ kind: 'remote', locations: [location] });
        return 0;
      });
    }
    return groups;
  }

  async #toRemote(group: Group, target: RemoteLocation): Promise<number> {
    const options = routeOptions(this.#transfer);
    if (group.kind === 'local') return await copyToHost(group.paths, await this.#remotes.get(target), target, options);
    const [first] = group.locations as [RemoteLocation];
    if (this.#isByOrigin(group, target)) {
      const { copyFromOrigin } = await import('./from-origin.ts');
      return await copyFromOrigin(this.#transfer, await this.#remotes.connection(first), group.locations, target);
    }
    // One after the other: both may ask on the terminal.
    const origin = await this.#remotes.get(first);
    return await copyBetweenHosts(origin, group.locations, await this.#remotes.get(target), target, options);
  }

  async #toLocal(group: Group, target: string): Promise<number> {
    if (group.kind === 'remote') {
      const [first] = group.locations as [RemoteLocation];
      return await copyFromHost(await this.#remotes.get(first), group.locations, target, routeOptions(this.#transfer));
    }
    return await here(this.#transfer, group.paths, target);
  }
}

function both(one: Promise<void> | undefined, other: Promise<void> | undefined): Promise<void> | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Promise.all([one, other]).then(() => {});
}

async function requireDirectory(target: string): Promise<void> {
  const directory = await localFileSystem().directory(target);
  await directory.close();
}
