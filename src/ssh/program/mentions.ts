import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { matchPattern } from '../../base/patterns.ts';
import { parseSshArguments } from '../config/arguments.ts';
import { expandHome } from '../config/tokens.ts';
import { splitWords } from '../config/values.ts';

/** The system's own program, which reads the system's configuration; any other may have been built to read another one, or be a script that adds words. */
const SYSTEM_PROGRAMS: readonly string[] = ['/usr/bin/ssh', '/bin/ssh'];
const SYSTEM_CONFIG = '/etc/ssh/ssh_config';

/** A configuration of more files, or of larger ones, is left to the program. */
const MAX_FILES = 64;
const MAX_FILE_CHARACTERS = 256 * 1024;

/** A path that needs more than `~`, and `*` and `?` in its last component, to become the names of files. */
const HARD_PATH = /[~$%{}[\]\\]|[*?].*\//;

/** Where the program's configuration is. */
export interface ConfigPlaces {
  /** Path of the `ssh` program. */
  readonly program: string;
  /** Option words of ssh in the user's order. */
  readonly args: readonly string[];
  /** The home directory by the account, which is where `ssh` looks, whatever HOME says. Absent: not known. */
  readonly accountHome?: string | undefined;
}

/**
 * Whether the option words, or a line of the files that the `ssh` program reads, can hold what a pattern looks for; lines for other hosts count too. It takes the reading of a few small files, where `ssh -G` takes a program.
 *
 * @returns true also where it is not sure which files these are. Never rejects
 */
export async function mayMention(pattern: RegExp, { program, args, accountHome }: ConfigPlaces): Promise<boolean> {
  const { values, unknown, configFile } = parseSshArguments(args);
  if (unknown.length > 0 || args.filter((word) => /^-(?!o)\w*F/.test(word)).length > 1) return true;
  if (values.some(([keyword]) => keyword === 'include' || pattern.test(keyword))) return true;
  if (!SYSTEM_PROGRAMS.includes(program) || accountHome === undefined) return true;
  const search = new Search(pattern, accountHome);
  const userFolder = join(accountHome, '.ssh');
  try {
    if (configFile?.toLowerCase() === 'none') return false;
    if (configFile !== undefined) {
      await access(configFile);
      return await search.finds(configFile, userFolder);
    }
    await access(SYSTEM_CONFIG);
    const found = [search.finds(join(userFolder, 'config'), userFolder), search.finds(SYSTEM_CONFIG, '/etc/ssh')];
    return (await Promise.all(found)).includes(true);
  } catch {
    return true;
  }
}

class Search {
  readonly #pattern: RegExp;
  readonly #home: string;
  #files = 0;

  constructor(pattern: RegExp, home: string) {
    this.#pattern = pattern;
    this.#home = home;
  }

  /** @param folder where relative Include paths start @throws Error where a file cannot be read */
  async finds(file: string, folder: string): Promise<boolean> {
    // Files that include each other end here too.
    if (++this.#files > MAX_FILES) return true;
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    if (text.length > MAX_FILE_CHARACTERS) return true;
    const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
    if (lines.some((line) => this.#pattern.test(line))) return true;
    for (const line of lines.filter((one) => /^\s*"?include/i.test(one))) {
      const value = /^\s*include(?:\s*=\s*|\s+)([^#]+)$/i.exec(line)?.[1];
      if (value === undefined) return true;
      for (const path of splitWords(value)) if (await this.#findsIncluded(path, folder)) return true;
    }
    return false;
  }

  async #findsIncluded(path: string, folder: string): Promise<boolean> {
    const expanded = expandHome(path, this.#home);
    if (HARD_PATH.test(expanded)) return true;
    const full = expanded.startsWith('/') ? expanded : join(folder, expanded);
    const last = full.slice(full.lastIndexOf('/') + 1);
    if (!/[*?]/.test(last)) return await this.finds(full, folder);
    const names = await readdir(dirname(full)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    for (const name of names.filter((one) => matchPattern(one, last)))
      if (await this.finds(join(dirname(full), name), folder)) return true;
    return false;
  }
}
