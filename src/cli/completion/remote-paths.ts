import { FileError } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import { printable } from '../../base/printable.ts';
import type { RemoteLocation } from '../../copy/location.ts';
import { openSftp, type SftpLink } from '../../copy/sftp-open.ts';
import { shellQuote } from '../../copy/shell-quote.ts';
import type { Directory, DirectoryEntry } from '../../files/file-system.ts';
import { Connections } from '../scp/connections.ts';
import type { ScpOptions } from '../scp/options.ts';

/** A person who pressed TAB waits. SEALIFT_COMPLETION_TIMEOUT says how long, in seconds. */
const DEFAULT_TIMEOUT_SECONDS = 3;
const MAX_TIMEOUT_SECONDS = 60;

/** So many names are taken, and so many are looked at. */
const MAX_NAMES = 1000;
const MAX_LOOKED_AT = 20_000;

/** As many links are looked at to see whether they lead to directories. */
const MAX_LINKS = 100;

/** Options that come before those of the person: nothing is asked, no host key is learned. */
const QUIET = ['-oBatchMode=yes', '-oStrictHostKeyChecking=yes', '-oConnectionAttempts=1'];

/**
 * The paths on a host that go on from what was typed, as whole words: directories end in a slash. What fails, asks or takes too long gives none.
 *
 * @param word what was typed
 * @param location the same, understood; its path is empty where none was typed
 */
export async function remotePaths(word: string, location: RemoteLocation, options: ScpOptions): Promise<string[]> {
  // These programs are started when the person says so, which is not yet.
  if (options.sshProgram !== undefined || options.sftpProgram !== undefined) return [];
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutSeconds() * 1000);
  const { signal } = controller;
  const asked = { ...options, batchMode: true, sshArgs: [...QUIET, ...options.sshArgs] };
  const connections = new Connections(asked, { log: silentLog, signal });
  try {
    const connection = await connections.get(location);
    const link = await openSftp(connection, { host: location.host, signal, onStderr: () => undefined });
    const head = word.slice(0, word.length - location.path.length);
    const paths = await list(link, location.path);
    // With -O a shell there reads the path: one that means something to it would have to be quoted twice.
    const plain =
      options.protocol === 'scp' ? paths.filter((path) => shellQuote(path, { patterns: false }) === path) : paths;
    return plain.map((path) => head + path);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
    controller.abort();
    await connections.close();
  }
}

function timeoutSeconds(): number {
  const seconds = Number(process.env['SEALIFT_COMPLETION_TIMEOUT'] ?? Number.NaN);
  return seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS ? seconds : DEFAULT_TIMEOUT_SECONDS;
}

/** The paths that begin with this one, up to the next slash. */
async function list(link: SftpLink, path: string): Promise<string[]> {
  const cut = path.lastIndexOf('/') + 1;
  const [folder, begin] = [path.slice(0, cut), path.slice(cut)];
  const directory = await link.files.directory(folder === '' ? '.' : folder);
  const found: DirectoryEntry[] = [];
  let looked = 0;
  for await (const entry of directory.entries?.() ?? []) {
    if (++looked > MAX_LOOKED_AT || found.length >= MAX_NAMES) break;
    const hidden = entry.name.startsWith('.') && !begin.startsWith('.');
    // What a terminal must not see is not offered.
    if (!hidden && entry.name.startsWith(begin) && printable(entry.name) === entry.name) found.push(entry);
  }
  const isDirectory = await directories(directory, found);
  return found.map((entry, at) => `${folder}${entry.name}${isDirectory[at] === true ? '/' : ''}`).sort();
}

async function directories(directory: Directory, entries: readonly DirectoryEntry[]): Promise<boolean[]> {
  let links = 0;
  return await Promise.all(
    entries.map(async ({ name, status }) => {
      if (status !== undefined && status.kind !== 'symlink') return status.kind === 'directory';
      if (++links > MAX_LINKS) return false;
      const behind = await directory.status(name, { follow: true }).catch((error: unknown) => {
        if (error instanceof FileError) return undefined;
        throw error;
      });
      return behind?.kind === 'directory';
    }),
  );
}
