import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { expandGlob, GlobBounds } from '../../files/glob.ts';
import { localFileSystem } from '../../files/local.ts';
import { loadKnownHosts } from '../../ssh/known-hosts/files.ts';

const SYSTEM_CONFIG = '/etc/ssh/ssh_config';
const SYSTEM_KNOWN_HOSTS = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];

/** As in ssh. */
const MAX_INCLUDE_DEPTH = 16;

/** So many configuration files are read, and none that is larger. */
const MAX_FILES = 256;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** What no name of a host has: patterns, negations, and what ssh refuses. */
const NO_HOST = /[*?!'`"$\\;&<>|(){}\s\p{Cc}]|^-|^$/u;

/** The names of hosts that the ssh configuration and the known_hosts files know, in order and each once. Hashed names cannot be read. Files that cannot be read have none. */
export async function configuredHosts(sshArgs: readonly string[]): Promise<string[]> {
  const files = new ConfigFiles(homedir());
  const named = configFileOf(sshArgs);
  if (named === undefined) {
    await files.read(join(homedir(), '.ssh', 'config'));
    await files.read(SYSTEM_CONFIG);
  } else if (named.toLowerCase() !== 'none') await files.read(named, join(homedir(), '.ssh'));
  const known = [...files.knownHosts, ...['known_hosts', 'known_hosts2'].map((name) => join(homedir(), '.ssh', name))];
  for (const file of [...known, ...SYSTEM_KNOWN_HOSTS]) for (const name of await knownNames(file)) files.add(name);
  return [...files.hosts].sort();
}

/** The value of `-F`; the last one counts, as in ssh. */
function configFileOf(sshArgs: readonly string[]): string | undefined {
  const at = sshArgs.lastIndexOf('-F');
  return at < 0 ? undefined : sshArgs[at + 1];
}

async function knownNames(file: string): Promise<string[]> {
  const entries = await loadKnownHosts([file]).catch(() => []);
  return entries
    .filter(({ marker, names }) => marker !== 'revoked' && !names.startsWith('|'))
    .flatMap(({ names }) => names.split(','))
    .map((name) => /^\[(.*)\](?::\d+)?$/.exec(name)?.[1] ?? name);
}

/** Reads configuration files for the names behind `Host`, whatever else they say. */
class ConfigFiles {
  readonly hosts = new Set<string>();
  /** Files that UserKnownHostsFile and GlobalKnownHostsFile name anywhere. */
  readonly knownHosts: string[] = [];
  readonly #home: string;
  #files = 0;

  constructor(home: string) {
    this.#home = home;
  }

  add(name: string): void {
    if (!NO_HOST.test(name)) this.hosts.add(name);
  }

  /** @param folder where relative Include paths start */
  async read(path: string, folder: string = dirname(path), depth = 0): Promise<void> {
    if (depth > MAX_INCLUDE_DEPTH || ++this.#files > MAX_FILES) return;
    for (const line of (await textOf(path)).split('\n')) {
      const [keyword = '', ...values] = words(line);
      switch (keyword.toLowerCase()) {
        case 'host':
          for (const name of values) this.add(name);
          break;
        case 'userknownhostsfile':
        case 'globalknownhostsfile':
          for (const name of values) this.knownHosts.push(this.#absolute(name, folder));
          break;
        case 'include':
          for (const pattern of values) {
            for (const file of await included(this.#absolute(pattern, folder)))
              await this.read(file, folder, depth + 1);
          }
      }
    }
  }

  #absolute(path: string, folder: string): string {
    if (path === '~' || path.startsWith('~/')) return join(this.#home, path.slice(1));
    return path.startsWith('/') ? path : join(folder, path);
  }
}

async function included(pattern: string): Promise<string[]> {
  return await expandGlob(localFileSystem(), pattern, { bounds: new GlobBounds(MAX_FILES) }).catch(() => []);
}

/** The text of an ordinary file. */
async function textOf(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    return size > MAX_FILE_BYTES ? '' : await readFile(path, 'utf8');
  } catch {
    return '';
  }
}

/** The words of a line of ssh_config: `Keyword value "quoted value"` or `Keyword=value`. */
function words(line: string): string[] {
  const bare = line.trim();
  if (bare.startsWith('#')) return [];
  const [, keyword = '', rest = ''] = /^([A-Za-z0-9]+)(?:\s*=\s*|\s+)(.*)$/.exec(bare) ?? [];
  return [keyword, ...(rest.match(/"[^"]*"|[^\s"]+/g) ?? []).map((word) => word.replaceAll('"', ''))];
}
