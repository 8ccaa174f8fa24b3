import type { ServerConfig } from 'ssh2';
import type { Rights } from '../aaa/rights.ts';
import { guarded } from '../files/guard.ts';
import { isPrivateName } from '../files/private-names.ts';
import type { RootedFileSystem } from '../files/rooted.ts';
import { Access } from './access.ts';
import { algorithms, legacyAlgorithms } from './algorithms.ts';
import { toLegacyHostKeys, toSsh2HostKeys } from './host-keys.ts';
import { resolveLimits, type ServerLimits } from './limits.ts';
import { networkMatcher } from './networks.ts';
import { Roots, type RootsSession, type RootsView } from './roots.ts';
import type { FileUser, ServerSettings } from './settings.ts';

/** Settings that were checked and made ready. Each connection keeps those it has logged in with. */
export class Generation {
  readonly limits: ServerLimits;
  readonly access: Access;
  readonly offers: { readonly scp: boolean; readonly sftp: boolean };
  readonly durable: boolean;
  readonly #settings: ServerSettings;
  readonly #roots: Roots | undefined;
  readonly #config: ServerConfig;
  readonly #legacyConfig: ServerConfig;
  readonly #isLegacySource: (address: string) => boolean;

  private constructor(settings: ServerSettings, access: Access, limits: ServerLimits, roots: Roots | undefined) {
    this.#settings = settings;
    this.#roots = roots;
    this.limits = limits;
    this.access = access;
    this.offers = { scp: settings.services?.scp ?? true, sftp: settings.services?.sftp ?? true };
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
    const roots = await openRoots(settings, warn, before === undefined ? undefined : before.#roots);
    try {
      const access = await Access.create(settings, warn, before?.access);
      return new Generation(settings, access, limits, roots);
    } catch (error) {
      roots?.close();
      throw error;
    }
  }

  /** The files of somebody who has logged in. */
  filesOf(user: FileUser, rights: Rights, session: RootsSession): RootedFileSystem {
    const { fileSystemFor, viewFor, rights: rules } = this.#settings;
    if (this.#roots === undefined) {
      const own = (fileSystemFor as NonNullable<typeof fileSystemFor>)(user);
      return guarded(own, (operation, path) => rights.may(operation, path), {
        isOwnName: isPrivateName,
        uniform: rules === undefined,
        own: session.sent?.('rights'),
        signal: session.signal,
      });
    }
    const { permit, ...view } = viewFor?.(user) ?? {};
    // Without rules the privilege decides, whatever the path.
    const uniform = rules === undefined && permit === undefined;
    const may: RootsView['permit'] = (operation, path) =>
      rights.may(operation, path) && (permit?.(operation, path) ?? true);
    return this.#roots.view({ ...view, permit: may, uniform }, session);
  }

  /** The folders of this machine that are served. */
  get paths(): readonly string[] {
    return this.#roots?.paths ?? [];
  }

  /** Counts again what is in folders with a quota. Never rejects. */
  async recount(): Promise<void> {
    await this.#roots?.recount();
  }

  /** Other settings hold from now on. Sessions use these on. */
  close(): void {
    this.#roots?.close();
  }

  isLegacySource(address: string): boolean {
    return this.#isLegacySource(address);
  }

  /** What ssh2 takes for a client at this address; without `debug`. */
  configFor(address: string): ServerConfig {
    return this.#isLegacySource(address) ? this.#legacyConfig : this.#config;
  }
}

/** @throws {TypeError} unless there is exactly one source of files. {FileError} where a root is no folder */
async function openRoots(
  { root, roots, fileSystemFor, processes }: ServerSettings,
  onWarning: (text: string) => void,
  previous: Roots | undefined,
): Promise<Roots | undefined> {
  if ([root, roots, fileSystemFor].filter((one) => one !== undefined).length !== 1)
    throw new TypeError('a server needs one of root, roots and fileSystemFor');
  if (fileSystemFor !== undefined) return undefined;
  return await Roots.open(roots ?? [{ name: 'root', path: root ?? '' }], { processes, onWarning, previous });
}
