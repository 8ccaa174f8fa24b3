import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeCopies, LINE_FEEDS, NOT_WITH_SCP, scpAt, silent } from '../support/peer-copies.ts';
import { startPythonServer } from '../support/peer-python.ts';
import type { PeerServer } from '../support/peer-server.ts';
import { describePeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

describePeer(['python3', 'python3-asyncssh', 'ssh', 'ssh-keygen'], 'a server of asyncssh', () => {
  let server: PeerServer;
  beforeAll(async () => {
    server = await startPythonServer('asyncssh');
  });
  afterAll(async () => {
    await server?.stop();
  });
  describeCopies('by SFTP', () => server, []);
  describeCopies('with -O', () => server, ['-O'], {
    refusal: NOT_WITH_SCP,
    // asyncssh 2.10 splits control records at blanks and so loses those in front of a name.
    withoutNames: /^ /,
    treeDifferences: (way) => (way === 'up' ? LINE_FEEDS : []),
  });

  it('a copy that went well is no failure, by the transport ssh', async () => {
    const dir = await tempDirectory();
    await writeFile(join(dir, 'f'), 'x');
    expect(await scpAt(() => server, ['--transport=ssh'])([join(dir, 'f'), `server:${dir}/g`])).toEqual(silent);
  });
});
