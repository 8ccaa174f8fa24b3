import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2, { type AnyAuthMethod, type Client } from 'ssh2';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AccountingRecord } from '../../src/aaa/accounting/record.ts';
import type { AuthenticationMethod } from '../../src/aaa/authentication.ts';
import type { AuthorizationMethod } from '../../src/aaa/authorization.ts';
import { rootedFileSystem } from '../../src/files/rooted.ts';
import type { ServerOptions } from '../../src/server/server.ts';
import { makeKeyPair } from '../support/key-pair.ts';
import { tempDirectory } from '../support/temp.ts';
import {
  exec,
  login,
  outcomeOf,
  PASSWORD,
  PASSWORD_HASH,
  rawConnect,
  run,
  sftpChannel,
  startTestServer,
} from './support.ts';

/** Tries these methods in order; resolves with how it ended, and what the server said was left after each. */
async function tryMethods(
  port: number,
  methods: AnyAuthMethod[],
): Promise<{ end: 'ready' | 'closed'; left: string[][]; partial: boolean[] }> {
  const client: Client = new ssh2.Client();
  onTestFinished(() => void client.end());
  client.on('error', () => {});
  const left: string[][] = [];
  const partial: boolean[] = [];
  const queue = [...methods];
  client.connect({
    host: '127.0.0.1',
    port,
    username: methods[0]?.username ?? 'alice',
    authHandler: (methodsLeft, isPartial, next) => {
      if (methodsLeft !== null) {
        left.push(methodsLeft);
        partial.push(isPartial === true);
      }
      next(queue.shift() ?? (false as never));
    },
  });
  const end = await new Promise<'ready' | 'closed'>((resolve) => {
    client.once('ready', () => resolve('ready')).once('close', () => resolve('closed'));
  });
  return { end, left, partial };
}

const password = (text: string = PASSWORD, username = 'alice'): AnyAuthMethod => ({
  type: 'password',
  username,
  password: text,
});
const publicKey = (key: string, username = 'alice'): AnyAuthMethod => ({ type: 'publickey', username, key });
const asked = (answer: string): AnyAuthMethod => ({
  type: 'keyboard-interactive',
  username: 'alice',
  prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => answer)),
});

const key = makeKeyPair();
const noPenalties = { loginGuard: { penalties: false } } as const;

describe('a user who needs a key and the password', () => {
  const users = [
    {
      name: 'alice',
      passwordHash: PASSWORD_HASH,
      authorizedKeys: [key.public],
      authenticationMethods: ['publickey,password'],
    },
    { name: 'bob', passwordHash: PASSWORD_HASH },
  ];

  it('is let in by both in this order, and told what is left', async () => {
    const { port, event } = await startTestServer({ users });
    const { end, left, partial } = await tryMethods(port, [publicKey(key.private), password()]);
    expect(end).toBe('ready');
    expect(left).toEqual([['password', 'keyboard-interactive']]);
    expect(partial).toEqual([true]);
    const accepted = await event('login-accepted');
    expect(accepted).toMatchObject({ method: 'publickey,password', key: expect.stringMatching(/^SHA256:/) });
    expect(await event('login-partial')).toMatchObject({ user: 'alice', method: 'publickey' });
    expect((await tryMethods(port, [publicKey(key.private), asked(PASSWORD)])).end).toBe('ready');
  });

  it('is not let in by one of them, by them in another order, or by one of each of two users', async () => {
    const { port, events } = await startTestServer({ users, ...noPenalties });
    for (const methods of [
      [publicKey(key.private)],
      [password()],
      [password(), publicKey(key.private)],
      [publicKey(key.private), publicKey(key.private)],
      [publicKey(key.private), password('wrong')],
      [publicKey(key.private), password('wrong', 'bob'), password()],
    ])
      expect((await tryMethods(port, methods)).end).toBe('closed');
    expect(events.some(({ type }) => type === 'login-accepted')).toBe(false);
  });

  it('who goes on under another name is sent away, as by sshd', async () => {
    const { port, events } = await startTestServer({ users });
    expect((await tryMethods(port, [publicKey(key.private), password(PASSWORD, 'bob')])).end).toBe('closed');
    expect(events.some(({ type }) => type === 'login-accepted')).toBe(false);
  });
});

