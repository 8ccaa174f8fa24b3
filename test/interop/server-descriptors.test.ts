import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2, { type ClientChannel } from 'ssh2';
import { expect, it, onTestFinished } from 'vitest';
import { SftpSession } from '../../src/sftp/session.ts';
import { ConfiguredServer } from '../support/configured-server.ts';
import { describePeer } from '../support/peers.ts';
import { sealiftLauncher } from '../support/sealift.ts';

/** An SFTP session of somebody who logs in on a connection of their own. */
async function openSftp(server: ConfiguredServer, username: string): Promise<SftpSession> {
  const client = new ssh2.Client();
  onTestFinished(() => void client.end());
  const privateKey = await readFile(join(server.folder, 'key'));
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    client.on('error', reject).once('ready', () => {
      client.subsys('sftp', (error, opened) => (error === undefined ? resolve(opened) : reject(error)));
    });
    client.connect({ host: '127.0.0.1', port: server.port, username, privateKey });
  });
  return await SftpSession.open({ input: channel, output: channel }, { host: 'server' });
}

describePeer(['scp'], 'a server that may have few descriptors', () => {
  it('serves others, and tells how it is, while somebody opens whatever can be opened', async () => {
    const server = await ConfiguredServer.create();
    await server.start(['sh', '-c', 'ulimit -n 300; exec "$0" "$@"', process.execPath, sealiftLauncher]);
    expect((await server.logged('warning'))[0]?.message).toContain(
      '300 open files are allowed to this process: 100 of 1000 connections are let in; set LimitNOFILE=2100',
    );
    const greedy = await Promise.all(Array.from({ length: 8 }, () => openSftp(server, 'alice')));
    const asked = await Promise.allSettled(
      greedy.flatMap((sftp, i) => Array.from({ length: 40 }, (_, j) => sftp.open(`/f${i}-${j}`, 2 | 8 | 16))),
    );
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(16);
    expect(asked.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { message: expect.stringMatching(/16 handles of this (user|connection) are open, more are not allowed/) },
    });
    expect(await server.scp('bob', server.config, 'b')).toMatchObject({ status: 0 });
    expect((await server.ask('status')).stdout).toContain('connections    8, 8 logged in');
  });
});
