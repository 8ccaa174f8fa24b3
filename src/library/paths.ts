import { fileURLToPath } from 'node:url';
import { FileError } from '../base/errors.ts';
import { shellQuote } from '../copy/shell-quote.ts';

/** A path of this machine, or a `file:` URL. */
export type LocalPath = string | URL;

/** Checks a path of this machine. @throws {FileError} `EINVAL` for one that no system takes. */
export function localPath(path: LocalPath): string {
  return checked(path instanceof URL ? fileURLToPath(path) : path);
}

/**
 * A path of a host as it is asked for. Nothing in it is special but `~` alone and `~/` at its start, which stand for the directory where the host starts; so names from a listing mean themselves.
 *
 * @param options.glob patterns and `~user` are to be expanded: the path stays as it is
 * @throws {FileError} `EINVAL` for a path that no system takes.
 */
export function remotePath(path: string, options: { readonly glob?: boolean | undefined } = {}): string {
  checked(path);
  if (options.glob === true || !path.startsWith('~')) return path;
  if (path !== '~' && !path.startsWith('~/')) return `./${path}`;
  const below = path.slice(2).replace(/^\/+/, '');
  return below.startsWith('~') ? `./${below}` : below || '.';
}

function checked(path: string): string {
  if (typeof path !== 'string') throw new TypeError('a path must be a string');
  if (path === '') throw new FileError("''", 'open', 'ENOENT');
  if (path.includes('\0')) throw new FileError(path, 'open', 'EINVAL');
  return path;
}

/** A path for the shell that runs the other side's `scp`: it means itself there, whatever is in it. zsh expands `=name`, fish `%name`. */
export function scpPath(path: string, options: { readonly patterns: boolean }): string {
  return shellQuote(/^[=%]/.test(path) ? `./${path}` : path, options);
}

/** How messages name a path of a host. */
export function shownRemote(host: string, path: string): string {
  return `${host.includes(':') ? `[${host}]` : host}:${path}`;
}