describe('a key with options', () => {
  it('is accepted from where it may be used, until it expires', async () => {
    const lines = (options: string): ServerOptions['users'] => [
      { name: 'alice', authorizedKeys: [`${options} ${key.public}`] },
    ];
    for (const [options, end] of [
      ['from="127.0.0.0/8"', 'ready'],
      ['from="10.0.0.0/8"', 'closed'],
      ['from="*,!127.0.0.1"', 'closed'],
      ['expiry-time="20990101"', 'ready'],
      ['expiry-time="20200101"', 'closed'],
    ] as const) {
      const { port } = await startTestServer({ users: lines(options) });
      expect([options, (await tryMethods(port, [publicKey(key.private)])).end]).toEqual([options, end]);
    }
  });
});

it('who is disabled is not let in by anything, and is told nothing', async () => {
  const users = [
    { name: 'alice', passwordHash: PASSWORD_HASH, authorizedKeys: [key.public], disabled: true },
    { name: 'bob', password: 'x' },
  ];
  const { port, events } = await startTestServer({ users, ...noPenalties });
  const refused = await tryMethods(port, [publicKey(key.private), password()]);
  const unknown = await tryMethods(port, [publicKey(key.private, 'nobody'), password(PASSWORD, 'nobody')]);
  expect(refused).toEqual(unknown);
  expect(events.filter(({ type }) => type === 'login-accepted')).toEqual([]);
});

describe('a source that fails', () => {
  it('has to wait, before a word is said, also on a connection that it has', async () => {
    const loginGuard = { penalties: { free: 2, firstSeconds: 60 } };
    const { port, events } = await startTestServer({ loginGuard });
    const early = new ssh2.Client();
    onTestFinished(() => void early.end());
    early.on('error', () => {});
    const answers: unknown[] = [];
    let answer: (() => void) | undefined;
    const isAsked = new Promise<void>((resolve) => {
      early.connect({
        host: '127.0.0.1',
        port,
        username: 'alice',
        authHandler: (_left, _partial, next) => {
          answers.push(_left);
          answer = () => next({ type: 'password', username: 'alice', password: PASSWORD });
          resolve();
        },
      });
    });
    await isAsked;
    expect((await tryMethods(port, [password('1'), password('2'), password('3')])).end).toBe('closed');
    const socket = await rawConnect(port);
    const text = await new Promise<string>((resolve) => {
      let all = '';
      socket.on('data', (data: Buffer) => {
        all += data.toString();
      });
      socket.once('close', () => resolve(all));
    });
    expect(text).toBe('');
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'connection-refused', reason: expect.stringContaining('60 s to wait') }),
    );
    // The right password on a connection from before tells nothing.
    const closed = new Promise<void>((resolve) => early.once('close', () => resolve()));
    answer?.();
    await closed;
    expect(events.some(({ type }) => type === 'login-accepted')).toBe(false);
  });

  it('and the method that a question waits in can learn of it', async () => {
    let goOn = (): void => {};
    const failed = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const seen: unknown[] = [];
    const own: AuthenticationMethod = {
      name: 'own',
      ask: async ({ user, isBarred }) => {
        seen.push(isBarred?.());
        if (user === 'slow') {
          await failed;
          seen.push(isBarred?.());
        }
        return { kind: 'refuse', reason: 'no' };
      },
    };
    const loginGuard = { penalties: { free: 1, firstSeconds: 60 } };
    const { port } = await startTestServer({ users: undefined, authenticate: own, loginGuard });
    const slow = tryMethods(port, [password('x', 'slow')]);
    await vi.waitFor(() => expect(seen).toEqual([false]));
    await tryMethods(port, [password('1'), password('2')]);
    goOn();
    await slow;
    expect(seen).toEqual([false, false, false, true]);
  });

  it('is not held to account for a server that has too much to do', async () => {
    const busy: AuthenticationMethod = {
      name: 'own',
      ask: async () => ({ kind: 'refuse', reason: 'busy', busy: true }),
    };
    const loginGuard = { penalties: { free: 1 } };
    const { port, events } = await startTestServer({ users: undefined, authenticate: busy, loginGuard });
    for (let i = 0; i < 3; i++) await tryMethods(port, [password(), password(), password()]);
    expect(events.filter(({ type }) => type === 'login-refused')).toHaveLength(9);
    expect(events.some(({ type }) => type === 'connection-refused')).toBe(false);
  });

  it('by keys alone counts once for each connection', async () => {
    const loginGuard = { penalties: { free: 1 } };
    const { port, events } = await startTestServer({
      users: [{ name: 'alice', authorizedKeys: [key.public] }],
      loginGuard,
    });
    const wrong = Array.from({ length: 4 }, () => publicKey(makeKeyPair().private));
    expect((await tryMethods(port, wrong)).end).toBe('closed');
    expect((await tryMethods(port, [...wrong, publicKey(key.private)])).end).toBe('ready');
    expect(events.some(({ type }) => type === 'connection-refused')).toBe(false);
  });

  it('begins quiet mode for all where that is configured', async () => {
    const quietMode = { blockForSeconds: 60, attempts: 2, withinSeconds: 60 };
    const { port, events } = await startTestServer({ loginGuard: { penalties: false, quietMode } });
    await tryMethods(port, [password('1'), password('2')]);
    expect(events).toContainEqual({ type: 'warning', text: 'too many failed logins: quiet mode begins' });
    expect((await tryMethods(port, [password()])).end).toBe('closed');
  });
});

