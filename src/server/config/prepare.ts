import { realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { AccountingOptions } from '../../aaa/accounting/accounting.ts';
import { parseAuthorizedKeys } from '../../aaa/authorized-keys.ts';
import { type LocalUser, prepareUser } from '../../aaa/local-user.ts';
import { loadUsersFile } from '../../aaa/users-file.ts';
import { FileError, SealiftError } from '../../base/errors.ts';
import { readHostKeys } from '../host-keys.ts';
import { findNested, findWayRound, isWithin, lookUp, realPathOf } from '../root-folders.ts';
import type { RootOptions, RootsView } from '../roots.ts';
import type { ServerSettings } from '../settings.ts';
import { accessOptions, toLocalUser } from './access.ts';
import type { RootConfig, ServeConfig, SignedType, UserConfig } from './config.ts';
import { checkFolderOrNothing, checkWritable, readTextFile } from './files.ts';
import { type ParsedConfig, parseConfig, placeOf } from './parse.ts';
import { ConfigError, Problems } from './problems.ts';
import { MAX_CONFIG_BYTES } from './yaml-tree.ts';

/** A configuration that was read with everything it names, ready to be served. Paths are absolute. */
export interface PreparedConfig {
  readonly file: string;
  /** Where each key stands in the file. */
  readonly places: ParsedConfig['places'];
  readonly config: ServeConfig;
  readonly state: string;
  readonly logFile: string | undefined;
  readonly accounting: AccountingOptions;
  /** Without the host keys where they are to be made in the state folder. */
  readonly settings: PreparedSettings;
}

/** Settings that lack what this room cannot make: who judges the content of a root. */
export interface PreparedSettings extends Omit<ServerSettings, 'roots'> {
  readonly roots: readonly PreparedRoot[];
}

export interface PreparedRoot extends Omit<RootOptions, 'accept'> {
  /** By which images the content is judged; undefined where anything will do. */
  readonly accept: SignedContent | undefined;
}

/** The images that a root takes. */
export interface SignedContent {
  /** The key storage: an absolute path. */
  readonly keys: string;
  /** Where its counters are: an absolute path; undefined: in it. */
  readonly nvram: string | undefined;
  readonly product: string | undefined;
  /** Undefined: all. */
  readonly types: readonly SignedType[] | undefined;
}

/** Longer banners and lists of keys are a mistake. Bytes. */
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_BANNER_BYTES = 64 * 1024;

/**
 * Reads the text of a configuration, and the files it names. Changes nothing on the disk.
 *
 * @param file where the text is from; relative paths begin at its folder
 * @param defaultState the state folder where the text names none
 * @throws {ConfigError} with everything that is wrong
 */
export async function prepareConfig(text: string, file: string, defaultState: string): Promise<PreparedConfig> {
  return await new Preparation(parseConfig(text, file), defaultState).run();
}

/** Reads a configuration file. @throws {ConfigError} {FileError} */
export async function readConfigFile(file: string): Promise<string> {
  return await readTextFile(file, MAX_CONFIG_BYTES);
}

/** A file or folder that no user should get at. */
interface OwnFile {
  readonly what: string;
  readonly path: string;
  /** It must not be read, let alone changed. */
  readonly isSecret: boolean;
}

class Preparation {
  readonly #parsed: ParsedConfig;
  readonly #config: ServeConfig;
  readonly #problems: Problems;
  readonly #defaultState: string;

  constructor(parsed: ParsedConfig, defaultState: string) {
    this.#parsed = parsed;
    this.#config = parsed.value;
    this.#problems = new Problems(parsed.file);
    this.#defaultState = defaultState;
  }

  async run(): Promise<PreparedConfig> {
    const { file, places } = this.#parsed;
    const config = this.#config;
    const state = config.state === undefined ? this.#defaultState : this.#path(config.state);
    await this.#checkRoots(state);
    await this.#checkRecords(state);
    const users = [...(await this.#users(config.users)), ...(await this.#usersFile(config.usersFile))];
    const banner =
      config.bannerFile === undefined
        ? config.banner
        : await this.#read('banner-file', config.bannerFile, MAX_BANNER_BYTES);
    const hostKeys =
      (await this.#attempt('host-keys', () => readHostKeys(config.hostKeys.map((path) => this.#path(path))))) ?? [];
    if (this.#problems.count > 0) throw new ConfigError(this.#problems.list());
    const { limits, durable, services, algorithms } = config;
    const legacyFrom = algorithms.legacy.from;
    const settings = {
      ...accessOptions(config, users),
      hostKeys,
      limits,
      durable,
      services,
      banner,
      legacyFrom,
      ...this.#files(),
    };
    const logFile = config.log.file === undefined ? undefined : this.#path(config.log.file);
    return { file, places, config, state, logFile, accounting: this.#accounting(state), settings };
  }

  #path(written: string): string {
    return resolve(dirname(this.#parsed.file), written);
  }

  #report(key: string, message: string): void {
    this.#problems.add(key, placeOf(this.#parsed.places, key), message);
  }

  /** What fails is a problem of this key. */
  async #attempt<T>(key: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SealiftError)) throw error;
      this.#report(key, error.cure === undefined ? error.message : `${error.message}; ${error.cure}`);
      return undefined;
    }
  }

  async #read(key: string, path: string, maxBytes: number): Promise<string | undefined> {
    return await this.#attempt(key, () => readTextFile(this.#path(path), maxBytes));
  }

  /** Each root is a folder, none holds what users must not fetch or change, and quotas can be kept. */
  async #checkRoots(state: string): Promise<void> {
    const { roots: list } = this.#config;
    const opened = await Promise.all(
      list.map(({ path }, index) => this.#attempt(`roots[${index}].path`, () => folder(this.#path(path)))),
    );
    for (const { what, path, isSecret } of this.#ownFiles(state)) {
      const real = await realPathOf(path);
      for (const [index, root] of opened.entries()) {
        // Records may be there to be collected, where nobody can change them.
        const matters = isSecret || list[index]?.mode !== 'read-only';
        if (matters && root !== undefined && isWithin(root, real))
          this.#report(
            `roots[${index}].path`,
            `${what} is inside this root, where users could ${isSecret ? 'fetch' : 'change'} it; keep it elsewhere`,
          );
      }
    }
    await this.#checkStorages();
    // What is missing is told already.
    const { roots } = this.#config;
    const folders = await Promise.all(roots.map(({ path }) => lookUp(this.#path(path)))).catch(() => undefined);
    const limits = roots.map((root) => ({ ...root, isChecked: root.accept === 'signed' }));
    const nested = folders === undefined ? undefined : (findNested(limits, folders) ?? findWayRound(limits, folders));
    if (nested !== undefined) this.#report(`roots[${nested.index}].path`, nested.reason);
  }

  /** No key storage lies where users could change it. */
  async #checkStorages(): Promise<void> {
    const { roots } = this.#config;
    const folders = [...roots.entries()].flatMap(([index, { keys, nvram }]) =>
      Object.entries({ keys, nvram }).map(([key, folder]) => ({ key: `roots[${index}].${key}`, folder })),
    );
    for (const { key, folder } of folders) {
      if (folder === undefined) continue;
      const store = await realpath(this.#path(folder)).catch(() => this.#path(folder));
      for (const { name, path, mode } of roots) {
        const root = await realpath(this.#path(path)).catch(() => undefined);
        if (root === undefined || mode === 'read-only' || !isWithin(root, store)) continue;
        this.#report(key, `the key storage is inside the root ${name}, where users could change it`);
      }
    }
  }

  /** What is written can be, as far as that can be told. */
  async #checkRecords(state: string): Promise<void> {
    await this.#attempt('state', () => checkFolderOrNothing(state));
    const { log, accounting } = this.#config;
    for (const [key, path] of [
      ['log.file', log.file],
      ['accounting.file', accounting.file],
    ] as const)
      if (path !== undefined) await this.#attempt(key, () => checkWritable(this.#path(path)));
  }

  /** What is the server's own. Keys of users are theirs. */
  #ownFiles(state: string): readonly OwnFile[] {
    const { hostKeys, usersFile, accounting, log } = this.#config;
    const named = (what: string, path: string | undefined, isSecret: boolean): OwnFile[] =>
      path === undefined ? [] : [{ what, path: this.#path(path), isSecret }];
    return [
      { what: 'the state folder with the host keys', path: state, isSecret: true },
      { what: 'this file', path: resolve(this.#parsed.file), isSecret: true },
      ...hostKeys.flatMap((path) => named(`the host key ${path}`, path, true)),
      ...named('the users file', usersFile, true),
      ...named('the file of accounting', accounting.file, false),
      ...named('the log', log.file, false),
    ];
  }

  /** The roots with their paths, and what each user sees of them. */
  #files(): Pick<PreparedSettings, 'roots' | 'viewFor' | 'processes'> {
    const { roots, users, workers } = this.#config;
    const views = new Map<string, RootsView>();
    for (const { name, roots: seen, home } of users)
      views.set(name, { home, ...(seen.length === 0 ? {} : { roots: seen }) });
    return {
      roots: roots.map((root) => this.#root(root)),
      viewFor: ({ user }) => views.get(user) ?? {},
      processes: workers,
    };
  }

  #root({ accept, keys, nvram, product, types, ...root }: RootConfig): PreparedRoot {
    const path = this.#path(root.path);
    if (accept !== 'signed') return { ...root, path, accept: undefined };
    // A configuration without keys has been refused by now.
    const storage = { keys: this.#path(keys ?? ''), nvram: nvram === undefined ? undefined : this.#path(nvram) };
    return { ...root, path, accept: { ...storage, product, types: types.length === 0 ? undefined : types } };
  }

  #accounting(state: string): AccountingOptions {
    const { file, syslog, facility } = this.#config.accounting;
    return {
      log: file === undefined ? join(state, 'accounting.jsonl') : this.#path(file),
      journals: join(state, 'journals'),
      syslog: syslog.map((server) => ({ ...server, facility })),
    };
  }

  async #users(users: readonly UserConfig[]): Promise<LocalUser[]> {
    const made: LocalUser[] = [];
    for (const [index, user] of users.entries()) {
      const key = `users[${index}]`;
      this.#checkKeys(user.authorizedKeys, (line) => `${key}.authorized-keys[${line - 1}]`);
      const file = user.authorizedKeysFile;
      const text =
        file === undefined ? undefined : await this.#read(`${key}.authorized-keys-file`, file, MAX_TEXT_BYTES);
      const lines = text?.split(/\r?\n/) ?? [];
      this.#checkKeys(lines, () => `${key}.authorized-keys-file`, true);
      const local = toLocalUser(user, [...user.authorizedKeys, ...lines]);
      await this.#checkUser(local, key);
      made.push(local);
    }
    return made;
  }

  /** A line that gives no key is an error: whoever wrote it counts on it. */
  #checkKeys(lines: readonly string[], keyOf: (line: number) => string, isFile = false): void {
    for (const { line, reason } of parseAuthorizedKeys(lines).rejected)
      this.#report(keyOf(line), isFile ? `line ${line}: ${reason}` : reason);
  }

  async #checkUser(user: LocalUser, key: string): Promise<void> {
    try {
      // Keys that cannot be used are told line by line.
      await prepareUser(user, () => {});
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      this.#report(key, error.message);
    }
  }

  async #usersFile(path: string | undefined): Promise<readonly LocalUser[]> {
    if (path === undefined) return [];
    const users = (await this.#attempt('users-file', () => loadUsersFile(this.#path(path)))) ?? [];
    const names = new Set(this.#config.users.map(({ name }) => name));
    for (const user of users) {
      if (names.has(user.name)) this.#report('users-file', `the configuration has a user ${user.name} too`);
      this.#checkKeys(user.authorizedKeys ?? [], () => 'users-file', true);
      // The types of a file's fields are checked where it is read, what they mean here.
      await this.#checkUser(user, 'users-file');
    }
    return users;
  }
}

/** The real path of a folder. @throws {FileError} */
async function folder(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isDirectory()) throw new FileError(path, 'open', 'ENOTDIR');
    return await realpath(path);
  } catch (cause) {
    const error = FileError.from(cause, path, 'open');
    if (error.code !== 'ENOENT') throw error;
    throw new FileError(path, 'open', 'ENOENT', {
      cause,
      cure: 'make the folder first: a name that is not there may be a wrong one',
    });
  }
}
