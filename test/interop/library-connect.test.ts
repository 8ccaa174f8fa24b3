import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect, connectSsh, copy, systemEnvironment } from '../../src/index.ts';
import { describePeer } from '../support/peers.ts';
import { freePort, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'connect() of the library', () => {
  let server: RunningSshd;
  let fingerprint: string;

  beforeAll(async () => {
    server = await startSshd();
    const { createHash } = await import('node:crypto');
    const blob = Buffer.from(server.hostPublicKeys[0]?.split(' ')[1] ?? '', 'base64');
    fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
  });
  afterAll(async () => {
    await server.stop();
  });

  for (const transport of ['ssh', 'builtin'] as const) {
    it(`refuses a host key that is not known, and asks nobody: ${transport}`, async () => {
      const client = await server.client({ knownHosts: [], config: ['StrictHostKeyChecking ask', 'BatchMode no'] });
      const attempt = connect({ host: client.alias, transport, sshArgs: ['-F', client.configFile] });
      await expect(attempt).rejects.toMatchObject({
        name: 'ConnectionError',
        code: 'ERR_HOST_KEY',
        phase: 'host key',
      });
      expect(await readFile(client.knownHostsFile, 'utf8')).toBe('');
    });

    it(`tells a refused login from a host that is not there: ${transport}`, async () => {
      const nobody = await server.client({ config: ['PubkeyAuthentication no'] });
      await expect(
        connect({ host: nobody.alias, transport, sshArgs: ['-F', nobody.configFile] }),
      ).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION', phase: 'authentication' });
      const client = await server.client();
      const port = await freePort();
      await expect(
        connect({ host: client.alias, port, transport, sshArgs: ['-F', client.configFile] }),
      ).rejects.toMatchObject({ code: 'ERR_CONNECT', phase: 'connect' });
    });

    it(`rejects with the reason of an abort: ${transport}`, async () => {
      const client = await server.client();
      const place = { host: client.alias, transport, sshArgs: ['-F', client.configFile] };
      const reason = new Error('changed my mind');
      await expect(connect({ ...place, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const abort = new AbortController();
      const connecting = connect({ ...place, signal: abort.signal });
      abort.abort(reason);
      await expect(connecting).rejects.toBe(reason);
      const later = new AbortController();
      const host = await connect({ ...place, signal: later.signal });
      later.abort(reason);
      await expect(host.stat('.')).rejects.toBe(reason);
      await host.close();
    });
  }

  it('takes credentials and pinned keys, and leaves known_hosts and ssh_config alone then', async () => {
    const privateKey = await readFile(server.identityFile, 'utf8');
    const { host: address, port, user } = server;
    const environment = { home: await tempDirectory() };
    const place = { host: address, port, user, privateKey, environment, sshArgs: ['-F', 'none'] };
    for (const pin of [fingerprint, server.hostPublicKeys[0] as string]) {
      await using host = await connect({ ...place, hostKeys: [pin] });
      expect(host.protocol).toBe('sftp');
    }
    await expect(connect({ ...place, hostKeys: [`SHA256:${'A'.repeat(43)}`] })).rejects.toMatchObject({
      code: 'ERR_HOST_KEY',
    });
    await expect(
      connect({ ...place, hostKeys: [fingerprint], privateKey: undefined, password: 'wrong' }),
    ).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
  });

  it('holds each place of a copy to its own pins and credentials', async () => {
    const dir = await tempDirectory();
    const [from, to] = [join(dir, 'from'), join(dir, 'to')];
    await writeFile(from, 'x');
    const privateKey = await readFile(server.identityFile, 'utf8');
    const { host: address, port, user } = server;
    const environment = { home: dir };
    const place = { host: address, port, user, privateKey, environment, sshArgs: ['-F', 'none'] };
    const good = { ...place, hostKeys: [fingerprint] };
    const wrongPin = { ...place, hostKeys: [`SHA256:${'A'.repeat(43)}`] };
    const wrongPassword = { ...good, privateKey: undefined, password: 'wrong' };
    await expect(copy({ ...good, path: from }, { ...wrongPin, path: to })).rejects.toMatchObject({
      code: 'ERR_HOST_KEY',
    });
    await expect(copy({ ...good, path: from }, { ...wrongPassword, path: to })).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
    });
    const mixed = copy(
      [
        { ...good, path: from },
        { ...wrongPin, path: from },
      ],
      dir,
    );
    await expect(mixed).rejects.toThrow('the same host with the same options');
    expect(await copy({ ...good, path: from }, { ...good, path: to })).toMatchObject({ files: 1 });
  });

  it('finds ssh_config and known_hosts in the home of the environment', async () => {
    const client = await server.client();
    const home = await tempDirectory();
    const { mkdir } = await import('node:fs/promises');
    await mkdir(join(home, '.ssh'), { mode: 0o700 });
    await writeFile(join(home, '.ssh', 'config'), await readFile(client.configFile), { mode: 0o600 });
    // Without a program on the path the files are read here.
    await using host = await connect({ host: client.alias, environment: { home, path: '' } });
    expect(await host.exists('.')).toBe(true);
  });

  it('passes on what the server says, line by line and made printable', async () => {
    const banner = join(await tempDirectory(), 'banner');
    await writeFile(banner, 'hello\n\u001b[31mred\n');
    await using loud = await startSshd({ config: [`Banner ${banner}`] });
    const client = await loud.client();
    const lines: string[] = [];
    await using _host = await connect({
      host: client.alias,
      transport: 'ssh',
      sshArgs: ['-F', client.configFile],
      onStderr: (line) => lines.push(line),
    });
    expect(lines).toEqual(expect.arrayContaining(['hello', '\\033[31mred']));
  });

  it('still gives a bare connection where both arguments are given', async () => {
    const client = await server.client();
    const options = { environment: systemEnvironment(), args: ['-F', client.configFile] };
    for (const open of [connect, connectSsh]) {
      const connection = await open({ host: client.alias }, options);
      const channel = await connection.exec('exit 3');
      channel.input.resume();
      channel.stderr.resume();
      expect((await channel.exit).code).toBe(3);
      await connection.close();
    }
  });
});
