import { createPrivateKey, sign } from 'node:crypto';
import { once } from 'node:events';
import ssh2, { type AnyAuthMethod, type Client, type ParsedKey } from 'ssh2';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeKeyPair } from '../support/key-pair.ts';
import { PASSWORD, PASSWORD_HASH, startTestServer } from './support.ts';

/** Tries these methods in order; resolves with how it ended and what the server offered meanwhile. */
async function tryMethods(
  port: number,
  methods: AnyAuthMethod[],
): Promise<{ end: 'ready' | 'closed'; offered: string[][] }> {
  const client: Client = new ssh2.Client();
  onTestFinished(() => void client.end());
  client.on('error', () => {});
  const offered: string[][] = [];
  const left = [...methods];
  client.connect({
    host: '127.0.0.1',
    port,
    username: methods[0]?.username ?? 'alice',
    authHandler: (methodsLeft, _partial, next) => {
      if (methodsLeft !== null) offered.push(methodsLeft);
      next(left.shift() ?? (false as never));
    },
  });
  const end = await new Promise<'ready' | 'closed'>((resolve) => {
    client.once('ready', () => resolve('ready')).once('close', () => resolve('closed'));
  });
  return { end, offered };
}

const none = (username = 'alice'): AnyAuthMethod => ({ type: 'none', username });
const password = (text: string, username = 'alice'): AnyAuthMethod => ({ type: 'password', username, password: text });
const publicKey = (key: string | ParsedKey, username = 'alice'): AnyAuthMethod => ({
  type: 'publickey',
  username,
  key: key as string,
});
const asked = (answer: string): AnyAuthMethod => ({
  type: 'keyboard-interactive',
  username: 'alice',
  prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => answer)),
});

describe('passwords', () => {
  it('the right one lets its user in, by either method', async () => {
    const { port, event } = await startTestServer();
    expect((await tryMethods(port, [password(PASSWORD)])).end).toBe('ready');
    expect(await event('login-accepted')).toMatchObject({ method: 'password', connection: { user: 'alice' } });
    expect((await tryMethods(port, [asked(PASSWORD)])).end).toBe('ready');
  });

  it('a wrong one, an empty one and that of another user are refused', async () => {
    const users = [
      { name: 'alice', passwordHash: PASSWORD_HASH },
      { name: 'bob', password: 'other' },
    ];
    const { port } = await startTestServer({ users });
    for (const wrong of ['other', '', `${PASSWORD} `])
      expect((await tryMethods(port, [password(wrong)])).end).toBe('closed');
    expect((await tryMethods(port, [asked('other')])).end).toBe('closed');
    expect((await tryMethods(port, [password(PASSWORD, 'nobody')])).end).toBe('closed');
  });

  it('a connection has three tries, over both methods together', async () => {
    const { port, events, event } = await startTestServer();
    const { end, offered } = await tryMethods(port, [password('1'), asked('2'), password('3'), password(PASSWORD)]);
    expect(end).toBe('closed');
    expect(offered.length).toBeLessThanOrEqual(3);
    expect(await event('connection-closed')).toMatchObject({ reason: 'too many wrong passwords' });
    expect(events.filter((one) => one.type === 'login-refused')).toHaveLength(3);
    expect(events.some((one) => one.type === 'login-accepted')).toBe(false);
  });

  it('a request to change the password is refused like a wrong one', async () => {
    const { port } = await startTestServer();
    expect(
      (await tryMethods(port, [password({ oldPassword: PASSWORD, newPassword: 'x' } as unknown as string)])).end,
    ).toBe('closed');
  });

  it('events never hold one', async () => {
    const { port, events } = await startTestServer();
    await tryMethods(port, [password('hunter2'), password(PASSWORD)]);
    expect(JSON.stringify(events)).not.toContain('hunter2');
    expect(JSON.stringify(events)).not.toContain(PASSWORD);
  });
});

