import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { AccountingRecord } from '../../src/aaa/accounting/record.ts';
import type { ServerOptions } from '../../src/server/server.ts';
import { PASSWORD, type PeerServer, silent, startPeerServer } from '../server/peer-clients.ts';
import { describePeer } from '../support/peers.ts';

/** OpenSSH tries the key first, then asks for the password. */
const both = ['-o', 'PubkeyAuthentication=yes', '-o', 'PreferredAuthentications=publickey,password'];

async function withServer(
  more: (publicKey: string) => Partial<ServerOptions>,
  work: (peer: PeerServer, file: string) => Promise<void>,
): Promise<void> {
  await using peer = await startPeerServer({}, more);
  const file = join(peer.local, 'f');
  await writeFile(file, 'content');
  await work(peer, file);
}

describePeer(['scp', 'ssh', 'ssh-keygen'], "logins of OpenSSH's clients", () => {
  it('a key and the password are both needed where both are asked for', async () => {
    const chained = (publicKey: string): Partial<ServerOptions> => ({
      users: [
        {
          name: 'alice',
          password: PASSWORD,
          authorizedKeys: [publicKey],
          authenticationMethods: ['publickey,password'],
        },
      ],
    });
    await withServer(chained, async (peer, file) => {
      expect(await peer.scp(file, 'v4:f')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('Permission denied (password,keyboard-interactive)'),
      });
      expect(await peer.scpWithPassword(PASSWORD, file, 'pw:f')).toMatchObject({ status: 1 });
      expect(await peer.scpWithPassword('wrong', ...both, file, 'pw:f')).toMatchObject({ status: 1 });
      expect(await peer.scpWithPassword(PASSWORD, ...both, file, 'pw:f')).toEqual(silent);
      const interactive = ['-o', 'PreferredAuthentications=publickey,keyboard-interactive'];
      expect(await peer.scpWithPassword(PASSWORD, both[0] ?? '', both[1] ?? '', ...interactive, file, 'pw:g')).toEqual(
        silent,
      );
      expect(await readFile(join(peer.root, 'f'), 'utf8')).toBe('content');
    });
  });

  it('from= and expiry-time= in authorized keys are obeyed, for IPv4 and IPv6', async () => {
    const cases = [
      ['from="127.0.0.0/8"', 0, 1],
      ['from="::1,!127.0.0.1"', 1, 0],
      ['from="127.0.0.?,expired.example"', 0, 1],
      ['from="*",expiry-time="20990101Z",restrict', 0, 0],
      ['expiry-time="20200101"', 1, 1],
    ] as const;
    const users = (publicKey: string): Partial<ServerOptions> => ({
      users: cases.map(([options], index) => ({ name: `u${index}`, authorizedKeys: [`${options} ${publicKey}`] })),
      loginGuard: { penalties: false },
    });
    await withServer(users, async (peer, file) => {
      for (const [index, [options, v4, v6]] of cases.entries()) {
        const statuses = [];
        for (const host of ['v4', 'v6']) statuses.push((await peer.scp(file, `u${index}@${host}:f`)).status);
        expect([options, ...statuses]).toEqual([options, v4, v6]);
      }
    });
  });

  it('a source that fails too often is turned away, another one is not', async () => {
    const loginGuard = { penalties: { free: 2, firstSeconds: 300 } };
    await withServer(
      () => ({ loginGuard }),
      async (peer, file) => {
        for (let i = 0; i < 3; i++) expect((await peer.scpWithPassword('wrong', file, 'pw:f')).status).toBe(1);
        expect(await peer.scpWithPassword(PASSWORD, file, 'pw:f')).toMatchObject({ status: 1 });
        expect(peer.events.some(({ type }) => type === 'connection-refused')).toBe(true);
        expect(await peer.scp(file, 'v6:f')).toEqual(silent);
      },
    );
  });

  it('what a user may not do is told in the words of Cisco IOS', async () => {
    const users = (publicKey: string): Partial<ServerOptions> => ({
      users: [{ name: 'alice', authorizedKeys: [publicKey], privilege: 1 }],
    });
    await withServer(users, async (peer, file) => {
      await writeFile(join(peer.root, 'there'), 'x');
      expect(await peer.scp(file, 'v4:f')).toMatchObject({ status: 1, stderr: 'Privilege denied.\n' });
      expect(await peer.scp('v4:there', peer.local)).toEqual(silent);
    });
    await withServer(
      () => ({ services: { scp: false } }),
      async (peer, file) => {
        expect(await peer.scp(file, 'v4:f')).toMatchObject({ status: 1, stderr: 'Administratively disabled.\n' });
      },
    );
  });

  it('a copy is accounted for', async () => {
    const records: AccountingRecord[] = [];
    await withServer(
      () => ({ account: (record) => records.push(record) }),
      async (peer, file) => {
        const big = join(peer.local, 'big');
        const content = Buffer.alloc(3_000_000, 'x');
        await writeFile(big, content);
        expect(await peer.scp(file, big, 'v6:')).toEqual(silent);
        await vi.waitFor(() => expect(records.at(-1)).toMatchObject({ kind: 'session', record: 'stop' }), {
          timeout: 20_000,
        });
        const digest = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
        expect(records.filter(({ kind, record }) => kind === 'transfer' && record === 'stop')).toMatchObject([
          { path: '/f', bytes: 7, sha256: digest('content'), status: 'complete', address: '::1', method: 'publickey' },
          { path: '/big', bytes: 3_000_000, sha256: digest(content), status: 'complete' },
        ]);
      },
    );
  });
});
