import type { RootedFileSystem } from '../files/rooted.ts';
import type { HostKey } from './host-keys.ts';
import type { ListenOn } from './listeners.ts';
import type { RunningServer, ServerOptions } from './server.ts';
import type { FileUser } from './settings.ts';

/*
 * The server for the library's index. It is loaded when it is first used: most programs only copy, and it brings ssh2 with it, which is most of what there is to load.
 */

/**
 * Starts an SSH server for secure copy and nothing else.
 *
 * @throws {FileError} where the root is no directory. {ConnectionError} where an address cannot be listened on. {TypeError} {RangeError} for options that make no sense.
 * @example
 * const { keys } = await loadHostKeys('/var/lib/drop/keys');
 * const server = await listen({ hostKeys: keys, users: [{ name: 'drop', password }], root: '/srv/drop', listen: [{ address: '127.0.0.1', port: 2222 }] });
 */
export async function listen(options: ServerOptions): Promise<RunningServer> {
  const server = await import('./server.ts');
  return await server.listen(options);
}

/** Settings of a server inside another program. Files come from one of `fileSystem`, `root` and `roots`. */
export interface CreateServerOptions extends Omit<ServerOptions, 'listen' | 'fileSystemFor'> {
  /** What is served: one file system for all, or one for each who has logged in. Rights hold besides: without rules everything for privilege 15, reading for 1 to 14. */
  readonly fileSystem?: RootedFileSystem | ((user: FileUser) => RootedFileSystem) | undefined;
}

/** A server that does not listen yet. */
export interface EmbeddedServer {
  /**
   * Begins to listen on every one of the addresses. Port 0 takes a free one.
   *
   * @throws as {@link listen}
   */
  listen(...addresses: readonly ListenOn[]): Promise<RunningServer>;
}

/**
 * A server for secure copy as a part of another program, which says who may log in, what they may do, which files there are and who is told.
 *
 * @example
 * const { keys } = await loadHostKeys('state');
 * const server = createServer({ hostKeys: keys, authenticate, authorize, fileSystem: rootedFileSystem('/srv/depot'), account });
 * const running = await server.listen({ address: '127.0.0.1', port: 2222 });
 * await running.close();
 */
export function createServer({ fileSystem, ...options }: CreateServerOptions): EmbeddedServer {
  const fileSystemFor = typeof fileSystem === 'object' ? () => fileSystem : fileSystem;
  return {
    listen: async (...addresses) => await listen({ ...options, fileSystemFor, listen: addresses }),
  };
}

/**
 * Reads the host keys of a state folder; those that are missing are made (ed25519, and RSA of 3,072 bits for old clients), so that a server keeps its identity from its first start on. The folder is made with mode 0700, the
 * files with 0600, in the format of OpenSSH.
 *
 * @returns the keys, and the files that were made
 * @throws {FileError} for a file that cannot be read or written, that others can read, or that holds no such key. It is never overwritten.
 */
export async function loadHostKeys(
  folder: string,
): Promise<{ readonly keys: readonly HostKey[]; readonly made: readonly string[] }> {
  const hostKeys = await import('./host-keys.ts');
  return await hostKeys.loadHostKeys(folder);
}