describe('method lists', () => {
  it('none lets everybody in, with a warning', async () => {
    const { port, events, event } = await startTestServer({
      users: undefined,
      aaa: { authentication: { login: { default: ['none'] } } },
    });
    expect((await tryMethods(port, [{ type: 'none', username: 'x' }, password('', 'x')])).end).toBe('ready');
    expect(events[0]).toMatchObject({ type: 'warning', text: expect.stringContaining('without a password') });
    expect(await event('login-accepted')).toMatchObject({ connection: { user: 'x' } });
  });

  it("methods of one's own are asked; what they get wrong is no login", async () => {
    const answers: unknown[] = [];
    const own: AuthenticationMethod = {
      name: 'own',
      ask: async ({ user }) => {
        const value = { principal: { user, privilege: 15, groups: [], method: 'own' }, remaining: [] };
        return (user === 'right' ? { kind: 'pass', value } : answers.shift()) as never;
      },
    };
    const { port } = await startTestServer({ users: undefined, authenticate: own, ...noPenalties });
    expect((await tryMethods(port, [password('x', 'right')])).end).toBe('ready');
    const principal = { user: 'alice', privilege: 15, groups: [], method: 'own' };
    for (const wrong of [
      { kind: 'pass' },
      { kind: 'pass', value: {} },
      { kind: 'pass', value: { principal: { ...principal, privilege: 16 }, remaining: [] } },
      { kind: 'pass', value: { principal: { ...principal, user: 'bob' }, remaining: [] } },
      { kind: 'pass', value: { principal, remaining: ['retina'] } },
      { kind: 'pass', value: { principal } },
      undefined,
    ]) {
      answers.push(wrong);
      expect((await tryMethods(port, [password()])).end).toBe('closed');
    }
  });

  it('are not asked about names that are longer than any', async () => {
    const asked: string[] = [];
    const own: AuthenticationMethod = {
      name: 'own',
      ask: async ({ user }) => {
        asked.push(user);
        return { kind: 'refuse', reason: 'no' };
      },
    };
    const { port } = await startTestServer({ users: undefined, authenticate: own, ...noPenalties });
    for (const length of [256, 257])
      expect((await tryMethods(port, [password('x', 'n'.repeat(length))])).end).toBe('closed');
    expect(asked).toEqual(['n'.repeat(256)]);
  });

  it.each<[Partial<ServerOptions>, string]>([
    [{ users: undefined }, 'nobody could log in'],
    [{ authenticate: [] }, 'give one of them'],
    [{ aaa: { authentication: { login: { default: ['group tacacs+'] } } } }, 'there is no group "tacacs+"'],
    [{ rights: [{ paths: ['x'], allow: [] }] }, 'rule 1'],
    [{ loginGuard: { exempt: ['x'] } }, 'no address or network'],
  ])('%j is refused at the start', async (options, text) => {
    await expect(startTestServer(options)).rejects.toThrow(text);
  });
});

