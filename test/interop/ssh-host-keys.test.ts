import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../src/ssh/connect.ts';
import { fingerprint } from '../../src/ssh/known-hosts/fingerprint.ts';
import type { ConnectOptions } from '../../src/ssh/options.ts';
import { scriptedPrompter } from '../ssh/scripted-prompter.ts';
import { finish } from '../ssh/streams.ts';
import { describePeer } from '../support/peers.ts';
import { generateKey, type RunningSshd, startSshd } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

describePeer(['sshd', 'ssh', 'ssh-keygen'], 'the host key of a real sshd', () => {
  let server: RunningSshd;
  let otherKey: string;
  let print: string;

  beforeAll(async () => {
    server = await startSshd({ hostKeyTypes: ['ed25519', 'ecdsa'] });
    otherKey = await generateKey(join(server.directory, 'other'), 'ed25519');
    print = fingerprint(Buffer.from(server.hostPublicKeys[0]!.split(' ')[1]!, 'base64'));
  });
  afterAll(() => server.stop());

  /** Connects with the given known_hosts and says what happened. */
  async function attempt(
    knownHosts: readonly string[],
    strict: string,
    options: Partial<ConnectOptions> & { config?: string[] } = {},
  ) {
    const { config = [], ...rest } = options;
    const files = await server.client({
      knownHosts,
      config: [...config, `StrictHostKeyChecking ${strict}`, 'BatchMode no'],
    });
    const connection = connect(
      { host: files.alias },
      {
        transport: 'builtin',
        environment: { home: await tempDirectory(), user: 'nobody', path: process.env['PATH'] },
        args: ['-F', files.configFile],
        ...rest,
      },
    );
    const result = await connection.then(
      async (made) => {
        const { out } = await finish(await made.exec('echo in'));
        await made.close();
        return out;
      },
      (error: Error) => error,
    );
    return { result, files, written: await readFile(files.knownHostsFile, 'utf8') };
  }

  it('is accepted when known_hosts has it', async () => {
    expect((await attempt(server.knownHosts, 'yes')).result).toBe('in\n');
  });

  it('is found under a hashed name', async () => {
    const directory = await tempDirectory();
    const file = join(directory, 'known_hosts');
    await writeFile(file, server.knownHosts.map((line) => `${line}\n`).join(''));
    await promisify(execFile)('ssh-keygen', ['-q', '-H', '-f', file]);
    const hashed = (await readFile(file, 'utf8')).trim().split('\n');
    expect(hashed[0]).toMatch(/^\|1\|/);
    expect((await attempt(hashed, 'yes')).result).toBe('in\n');
  });

  it('is refused unseen under strict checking', async () => {
    const { result, written } = await attempt([], 'yes');
    expect(result).toMatchObject({ code: 'ERR_HOST_KEY', phase: 'host key' });
    expect(written).toBe('');
  });

  it('is written down by accept-new, once, and found the next time', async () => {
    const first = await attempt([], 'accept-new');
    expect(first.result).toBe('in\n');
    expect(first.written).toBe(`${server.knownHosts[0]}\n`);
    expect((await attempt([first.written.trim()], 'yes')).result).toBe('in\n');
  });

  it('is written down with a hashed name where HashKnownHosts says so', async () => {
    const { written } = await attempt([], 'accept-new', { config: ['HashKnownHosts yes'] });
    expect(written).toMatch(/^\|1\|\S+ ssh-ed25519 \S+\n$/);
    expect((await attempt([written.trim()], 'yes')).result).toBe('in\n');
  });

  it('is asked about, and a yes is remembered', async () => {
    const prompter = scriptedPrompter('what?', 'yes');
    const { result, written } = await attempt([], 'ask', { prompter });
    expect(result).toBe('in\n');
    expect(prompter.questions).toHaveLength(2);
    expect(prompter.questions[0]).toContain(print);
    expect(written).toBe(`${server.knownHosts[0]}\n`);
  });

  it('is accepted by typing its fingerprint', async () => {
    expect((await attempt([], 'ask', { prompter: scriptedPrompter(print) })).result).toBe('in\n');
  });

  it.each([
    ['the answer is no', scriptedPrompter('no')],
    ['nobody answers', scriptedPrompter()],
    ['no answer makes sense', scriptedPrompter(...Array.from({ length: 50 }, () => 'maybe'))],
  ])('is refused when %s', async (_, prompter) => {
    const { result, written } = await attempt([], 'ask', { prompter });
    expect(result).toMatchObject({ code: 'ERR_HOST_KEY' });
    expect(written).toBe('');
    expect(prompter.questions.length).toBeLessThan(10);
  });

  it('is refused without a question under BatchMode', async () => {
    const prompter = scriptedPrompter('yes');
    expect((await attempt([], 'ask', { prompter, batchMode: true })).result).toMatchObject({ code: 'ERR_HOST_KEY' });
    expect(prompter.questions).toEqual([]);
  });

  it.each(['yes', 'ask', 'accept-new', 'no'])('is refused with a big warning when it changed (%s)', async (strict) => {
    const prompter = scriptedPrompter('yes', 'yes');
    const changed = `[${server.host}]:${server.port} ${otherKey}`;
    const { result, files, written } = await attempt(['# a comment', changed], strict, { prompter });
    expect(result).toMatchObject({
      code: 'ERR_HOST_KEY',
      message: expect.stringContaining(`${files.knownHostsFile}:2`),
    });
    expect((result as { cure?: string }).cure).toContain('ssh-keygen');
    expect(prompter.told.join('\n')).toContain('DANGER');
    expect(prompter.questions).toEqual([]);
    expect(written).toBe(`# a comment\n${changed}\n`);
  });

  it.each(['ask', 'accept-new', 'no'])('is refused when it is revoked (%s)', async (strict) => {
    const lines = server.knownHosts.map((line) => `@revoked ${line}`);
    const { result } = await attempt([...server.knownHosts, ...lines], strict, { prompter: scriptedPrompter('yes') });
    expect(result).toMatchObject({ code: 'ERR_HOST_KEY', message: expect.stringContaining('revoked') });
  });

  it('is asked for in the type that known_hosts has', async () => {
    const ecdsa = server.knownHosts.filter((line) => line.includes('ecdsa'));
    expect(ecdsa).toHaveLength(1);
    expect((await attempt(ecdsa, 'yes')).result).toBe('in\n');
  });

  it('counts as changed when the host is known only by a type it does not show any more', async () => {
    const rsa = await generateKey(join(await tempDirectory(), 'rsa'), 'rsa');
    const { result } = await attempt([`[${server.host}]:${server.port} ${rsa}`], 'accept-new');
    expect(result).toMatchObject({ code: 'ERR_HOST_KEY', message: expect.stringContaining('another type') });
  });

  it('is not accepted for a certificate authority that has the same key', async () => {
    const lines = server.knownHosts.map((line) => `@cert-authority ${line}`);
    const { result } = await attempt(lines, 'accept-new', { prompter: scriptedPrompter('yes') });
    expect(result).toMatchObject({ code: 'ERR_HOST_KEY', cure: expect.stringContaining('--transport ssh') });
  });

  it('is found under HostKeyAlias', async () => {
    const lines = server.hostPublicKeys.map((key) => `the-alias ${key}`);
    expect((await attempt(lines, 'yes', { config: ['HostKeyAlias the-alias'] })).result).toBe('in\n');
  });

  it('can be pinned by fingerprint or by key, and then nothing else is accepted', async () => {
    expect((await attempt([], 'yes', { hostKeys: [print] })).result).toBe('in\n');
    expect((await attempt([], 'yes', { hostKeys: [server.hostPublicKeys[1]!] })).result).toBe('in\n');
    const { result } = await attempt(server.knownHosts, 'yes', { hostKeys: [otherKey] });
    expect(result).toMatchObject({ code: 'ERR_HOST_KEY' });
  });

  it('is refused when a known_hosts file cannot be read', async () => {
    const directory = await tempDirectory();
    const config = [`GlobalKnownHostsFile ${directory}`];
    expect((await attempt(server.knownHosts, 'no', { config })).result).toMatchObject({ code: 'ERR_HOST_KEY' });
  });

  it('is refused when the question itself fails', async () => {
    const prompter = { ...scriptedPrompter(), ask: () => Promise.reject(new Error('terminal gone')) };
    expect((await attempt([], 'ask', { prompter })).result).toMatchObject({ code: 'ERR_HOST_KEY' });
  });

  it('is refused when RevokedHostKeys lists it', async () => {
    const file = join(await tempDirectory(), 'revoked');
    await writeFile(file, `${server.hostPublicKeys[0]}\n`);
    const { result } = await attempt(server.knownHosts, 'yes', { config: [`RevokedHostKeys ${file}`] });
    expect(result).toMatchObject({ code: 'ERR_HOST_KEY', message: expect.stringContaining('revoked') });
  });

  it('is written to a file and folder made for it, closed to others', async () => {
    const home = await tempDirectory();
    const file = join(home, '.ssh', 'known_hosts');
    const { result } = await attempt([], 'accept-new', { config: [`UserKnownHostsFile ${file}`] });
    expect(result).toBe('in\n');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(home, '.ssh'))).mode & 0o777).toBe(0o700);
  });
});
