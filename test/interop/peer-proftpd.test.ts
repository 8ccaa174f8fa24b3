import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeCopies, LINE_FEEDS, NOT_WITH_SCP, scpAt, silent } from '../support/peer-copies.ts';
import { startProftpd } from '../support/peer-proftpd.ts';
import type { PeerServer } from '../support/peer-server.ts';
import { describePeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

describePeer(['proftpd', 'proftpd-mod-sftp', 'ssh', 'ssh-keygen'], 'ProFTPD with mod_sftp', () => {
  let server: PeerServer;
  beforeAll(async () => {
    server = await startProftpd();
  });
  afterAll(async () => {
    await server?.stop();
  });
  describeCopies('by SFTP', () => server, []);
  describeCopies('with -O', () => server, ['-O'], {
    refusal: NOT_WITH_SCP,
    // As a source of scp, mod_sftp 1.1.1 sends no times of folders, to OpenSSH's scp neither.
    treeDifferences: (way) => (way === 'up' ? LINE_FEEDS : [/^(\.|deep\S*|empty folder|odd names|small\S*): time /]),
  });

  describe.each(['ssh', 'builtin'] as const)('by the transport %s', (transport) => {
    const scp = scpAt(() => server, [`--transport=${transport}`]);

    it('renames over what is there with --atomic', async () => {
      const dir = await tempDirectory();
      await mkdir(join(dir, 'to'));
      await writeFile(join(dir, 'f'), 'new');
      await writeFile(join(dir, 'to', 'f'), 'old');
      expect(await scp(['--atomic', join(dir, 'f'), `server:${dir}/to/f`])).toEqual(silent);
      expect(await readFile(join(dir, 'to', 'f'), 'utf8')).toBe('new');
      expect(await readdir(join(dir, 'to'))).toEqual(['f']);
    });

    it.each(['-s', '-O'])('starts in the home of who logs in, and expands patterns there, with %s', async (mode) => {
      const folder = `${transport}${mode}`;
      await mkdir(join(server.directory, 'home', folder));
      const dir = await tempDirectory();
      for (const name of ['a.txt', 'b.txt', 'c.bin']) await writeFile(join(dir, name), name);
      await mkdir(join(dir, 'back'));
      const up = await scp([mode, ...['a.txt', 'b.txt', 'c.bin'].map((name) => join(dir, name)), `server:${folder}/`]);
      expect(up).toEqual(silent);
      expect(await scp([mode, `server:${folder}/*.txt`, join(dir, 'back')])).toEqual(silent);
      expect((await readdir(join(dir, 'back'))).sort()).toEqual(['a.txt', 'b.txt']);
    });
  });
});
