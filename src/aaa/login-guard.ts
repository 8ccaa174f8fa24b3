import { isInNetwork, type Network, parseAddress, parseNetworks, sourceOf } from './address.ts';
import { Penalties, type PenaltyOptions } from './penalties.ts';
import { QuietMode, type QuietModeOptions } from './quiet-mode.ts';

/** What holds back those who guess, as plain data. */
export interface LoginGuardOptions {
  /** Waiting times for a source that fails. On by default; `false` turns it off. */
  readonly penalties?: Partial<PenaltyOptions> | false | undefined;
  /** `login block-for` of Cisco IOS: after many failures from anywhere nobody may log in for a while. Off by default. */
  readonly quietMode?: QuietModeOptions | undefined;
  /** Networks that neither applies to (`login quiet-mode access-class`): `10.0.0.0/8`, `2001:db8::1`. */
  readonly exempt?: readonly string[] | undefined;
}

/** Decides who may try to log in, from what came of earlier tries. */
export class LoginGuard {
  readonly #penalties: Penalties | undefined;
  readonly #quiet: QuietMode | undefined;
  readonly #exempt: readonly Network[];

  /**
   * @param now milliseconds of a monotonic clock
   * @throws {RangeError} for numbers and networks that make no sense
   */
  constructor(options: LoginGuardOptions = {}, now: () => number = () => performance.now()) {
    this.#penalties = options.penalties === false ? undefined : new Penalties(options.penalties ?? {}, now);
    this.#quiet = options.quietMode === undefined ? undefined : new QuietMode(options.quietMode, now);
    this.#exempt = parseNetworks(options.exempt ?? []);
  }

  /** Why nobody may log in from this address now, or undefined. */
  refusal(address: string): string | undefined {
    if (this.#isExempt(address)) return undefined;
    const quietMs = this.#quiet?.remainingMs ?? 0;
    if (quietMs > 0) return `quiet mode after too many failed logins, ${seconds(quietMs)} left`;
    const waitMs = this.#penalties?.remainingMs(sourceOf(address)) ?? 0;
    return waitMs > 0 ? `too many failed logins from there, ${seconds(waitMs)} to wait` : undefined;
  }

  /** A login failed. @returns a text for the log where quiet mode begins */
  failed(address: string): string | undefined {
    if (this.#isExempt(address)) return undefined;
    this.#penalties?.failed(sourceOf(address));
    return this.#quiet?.failed() === true ? 'too many failed logins: quiet mode begins' : undefined;
  }

  succeeded(address: string): void {
    this.#penalties?.succeeded(sourceOf(address));
  }

  #isExempt(address: string): boolean {
    const bytes = this.#exempt.length === 0 ? undefined : parseAddress(address);
    return bytes !== undefined && this.#exempt.some((network) => isInNetwork(bytes, network));
  }
}

function seconds(milliseconds: number): string {
  return `${Math.ceil(milliseconds / 1000)} s`;
}
