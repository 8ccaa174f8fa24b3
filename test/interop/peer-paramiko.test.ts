import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeCopies, scpAt, silent } from '../support/peer-copies.ts';
import { startPythonServer } from '../support/peer-python.ts';
import type { PeerServer } from '../support/peer-server.ts';
import { describePeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

describePeer(['python3', 'python3-paramiko', 'ssh', 'ssh-keygen'], 'a server of paramiko', () => {
  let server: PeerServer;
  beforeAll(async () => {
    server = await startPythonServer('paramiko');
  });
  afterAll(async () => {
    await server?.stop();
  });
  describeCopies('by SFTP', () => server, [], {
    // paramiko 2.12 takes names for UTF-8 and answers others with a failure.
    withoutNames: /caf\xe9\.txt/,
  });

  it('a copy that went well is no failure, by the transport ssh', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'x');
    expect(await scpAt(() => server, ['--transport=ssh'])([join(dir, 'f'), `server:${dir}/g`])).toEqual(silent);
  });
});
