import { SealiftError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import {
  describeLocation,
  isSafeUser,
  type Location,
  OperandError,
  parseLocation,
  type RemoteLocation,
} from '../../copy/location.ts';
import type { CopyObserver } from '../../copy/observer.ts';
import { RateLimit } from '../../copy/rate-limit.ts';
import type { ScpDownloadOptions } from '../../copy/scp-download.ts';
import { localFileSystem } from '../../files/local.ts';
import { type Reporter, stderrReady } from '../report.ts';
import { observe, ProgressDisplay } from '../terminal/progress.ts';
import { RemoteText } from '../terminal/remote-text.ts';
import { Connections } from './connections.ts';
import { copyLocally } from './local-copy.ts';
import type { ScpOptions } from './options.ts';

/** Runs one scp command line as the client: local to remote, remote to local, local to local. */
export class ScpRun {
  readonly #options: ScpOptions;
  readonly #reporter: Reporter;
  readonly #signal: AbortSignal;
  readonly #log: Log;
  readonly #connections: Connections;
  readonly #observer: CopyObserver;
  readonly #rateLimit: RateLimit | undefined;
  readonly #remoteText = new RemoteText((text) => process.stderr.write(text));
  #failures = 0;

  constructor(options: ScpOptions, reporter: Reporter, signal: AbortSignal) {
    this.#options = options;
    this.#reporter = reporter;
    this.#signal = signal;
    const { verbosity, quiet, bytesPerSecond } = options;
    this.#log = {
      level: verbosity,
      debug: (level, text) => {
        if (level <= verbosity) reporter.note(`debug${level}: ${text}`);
      },
    };
    this.#connections = new Connections(options, this.#log, signal);
    const display = process.stdout.isTTY && !quiet ? new ProgressDisplay(process.stdout) : undefined;
    this.#observer = observe(
      display,
      (error) => this.#reporter.error(error),
      () => stderrReady(signal),
    );
    this.#rateLimit = bytesPerSecond === undefined ? undefined : new RateLimit(bytesPerSecond);
  }

  /**
   * Copies all sources to the target.
   *
   * @returns whether everything was copied; every failure has been reported.
   */
  async run(): Promise<boolean> {
    const { operands } = this.#options;
    const target = parseLocation(operands.at(-1) as string);
    const sources = operands.slice(0, -1);
    try {
      if (target.kind === 'remote') await this.#toRemote(sources, target);
      else await this.#toLocal(sources, target.path);
    } finally {
      this.#remoteText.flush();
      await this.#connections.close();
    }
    return this.#failures === 0;
  }

  #fail(error: unknown): void {
    this.#signal.throwIfAborted();
    this.#failures++;
    this.#reporter.error(error);
  }

  /** Runs one step; what goes wrong in it ends the step, not the run. */
  async #attempt(step: () => Promise<number>): Promise<void> {
    try {
      this.#failures += await step();
    } catch (error) {
      if (!(error instanceof SealiftError) && !(error instanceof OperandError)) throw error;
      this.#fail(error);
    }
  }

  #copyOptions(location: RemoteLocation): ScpDownloadOptions {
    const { recursive, preserve, preserveSpecial, strictNames, verbosity, operands } = this.#options;
    const trace = (direction: 'send' | 'receive', what: string) =>
      this.#log.debug(3, `scp ${direction === 'send' ? '->' : '<-'} ${what}`);
    return {
      host: location.host,
      recursive,
      preserve,
      preserveSpecial,
      strictNames,
      verbose: verbosity > 0,
      targetIsDirectory: operands.length > 2,
      observer: this.#observer,
      rateLimit: this.#rateLimit,
      signal: this.#signal,
      trace: verbosity >= 3 ? trace : undefined,
      onStderr: (bytes) => {
        this.#remoteText.push(bytes);
        return stderrReady(this.#signal);
      },
    };
  }

  #announce(location: RemoteLocation): void {
    if (this.#options.verbosity === 0) return;
    const user = location.user ?? '(unspecified)';
    this.#reporter.note(
      `Executing: program ${this.#options.sshProgram ?? 'ssh'} host ${location.host}, user ${user}, protocol scp`,
    );
  }

  async #toRemote(sources: readonly string[], target: RemoteLocation): Promise<void> {
    const local: string[] = [];
    for (const source of sources) {
      await this.#attempt(async () => {
        const location = parseLocation(source);
        if (location.kind === 'remote') throw remoteToRemote(location, target);
        local.push(location.path);
        return 0;
      });
    }
    if (local.length === 0) return;
    await this.#attempt(async () => {
      this.#announce(target);
      const { uploadByScp } = await import('../../copy/scp-upload.ts');
      const connection = await this.#connections.get(target);
      return await uploadByScp(connection, localFileSystem(), local, target, this.#copyOptions(target));
    });
  }

  async #toLocal(sources: readonly string[], target: string): Promise<void> {
    if (sources.length > 1) await requireDirectory(target);
    for (const source of sources) await this.#attempt(() => this.#oneToLocal(source, target));
  }

  async #oneToLocal(source: string, target: string): Promise<number> {
    const location = parseLocation(source);
    const { recursive, preserve } = this.#options;
    if (location.kind === 'local') {
      return (await copyLocally(location.path, target, { recursive, preserve, signal: this.#signal })) ? 0 : 1;
    }
    if (location.user !== undefined && !isSafeUser(location.user))
      throw new OperandError(`${location.user}: invalid user name`);
    this.#announce(location);
    const { downloadByScp } = await import('../../copy/scp-download.ts');
    const connection = await this.#connections.get(location);
    // What a peer sends into a tree is written below open directories, so that links in it cannot lead elsewhere.
    const files = localFileSystem({ pin: recursive });
    return await downloadByScp(connection, files, location, target, this.#copyOptions(location));
  }
}

async function requireDirectory(target: string): Promise<void> {
  const directory = await localFileSystem().directory(target);
  await directory.close();
}

function remoteToRemote(source: Location, target: Location): OperandError {
  return new OperandError(
    `${describeLocation(source)} to ${describeLocation(target)}: copies between two remote hosts are not there yet; copy to this machine first, then on`,
  );
}
