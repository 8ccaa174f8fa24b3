import { FileError } from '../base/errors.ts';
import type { FileSystem } from '../files/file-system.ts';
import { SftpDirectory, type SftpDirectoryOptions } from './directory.ts';
import type { FurtherSessions } from './lanes.ts';
import { named } from './named.ts';
import type { SftpSession } from './session.ts';

/** As many users' `~user` are remembered. */
const MAX_REMEMBERED_USERS = 64;

export interface SftpFileSystemOptions {
  /** How messages name a path of the server: the command line passes `host:path`. Default: the path itself. */
  readonly shown?: ((path: string) => string) | undefined;
  /** The session for the next file that is opened, where there are several on the same server. Default: always the one. */
  readonly sessionForFile?: (() => SftpSession) | undefined;
  /** Further sessions on the same server, for the content of one large file. Default: there are none. */
  readonly further?: FurtherSessions | undefined;
  /** Puts off an abort of the session until the returned function is called. Default: it comes when it comes. */
  readonly hold?: (() => () => void) | undefined;
  /** The SHA-256 of the file at an absolute path by other means than SFTP, for servers without the check-file extension; `seen` is what SFTP says is there. */
  readonly digest?: SftpDirectoryOptions['digest'];
}

/** The files of a server. */
export interface SftpFileSystem extends FileSystem {
  /**
   * The directory at `path`. Nothing is asked of the server (except for `~user`): what does not exist shows at the first use. `.` is the start directory.
   * `~` and `~/x` are relative to the start directory; `~user/x` is expanded by the server.
   *
   * @throws {FileError} `ENOTSUP` for `~user` where the server has no expand-path@openssh.com.
   */
  directory(path: string): Promise<SftpDirectory>;
  /** What `~`, `~/x`, `~user` and `~user/x` stand for; every other path comes back as it is. The answer is literal: it is no pattern, and no name for anything here. */
  expand(path: string): Promise<string>;
  /** Content of so many bytes is going to be read or written here: what takes time to be ready may begin. */
  expect(bytes: number): void;
}

/** The files of a server as a FileSystem. */
export function sftpFileSystem(session: SftpSession, options: SftpFileSystemOptions = {}): SftpFileSystem {
  const shown = options.shown ?? ((path: string): string => path);
  const homes = new Map<string, string>();

  const homeOf = async (user: string, path: string): Promise<string> => {
    const known = homes.get(user);
    if (known !== undefined) return known;
    if (!session.has('expand-path@openssh.com')) {
      const reason = 'server expand-path extension is required for ~user paths in SFTP mode';
      throw new FileError(shown(path), 'expand', 'ENOTSUP', { reason });
    }
    const home = await named(shown(path), 'expand', session.extensions.expandPath(user));
    if (homes.size < MAX_REMEMBERED_USERS) homes.set(user, home);
    return home;
  };

  const expand = async (path: string): Promise<string> => {
    if (!path.startsWith('~')) return path;
    const cut = path.indexOf('/');
    const user = cut < 0 ? path : path.slice(0, cut);
    const rest = cut < 0 ? '' : path.slice(cut).replace(/^\/+/, '');
    if (user === '~') return rest === '' ? '.' : rest.startsWith('~') ? `./${rest}` : rest;
    const home = await homeOf(user, path);
    return rest === '' ? home : `${home.replace(/\/+$/, '')}/${rest}`;
  };

  const directory = async (path: string): Promise<SftpDirectory> =>
    new SftpDirectory(session, path === '' ? '.' : await expand(path), path === '' ? '.' : path, {
      shown,
      digest: options.digest,
      hold: options.hold,
      sessionForFile: options.sessionForFile,
      further: options.further,
    });

  const resolve = async (path: string): Promise<string> =>
    await named(shown(path), 'realpath', session.realpath(path === '' ? '.' : await expand(path)));

  const expect = (bytes: number): void => options.further?.expect(bytes);

  return { shown, directory, expand, resolve, expect };
}
