import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/ssh/connect.ts';
import type { ConnectOptions } from '../../src/ssh/options.ts';
import { scriptedPrompter } from '../ssh/scripted-prompter.ts';
import { finish } from '../ssh/streams.ts';
import { describePeer, itPeer } from '../support/peers.ts';
import { generateKey, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

const run = promisify(execFile);

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'logging in to a real sshd with the built-in transport', () => {
  let server: RunningSshd;

  beforeAll(async () => {
    server = await startSshd();
  });
  afterAll(() => server.stop());

  interface Attempt extends Partial<ConnectOptions> {
    readonly config?: readonly string[];
    readonly identity?: string;
    readonly agentSocket?: string;
    readonly server?: RunningSshd;
  }

  async function attempt({ config = [], identity, agentSocket, server: other, ...options }: Attempt = {}) {
    const to = other ?? server;
    const own = identity === undefined ? [] : [`IdentityFile ${identity}`];
    const files = await to.client({ config: [...config, 'BatchMode no'] });
    if (identity !== undefined) {
      const text = await readFile(files.configFile, 'utf8');
      await writeFile(files.configFile, text.replace(/^IdentityFile .*$/m, own[0]!));
    }
    const environment = { home: '/nonexistent', user: 'nobody', path: process.env['PATH'], agentSocket };
    return await connect(
      { host: files.alias },
      { transport: 'builtin', environment, args: ['-F', files.configFile], ...options },
    ).then(
      async (connection) => {
        const { out } = await finish(await connection.exec('echo in'));
        await connection.close();
        return out;
      },
      (error: Error) => error,
    );
  }

  async function authorize(type: 'ed25519' | 'ecdsa' | 'rsa', passphrase: string) {
    const file = join(await tempDirectory(), 'key');
    const key = await generateKey(file, type, passphrase);
    await writeFile(join(server.directory, 'authorized_keys'), `${key}\n`, { flag: 'a' });
    return file;
  }

  it.each(['ed25519', 'ecdsa', 'rsa'] as const)(
    'takes an encrypted %s key after asking for its passphrase',
    async (type) => {
      const identity = await authorize(type, 'open sesame');
      const prompter = scriptedPrompter('wrong', 'open sesame');
      expect(await attempt({ identity, prompter })).toBe('in\n');
      expect(prompter.questions).toHaveLength(2);
      expect(prompter.questions[0]).toContain(identity);
    },
  );

  it('gives up a key after three wrong passphrases', async () => {
    const identity = await authorize('ed25519', 'secret');
    const prompter = scriptedPrompter('a', 'b', 'c', 'secret');
    expect(await attempt({ identity, prompter })).toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(prompter.questions).toHaveLength(3);
  });

  it('does not ask for the passphrase of a key that the server refuses', async () => {
    const identity = join(await tempDirectory(), 'key');
    await generateKey(identity, 'ed25519', 'secret');
    const prompter = scriptedPrompter('secret');
    const error = await attempt({ identity, prompter });
    expect(error).toMatchObject({ code: 'ERR_AUTHENTICATION', message: expect.stringContaining('publickey') });
    expect(prompter.questions).toEqual([]);
  });

  it('passes over a private key that others can read', async () => {
    const identity = join(await tempDirectory(), 'key');
    await copyFile(server.identityFile, identity);
    await chmod(identity, 0o644);
    const prompter = scriptedPrompter();
    expect(await attempt({ identity, prompter })).toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(prompter.told.join('\n')).toContain('0644');
  });

  it('takes a handed-in key and nothing of the user', async () => {
    const key = await readFile(server.identityFile);
    expect(await attempt({ identity: '/nonexistent', credentials: { privateKeys: [{ key }] } })).toBe('in\n');
    expect(await attempt({ credentials: {} })).toMatchObject({ code: 'ERR_AUTHENTICATION' });
  });

  it('says which handed-in key cannot be used', async () => {
    const credentials = { privateKeys: [{ key: 'nonsense' }] };
    expect(await attempt({ credentials })).toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('private key 1'),
    });
  });

  itPeer(
    ['puttygen'],
    'takes a PuTTY key',
    async () => {
      const directory = await tempDirectory();
      const identity = join(directory, 'key.ppk');
      await writeFile(join(directory, 'pw'), 'secret');
      await run('puttygen', [
        server.identityFile,
        '-O',
        'private',
        '-o',
        identity,
        '--new-passphrase',
        join(directory, 'pw'),
      ]);
      const prompter = scriptedPrompter('wrong', 'secret');
      expect(await attempt({ identity, prompter })).toBe('in\n');
    },
    30_000,
  );

  itPeer(
    ['ssh-agent', 'ssh-add'],
    'takes keys of an agent, but under IdentitiesOnly only those that are named',
    async () => {
      const directory = await tempDirectory();
      const agentSocket = join(directory, 'agent');
      const agent = spawn('ssh-agent', ['-D', '-a', agentSocket], { stdio: ['ignore', 'pipe', 'ignore'] });
      onTestFinished(async () => {
        agent.kill();
        if (agent.exitCode === null && agent.signalCode === null) await once(agent, 'exit');
      });
      await once(agent.stdout, 'data');
      await access(agentSocket);
      const env = { ...process.env, SSH_AUTH_SOCK: agentSocket };
      await run('ssh-add', ['-q', server.identityFile], { env });
      const agentOn = [`IdentityAgent ${agentSocket}`];
      expect(await attempt({ identity: '/nonexistent', config: [...agentOn, 'IdentitiesOnly no'] })).toBe('in\n');
      expect(await attempt({ identity: '/nonexistent', config: agentOn })).toMatchObject({
        code: 'ERR_AUTHENTICATION',
      });
      // Only the public half is here; the agent has the rest.
      const named = join(directory, 'named.pub');
      await copyFile(`${server.identityFile}.pub`, named);
      expect(await attempt({ identity: named, config: agentOn })).toBe('in\n');
      expect(await attempt({ credentials: { agent: agentSocket } })).toBe('in\n');
    },
  );

  it('goes on when the agent is not there', async () => {
    expect(await attempt({ config: ['IdentityAgent /nonexistent/agent', 'IdentitiesOnly no'] })).toBe('in\n');
  });

  it('gives two keys to a server that wants two', async () => {
    const second = join(await tempDirectory(), 'second');
    const key = await generateKey(second, 'ed25519');
    const strict = await startSshd({ config: ['AuthenticationMethods publickey,publickey'], authorizedKeys: [key] });
    onTestFinished(strict.stop);
    expect(await attempt({ server: strict, config: [`IdentityFile ${second}`] })).toBe('in\n');
    expect(await attempt({ server: strict })).toMatchObject({ code: 'ERR_AUTHENTICATION' });
  });

  it('jumps through another host, whose key is checked too', async () => {
    const hop = await startSshd();
    onTestFinished(hop.stop);
    const files = await server.client();
    const hopFiles = await hop.client({ alias: 'hop' });
    const both = join(server.directory, 'both');
    const text = `${await readFile(hopFiles.configFile, 'utf8')}\n${await readFile(files.configFile, 'utf8')}`;
    await writeFile(
      both,
      text.replace('HostName', 'ProxyJump none\nHostName').replace(/(Host server\n)/, '$1ProxyJump hop\n'),
    );
    const environment = { home: '/nonexistent', user: 'nobody', path: process.env['PATH'] };
    const options = { transport: 'builtin' as const, environment, args: ['-F', both] };
    const connection = await connect({ host: 'server' }, options);
    expect((await finish(await connection.exec('echo $SSH_CONNECTION'))).out).toContain(` ${server.port}\n`);
    const channel = await connection.exec('exec sleep 60');
    await hop.kill();
    channel.input.resume();
    expect((await channel.exit).lost).toBeInstanceOf(Error);
    await connection.close();
  });

  it('refuses a key of the jump host that is not known', async () => {
    const hop = await startSshd();
    onTestFinished(hop.stop);
    const files = await server.client({ config: [`ProxyJump ${hop.user}@${hop.host}:${hop.port}`] });
    const environment = { home: '/nonexistent', user: 'nobody', path: process.env['PATH'] };
    const text = await readFile(files.configFile, 'utf8');
    await writeFile(
      files.configFile,
      `${text}\nMatch all\nStrictHostKeyChecking yes\nUserKnownHostsFile /dev/null\nGlobalKnownHostsFile /dev/null\nProxyJump none\n`,
    );
    const attempt = connect(
      { host: files.alias },
      { transport: 'builtin', environment, args: ['-F', files.configFile] },
    );
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_HOST_KEY', host: hop.host });
  });

  it('refuses jump hosts that lead in a circle', async () => {
    const file = join(await tempDirectory(), 'config');
    await writeFile(
      file,
      'Host a\nHostName 127.0.0.1\nPort 1\nProxyJump b\nHost b\nHostName 127.0.0.1\nPort 2\nProxyJump a\n',
    );
    const environment = { home: '/nonexistent', user: 'nobody', path: process.env['PATH'] };
    const attempt = connect({ host: 'a' }, { transport: 'builtin', environment, args: ['-F', file] });
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });

  it('connects through a ProxyCommand', async () => {
    const relay = join(await tempDirectory(), 'relay.mjs');
    await writeFile(
      relay,
      `import { connect } from 'node:net';
       const s = connect(Number(process.argv[3]), process.argv[2]);
       process.stdin.pipe(s); s.pipe(process.stdout); s.on('close', () => process.exit());`,
    );
    const config = [`ProxyCommand ${process.execPath} ${relay} %h %p`];
    expect(await attempt({ config })).toBe('in\n');
  });

  it('says so when a ProxyCommand fails, and shows what it said', async () => {
    const prompter = scriptedPrompter();
    const error = await attempt({ config: ['ProxyCommand echo no way >&2'], prompter });
    expect(error).toMatchObject({ name: 'ConnectionError', phase: 'handshake' });
    expect(prompter.told.join('\n')).toContain('no way');
  });

  it('keeps names with shell characters away from a ProxyCommand', async () => {
    const environment = { home: '/nonexistent', user: 'nobody', path: process.env['PATH'] };
    const args = ['-F', 'none', '-oProxyCommand=touch /nonexistent/%h'];
    const options = { transport: 'builtin' as const, environment, args };
    await expect(connect({ host: '`id`' }, options)).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(connect({ host: 'h', user: '$(id)' }, options)).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('works without any ssh program for the configuration', async () => {
    const environment = { home: '/nonexistent', user: 'nobody', path: '' };
    expect(await attempt({ environment })).toBe('in\n');
  });

  it('names the option when no algorithm is left', async () => {
    const environment = { home: '/nonexistent', user: 'nobody', path: '' };
    const error = await attempt({ environment, config: ['Ciphers rot13'] });
    expect(error).toMatchObject({ code: 'ERR_NO_COMMON_ALGORITHM', message: expect.stringContaining('Ciphers') });
  });

  it.each(['aes256-ctr', 'chacha20-poly1305@openssh.com', 'aes128-gcm@openssh.com'])('speaks %s', async (cipher) => {
    expect(await attempt({ config: [`Ciphers ${cipher}`, 'Compression yes'] })).toBe('in\n');
  });

  it('survives new keys being exchanged in the middle of a transfer', async () => {
    const rekeying = await startSshd({ config: ['RekeyLimit 1M'] });
    onTestFinished(rekeying.stop);
    const files = await rekeying.client();
    const environment = { home: '/nonexistent', user: 'nobody', path: process.env['PATH'] };
    const connection = await connect(
      { host: files.alias },
      { transport: 'builtin', environment, args: ['-F', files.configFile] },
    );
    const channel = await connection.exec('head -c 8388608 /dev/zero');
    channel.stderr.resume();
    let bytes = 0;
    for await (const chunk of channel.input) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(8_388_608);
    await connection.close();
  });
});