describe('Privilege denied.', () => {
  const denied = { code: 1, stdout: Buffer.from('\u0001Privilege denied.\n') };

  it('is what a command answers without the rights for it', async () => {
    const users = [{ name: 'alice', passwordHash: PASSWORD_HASH, privilege: 1 }];
    const { port, root } = await startTestServer({ users });
    await writeFile(join(root, 'f'), 'x');
    const client = await login(port);
    expect(await run(client, 'scp -t f', 'C0644 1 f\nx\0')).toMatchObject(denied);
    expect((await run(client, 'scp -f f', '\0\0\0')).stdout.toString()).toContain('C0644 1 f');
  });

  it('is what everything answers without authorization for the session, or for the command', async () => {
    const refuse = (kind: string): ServerOptions['authorize'] => ({
      name: 'own',
      ask: async (question) =>
        question.kind === kind ? { kind: 'refuse', reason: 'no' } : { kind: 'pass', value: {} },
    });
    for (const kind of ['exec', 'command']) {
      const { port } = await startTestServer({ authorize: refuse(kind) });
      const client = await login(port);
      expect(await run(client, 'scp -t f')).toMatchObject(denied);
      expect(await run(client, 'scp -f f')).toMatchObject(denied);
    }
  });

  it('the method is asked with the arguments of the command, and may lower the privilege', async () => {
    const questions: unknown[] = [];
    const authorize: ServerOptions['authorize'] = {
      name: 'own',
      ask: async (question) => {
        questions.push(question);
        return { kind: 'pass', value: question.kind === 'exec' ? { privilege: 15 } : {} };
      },
    };
    const { port } = await startTestServer({
      users: [{ name: 'alice', passwordHash: PASSWORD_HASH, privilege: 0 }],
      authorize,
    });
    const client = await login(port);
    expect((await run(client, "scp -r -t 'a b'", 'E\n')).stdout[0]).toBe(0);
    expect(questions).toMatchObject([
      { kind: 'exec', principal: { user: 'alice', privilege: 0 }, source: { address: '127.0.0.1' } },
      { kind: 'command', principal: { privilege: 15 }, command: 'scp', arguments: ['-t', '-r', 'a b'] },
    ]);
  });
});

it('SCP that is turned off says so', async () => {
  const { port } = await startTestServer({ services: { scp: false } });
  expect(await run(await login(port), 'scp -t f')).toMatchObject({
    code: 1,
    stdout: Buffer.from('\u0001Administratively disabled.\n'),
  });
});

it('SFTP that is turned off is no subsystem', async () => {
  const { port } = await startTestServer({ services: { sftp: false } });
  await expect(sftpChannel(await login(port))).rejects.toThrow('Unable to start subsystem: sftp');
});

describe('SFTP begins only where there is something that the user may do', () => {
  const refused = { code: 1, stdout: Buffer.alloc(0), stderr: 'Privilege denied.\n' };

  it('not without any right', async () => {
    const { port } = await startTestServer({ users: [{ name: 'alice', passwordHash: PASSWORD_HASH, privilege: 0 }] });
    expect(await outcomeOf(await sftpChannel(await login(port)))).toMatchObject(refused);
  });

  it('not without authorization for the command sftp', async () => {
    const questions: unknown[] = [];
    const authorize: AuthorizationMethod = {
      name: 'only scp',
      ask: async (question) => {
        if (question.kind === 'exec') return { kind: 'pass', value: {} };
        questions.push([question.command, question.arguments]);
        return { kind: 'refuse', reason: 'only scp' };
      },
    };
    const { port } = await startTestServer({ authorize });
    expect(await outcomeOf(await sftpChannel(await login(port)))).toMatchObject(refused);
    expect(questions).toEqual([['sftp', []]]);
  });

  it('not without authorization for a session, with files of one’s own either', async () => {
    const root = await tempDirectory();
    const authorize: AuthorizationMethod = { name: 'nobody', ask: async () => ({ kind: 'refuse', reason: 'no' }) };
    const { port } = await startTestServer({ authorize, fileSystemFor: () => rootedFileSystem(root) });
    expect(await outcomeOf(await sftpChannel(await login(port)))).toMatchObject(refused);
  });
});

