import type { HostKey } from './host-keys.ts';
import type { RunningServer, ServerOptions } from './server.ts';

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
