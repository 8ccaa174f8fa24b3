import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import type { SshEnvironment } from '../ssh/options.ts';

/**
 * What connections need to know of the process and its user: home, login name, search path, agent. With it a connection finds the same configuration, keys and known hosts as the user's own `ssh`.
 *
 * @example
 * const connection = await connectSsh({ host: 'depot.example' }, { environment: systemEnvironment() });
 */
export function systemEnvironment(): SshEnvironment {
  return {
    home: homedir(),
    ...account(),
    path: process.env['PATH'],
    agentSocket: process.env['SSH_AUTH_SOCK'],
    shell: process.env['SHELL'],
    hostname: hostname(),
    socketFolders: [...(process.env['XDG_RUNTIME_DIR'] ? [process.env['XDG_RUNTIME_DIR']] : []), tmpdir(), '/tmp'],
  };
}

/** Name and home of the user of this process; containers may have none for the number. */
function account(): Pick<SshEnvironment, 'user' | 'accountHome'> {
  try {
    const { username, homedir } = userInfo();
    return { user: username, accountHome: homedir };
  } catch {
    return { user: process.env['USER'] ?? process.env['LOGNAME'] ?? String(process.getuid?.() ?? 'user') };
  }
}
