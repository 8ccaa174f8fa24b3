import { fileURLToPath } from 'node:url';
import { startPeerProcess } from './peer-process.ts';
import { type PeerServer, startPeerServer } from './peer-server.ts';
import { needsPeer } from './peers.ts';

/** The script of this folder with this name. */
export function pythonScript(name: string): string {
  return fileURLToPath(new URL(`${name}.py`, import.meta.url));
}

/** Starts an SSH server that is written with a Python library: see peer-paramiko-server.py and peer-asyncssh-server.py. */
export async function startPythonServer(
  library: 'paramiko' | 'asyncssh',
  options: { readonly args?: readonly string[] } = {},
): Promise<PeerServer> {
  return await startPeerServer(library, ({ home, hostKeyFile, identityFile }) =>
    startPeerProcess(
      needsPeer('python3'),
      (port) => [
        pythonScript(`peer-${library}-server`),
        String(port),
        hostKeyFile,
        `${identityFile}.pub`,
        ...(options.args ?? []),
      ],
      { cwd: home, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } },
    ),
  );
}