describe('accounting', () => {
  async function accounted(options: Partial<ServerOptions> = {}): Promise<{
    port: number;
    root: string;
    records: AccountingRecord[];
  }> {
    const records: AccountingRecord[] = [];
    const { port, root } = await startTestServer({ ...options, account: (record) => records.push(record) });
    return { port, root, records };
  }

  const summary = (records: readonly AccountingRecord[]): string[] =>
    records.map((record) =>
      [record.record, record.kind, 'path' in record ? record.path : '', 'status' in record ? record.status : '']
        .filter((part) => part !== '')
        .join(' '),
    );

  it('each session and each file has a start and a stop, with digest and bytes', async () => {
    const { port, root, records } = await accounted();
    await mkdir(join(root, 'in'));
    const client = await login(port);
    await run(client, 'scp -t in', 'C0644 3 a\nabc\0C0644 0 b\n\0');
    await run(client, 'scp -f in/a', '\0\0\0');
    client.end();
    await vi.waitFor(() => expect(records).toHaveLength(8), { timeout: 10_000 });
    expect(summary(records)).toEqual([
      'start session',
      'start transfer /in/a',
      'stop transfer /in/a complete',
      'start transfer /in/b',
      'stop transfer /in/b complete',
      'start transfer /in/a',
      'stop transfer /in/a complete',
      'stop session complete',
    ]);
    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(records[2]).toMatchObject({ bytes: 3, sha256: digest('abc'), direction: 'received', protocol: 'scp' });
    expect(records[4]).toMatchObject({ bytes: 0, sha256: digest('') });
    expect(records[6]).toMatchObject({ bytes: 3, sha256: digest('abc'), direction: 'sent' });
    for (const record of records)
      expect(record).toMatchObject({
        user: 'alice',
        address: '127.0.0.1',
        authentication: 'local',
        method: 'password',
        privilege: 15,
      });
    expect(new Set(records.map(({ id }) => id)).size).toBe(4);
    expect(records[7]).toMatchObject({ bytesReceived: expect.any(Number), bytesSent: expect.any(Number) });
  });

  it('what fails and what is cut off is not complete, and the old content is there', async () => {
    const { port, root, records } = await accounted();
    await writeFile(join(root, 'old'), 'old');
    await mkdir(join(root, 'dir'));
    const client = await login(port);
    await run(client, 'scp -t old', 'C0644 5 old\nne');
    const channel = await exec(client, 'scp -t old');
    channel.write('C0644 1000000 old\nnew');
    await vi.waitFor(() => expect(summary(records)).toHaveLength(4), { timeout: 10_000 });
    (client as unknown as { _sock: { destroy(): void } })._sock.destroy();
    await vi.waitFor(() => expect(records.at(-1)?.kind).toBe('session'), { timeout: 10_000 });
    const stops = records.filter(({ record, kind }) => record === 'stop' && kind === 'transfer');
    expect(stops).toHaveLength(2);
    for (const stop of stops) {
      expect(['failed', 'cut']).toContain('status' in stop ? stop.status : '');
      expect('sha256' in stop ? stop.sha256 : undefined).toBeUndefined();
    }
    expect(await readFile(join(root, 'old'), 'utf8')).toBe('old');
  });

  it('holds no password, whatever is tried', async () => {
    const { port, records } = await accounted(noPenalties);
    await tryMethods(port, [password('hunter2'), password()]);
    await vi.waitFor(() => expect(records.length).toBeGreaterThan(0));
    expect(JSON.stringify(records)).not.toContain('hunter2');
    expect(JSON.stringify(records)).not.toContain(PASSWORD);
  });

  it('a login that failed has no session', async () => {
    const { port, records } = await accounted(noPenalties);
    await tryMethods(port, [password('wrong')]);
    expect(records).toEqual([]);
  });
});