describe('public keys', () => {
  it('an authorized key lets its user in, and nobody else', async () => {
    const [key, other] = [makeKeyPair(), makeKeyPair()];
    const users = [
      { name: 'alice', authorizedKeys: [key.public] },
      { name: 'bob', authorizedKeys: [other.public] },
    ];
    const { port, event } = await startTestServer({ users });
    expect((await tryMethods(port, [publicKey(other.private), publicKey(key.private)])).end).toBe('ready');
    expect((await event('login-accepted')).key).toMatch(/^SHA256:/);
    expect((await tryMethods(port, [publicKey(key.private, 'bob')])).end).toBe('closed');
    expect((await tryMethods(port, [publicKey(key.private, 'nobody')])).end).toBe('closed');
  });

  it('an RSA key signs with SHA-2', async () => {
    const key = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
    const { port } = await startTestServer({ users: [{ name: 'alice', authorizedKeys: [key.public] }] });
    expect((await tryMethods(port, [publicKey(key.private)])).end).toBe('ready');
  });

  it('an RSA key that signs with SHA-1 is refused', async () => {
    const key = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
    const { port, events } = await startTestServer({ users: [{ name: 'alice', authorizedKeys: [key.public] }] });
    const client = new ssh2.Client();
    onTestFinished(() => void client.end());
    client.on('error', () => {});
    client.connect({ host: '127.0.0.1', port, username: 'alice', privateKey: key.private });
    // The client signs with SHA-1 where the server does not say that it can do better.
    client.prependListener('handshake', () => {
      const { _protocol } = client as unknown as { _protocol: { authPK: (...args: unknown[]) => void } };
      const original = _protocol.authPK.bind(_protocol);
      _protocol.authPK = (user, parsed, _hash, sign) => original(user, parsed, undefined, sign);
    });
    await new Promise<void>((resolve) => client.once('close', () => resolve()));
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'login-refused', reason: 'signatures with SHA-1 are not accepted' }),
    );
  });

  it('a key that signs with something else than its private half is refused', async () => {
    const [key, other] = [makeKeyPair(), makeKeyPair()];
    const { port, events } = await startTestServer({ users: [{ name: 'alice', authorizedKeys: [key.public] }] });
    const parsed = ssh2.utils.parseKey(key.private) as ParsedKey;
    const forged = Object.create(parsed) as ParsedKey;
    forged.sign = (data: Buffer | string) =>
      sign(null, Buffer.from(data as Buffer), createPrivateKey(toPkcs8(other.private)));
    expect((await tryMethods(port, [publicKey(forged)])).end).toBe('closed');
    expect(events).toContainEqual(expect.objectContaining({ type: 'login-refused', reason: 'the signature is wrong' }));
  });

  it('keys that are not accepted have their own limit', async () => {
    const { port, event } = await startTestServer({
      users: [{ name: 'alice', authorizedKeys: [makeKeyPair().public], password: PASSWORD }],
      limits: { publicKeyTries: 5 },
    });
    const four = Array.from({ length: 4 }, () => publicKey(makeKeyPair().private));
    expect((await tryMethods(port, [...four, password(PASSWORD)])).end).toBe('ready');
    const five = Array.from({ length: 5 }, () => publicKey(makeKeyPair().private));
    expect((await tryMethods(port, [...five, password(PASSWORD)])).end).toBe('closed');
    expect(await event('connection-closed')).toMatchObject({ reason: 'too many keys that are not accepted' });
  });
});

/** ssh2 gives the PEM of its own choice; node:crypto reads it all the same. */
function toPkcs8(privateKey: string): string {
  const parsed = ssh2.utils.parseKey(privateKey) as ParsedKey;
  return parsed.getPrivatePEM();
}

describe('what a stranger learns', () => {
  it('nothing is open without credentials, and the methods are the same for every name', async () => {
    const users = [
      { name: 'alice', passwordHash: PASSWORD_HASH },
      { name: 'keys', authorizedKeys: [makeKeyPair().public] },
    ];
    const { port } = await startTestServer({ users });
    const answers = await Promise.all(['alice', 'keys', 'nobody'].map((name) => tryMethods(port, [none(name)])));
    for (const { end, offered } of answers) {
      expect(end).toBe('closed');
      expect(offered).toEqual([['publickey', 'password', 'keyboard-interactive']]);
    }
  });

  it('an unknown name costs as much work as a wrong password', async () => {
    const { port } = await startTestServer({ limits: { passwordTries: 1 }, loginGuard: { penalties: false } });
    // Work of all threads of this process, client and server together: unlike time, the load of the machine does not change it.
    const work = async (name: string): Promise<number> => {
      const before = process.cpuUsage();
      await tryMethods(port, [password('wrong', name)]);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    await work('alice');
    const samples: Record<string, number[]> = { alice: [], nobody: [] };
    for (let i = 0; i < 9; i++) for (const name of ['alice', 'nobody']) samples[name]?.push(await work(name));
    const median = (values: number[] = []): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
    // A hash that is not computed saves 50 ms or more.
    expect(Math.abs(median(samples['alice']) - median(samples['nobody']))).toBeLessThan(35);
  }, 120_000);

  it('requests without end are ended', async () => {
    const { port, event } = await startTestServer({ limits: { authenticationRequests: 5 } });
    expect((await tryMethods(port, [...Array.from({ length: 6 }, () => none()), password(PASSWORD)])).end).toBe(
      'closed',
    );
    expect(await event('connection-closed')).toMatchObject({ reason: 'too many authentication requests' });
  });
});

it('what the server offers has no SHA-1, CBC, group exchange or compression', async () => {
  const { port } = await startTestServer();
  const client = new ssh2.Client();
  onTestFinished(() => void client.end());
  const lines: string[] = [];
  client.on('error', () => {});
  client.connect({ host: '127.0.0.1', port, username: 'alice', password: PASSWORD, debug: (text) => lines.push(text) });
  await once(client, 'ready');
  const offers = lines.filter((line) => line.includes('(remote)')).join('\n');
  expect(offers).toContain('curve25519-sha256');
  expect(offers).not.toMatch(/sha1\b|cbc|group-exchange|zlib|ssh-rsa|md5|arcfour/);
});
