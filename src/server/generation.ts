import { stat } from 'node:fs/promises';
import type { ServerConfig } from 'ssh2';
import { FileError } from '../base/errors.ts';
import { type RootedFileSystem, rootedFileSystem } from '../files/rooted.ts';
import { Access, type AccessOptions } from './access.ts';
import { algorithms, legacyAlgorithms } from './algorithms.ts';
import { type HostKey, toLegacyHostKeys, toSsh2HostKeys } from './host-keys.ts';
import { resolveLimits, type ServerLimits } from './limits.ts';
import { networkMatcher } from './networks.ts';

/** What of a server can be changed while it runs. */
export interface ServerSettings extends AccessOptions {
  /** From {@link loadHostKeys}. */
  readonly hostKeys: readonly HostKey[];
  /** The folder that users see as `/`. Nothing outside it can be reached. */
  readonly root: string;
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Whether a file is on stable storage before its upload is confirmed. Default true; false is for files that nobody would miss. */
  readonly durable?: boolean | undefined;
  /** Which services are offered. Default: all. One that is not answers `Administratively disabled.` */
  readonly services?: { readonly scp?: boolean | undefined } | undefined;
  /** Shown to clients before they log in. */
  readonly banner?: string | undefined;
  /** Networks whose clients are offered old algorithms too: diffie-hellman-group14-sha1, ssh-rsa, aes-cbc, hmac-sha1. Default none. */
  readonly legacyFrom?: readonly string[] | undefined;
}

/** Settings that were checked and made ready. Each connection keeps those it has logged in with. */
export class Generation {
  readonly limits: ServerLimits;
  readonly access: Access;
  readonly offersScp: boolean;
  readonly fileSystem: RootedFileSystem;
  readonly durable: boolean;
  readonly #config: ServerConfig;
  readonly #legacyConfig: ServerConfig;
  readonly #isLegacySource: (address: string) => boolean;

  private constructor(settings: ServerSettings, access: Access, limits: ServerLimits) {
    this.limits = limits;
    this.access = access;
    this.offersScp = settings.services?.scp ?? true;
    this.fileSystem = rootedFileSystem(settings.root);
    this.durable = settings.durable ?? true;
    const common = {
      ident: 'Sealift',
      keepaliveInterval: limits.keepaliveMs,
      keepaliveCountMax: limits.keepaliveCount,
      ...(settings.banner === undefined ? {} : { banner: settings.banner }),
    };
    this.#config = { ...common, algorithms, hostKeys: toSsh2HostKeys(settings.hostKeys) };
    this.#legacyConfig = { ...common, algorithms: legacyAlgorithms, hostKeys: toLegacyHostKeys(settings.hostKeys) };
    this.#isLegacySource = networkMatcher(settings.legacyFrom ?? []);
  }

  /**
   * Checks settings and makes them ready.
   *
   * @param before what held until now: what it remembers of failed logins goes on to count
   * @throws {FileError} where the root is no directory. {TypeError} {RangeError} for settings that make no sense.
   */
  static async create(
    settings: ServerSettings,
    warn: (text: string) => void,
    before?: Generation,
  ): Promise<Generation> {
    if (settings.hostKeys.length === 0) throw new TypeError('a server needs a host key');
    const limits = resolveLimits(settings.limits);
    const stats = await stat(settings.root).catch((cause: unknown) => {
      throw FileError.from(cause, settings.root, 'open');
    });
    if (!stats.isDirectory()) throw new FileError(settings.root, 'open', 'ENOTDIR');
    const access = await Access.create(settings, warn, before?.access);
    return new Generation(settings, access, limits);
  }

  isLegacySource(address: string): boolean {
    return this.#isLegacySource(address);
  }

  /** What ssh2 takes for a client at this address; without `debug`. */
  configFor(address: string): ServerConfig {
    return this.#isLegacySource(address) ? this.#legacyConfig : this.#config;
  }
}
