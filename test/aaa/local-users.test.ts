import { describe, expect, it } from 'vitest';
import type { Authenticated, AuthenticationQuestion, Factor } from '../../src/aaa/authentication.ts';
import { Chains } from '../../src/aaa/chains.ts';
import type { LocalUser } from '../../src/aaa/local-user.ts';
import { LocalUsers } from '../../src/aaa/local-users.ts';
import type { Answer } from '../../src/aaa/method-list.ts';
import { WAITING_PER_SOURCE } from '../../src/aaa/password-checker.ts';
import { formatPasswordHash, hashPassword } from '../../src/aaa/password-hash.ts';
import { makeKeyPair } from '../support/key-pair.ts';

const quiet = (): void => {};
const options = { signal: new AbortController().signal };
const passwordHash = formatPasswordHash(await hashPassword('pw', { name: 'scrypt', ln: 10, r: 1, p: 1 }));
const keyLine = makeKeyPair().public;
const blob = Buffer.from(keyLine.split(' ')[1] ?? '', 'base64');

function question(user: string, over: Partial<AuthenticationQuestion> = {}): AuthenticationQuestion {
  return {
    user,
    source: { address: '192.0.2.1', port: 1 },
    credential: { kind: 'password', password: 'pw' },
    proven: [],
    ...over,
  };
}

const byKey = { credential: { kind: 'publickey', blob } } as const;

async function table(users: readonly LocalUser[], now?: () => number): Promise<LocalUsers> {
  return await LocalUsers.create(users, quiet, now);
}

async function kindOf(users: LocalUsers, asked: AuthenticationQuestion): Promise<string> {
  return (await users.ask(asked, options)).kind;
}

describe('the method local', () => {
  it('passes the right password and the right key, with what the table says of the user', async () => {
    const users = await table([
      { name: 'a', passwordHash, authorizedKeys: [keyLine], privilege: 7, groups: ['ops'] },
      { name: 'b', passwordHash },
    ]);
    const principal = { user: 'a', privilege: 7, groups: ['ops'], method: 'local' };
    expect(await users.ask(question('a'), options)).toEqual({ kind: 'pass', value: { principal, remaining: [] } });
    expect(await users.ask(question('a', byKey), options)).toMatchObject({
      kind: 'pass',
      value: { principal, remaining: [], key: expect.stringMatching(/^SHA256:/) },
    });
    expect(await users.ask(question('b'), options)).toMatchObject({
      value: { principal: { privilege: 15, groups: [] } },
    });
  });

  it('refuses a known user, and cannot say anything of an unknown one', async () => {
    const users = await table([{ name: 'a', passwordHash }]);
    const wrong = { credential: { kind: 'password', password: 'PW' } } as const;
    expect(await kindOf(users, question('a', wrong))).toBe('refuse');
    expect(await kindOf(users, question('a', byKey))).toBe('refuse');
    for (const name of ['nobody', '', '__proto__', 'constructor', 'A'])
      expect(await users.ask(question(name), options)).toEqual({ kind: 'error', reason: 'unknown user' });
    expect(await kindOf(users, question('nobody', byKey))).toBe('error');
  });

  it('refuses who is disabled', async () => {
    const users = await table([{ name: 'a', passwordHash, authorizedKeys: [keyLine], disabled: true }]);
    expect(await kindOf(users, question('a'))).toBe('refuse');
    expect(await kindOf(users, question('a', byKey))).toBe('refuse');
  });

  it('obeys from= and expiry-time=, and takes the first line that lets the key in', async () => {
    const clock = { now: Date.UTC(2029, 0, 1) };
    const lines = [`from="10.0.0.0/8" ${keyLine}`, `expiry-time="20300101Z",from="192.0.2.0/24" ${keyLine}`];
    const users = await table([{ name: 'a', authorizedKeys: lines }], () => clock.now);
    const from = (address: string): AuthenticationQuestion => question('a', { ...byKey, source: { address, port: 1 } });
    expect(await kindOf(users, from('10.1.1.1'))).toBe('pass');
    expect(await kindOf(users, from('192.0.2.1'))).toBe('pass');
    expect(await kindOf(users, from('198.51.100.1'))).toBe('refuse');
    clock.now = Date.UTC(2030, 0, 1);
    expect(await kindOf(users, from('192.0.2.1'))).toBe('refuse');
    expect(await kindOf(users, from('10.1.1.1'))).toBe('pass');
  });

  it('wants all of a chain, in its order', async () => {
    const users = await table([
      { name: 'a', passwordHash, authorizedKeys: [keyLine], authenticationMethods: ['publickey,password'] },
    ]);
    expect(await kindOf(users, question('a'))).toBe('refuse');
    expect(await users.ask(question('a', byKey), options)).toMatchObject({
      kind: 'pass',
      value: { remaining: ['password'] },
    });
    const proven: readonly Factor[] = ['publickey'];
    expect(await users.ask(question('a', { proven }), options)).toMatchObject({
      kind: 'pass',
      value: { remaining: [] },
    });
    expect(await kindOf(users, question('a', { ...byKey, proven }))).toBe('refuse');
    expect(await kindOf(users, question('a', { proven: ['publickey', 'password'] }))).toBe('refuse');
  });

  it('that has too much to do refuses rather than leaves it to the next method', async () => {
    const users = await table([{ name: 'a', passwordHash }]);
    const ask = (from: number): Promise<Answer<Authenticated>> =>
      users.ask(question('nobody', { source: { address: `192.0.2.${from % 250}`, port: 1 } }), options);
    const answers = await Promise.all(Array.from({ length: 300 }, (_, from) => ask(from)));
    expect(answers.filter(({ kind }) => kind === 'error')).toHaveLength(202);
    expect(answers.at(-1)).toEqual({ kind: 'refuse', reason: 'too many logins at a time', busy: true });
  });

  it('has few of one source waiting, and computes nothing for one that has to wait by now', async () => {
    const users = await table([{ name: 'a', passwordHash }]);
    const answers = await Promise.all(Array.from({ length: 300 }, () => users.ask(question('nobody'), options)));
    expect(answers.filter(({ kind }) => kind === 'error')).toHaveLength(WAITING_PER_SOURCE);
    const barred = question('nobody', { isBarred: () => true });
    expect(await users.ask(barred, options)).toMatchObject({ kind: 'refuse', busy: true });
  });

  it('offers only what somebody can use, the same for every name', async () => {
    expect((await table([{ name: 'a', passwordHash }])).offers).toEqual(['password']);
    expect((await table([{ name: 'a', authorizedKeys: [keyLine] }])).offers).toEqual(['publickey']);
    expect((await table([])).offers).toEqual([]);
  });

  it('authorizes its own users with their privilege', async () => {
    const { authorization } = await table([
      { name: 'a', passwordHash, privilege: 3 },
      { name: 'off', passwordHash, disabled: true },
    ]);
    const ask = async (user: string): Promise<unknown> =>
      await authorization.ask(
        {
          kind: 'exec',
          principal: { user, privilege: 1, groups: [], method: 'group tacacs+' },
          source: { address: '::1', port: 1 },
        },
        options,
      );
    expect(await ask('a')).toEqual({ kind: 'pass', value: { privilege: 3 } });
    expect(await ask('off')).toMatchObject({ kind: 'refuse' });
    expect(await ask('nobody')).toMatchObject({ kind: 'error' });
  });
});

describe('the table of users', () => {
  it('says which lines it does not take, and who cannot get in', async () => {
    const warnings: string[] = [];
    await LocalUsers.create(
      [
        { name: 'a', authorizedKeys: ['command="x" ssh-ed25519 AAAA'] },
        { name: 'b', passwordHash, authenticationMethods: ['publickey,password'] },
        { name: 'off', disabled: true },
      ],
      (text) => warnings.push(text),
    );
    expect(warnings).toEqual([
      'authorized keys of a, line 1: option command is not supported, so the key is not accepted',
      'user a needs a key or a password to log in and has none',
      'user b needs a key to log in and has none',
    ]);
  });

  it.each<[LocalUser[], string]>([
    [[{ name: '' }], 'a name is not empty'],
    [[{ name: 'a\n' }], 'printable'],
    [[{ name: '\ufffd' }], 'printable'],
    [[{ name: 'x'.repeat(129) }], 'at most 128 bytes'],
    [[{ name: 'a' }, { name: 'a' }], 'given twice'],
    [[{ name: 'a', password: '' }], 'the password is empty'],
    [[{ name: 'a', password: 'x', passwordHash }], 'one is enough'],
    [[{ name: 'a', passwordHash: 'secret' }], 'user a: not a password hash'],
    [[{ name: 'a', privilege: 16 }], 'privilege 16 is not 0 to 15'],
    [[{ name: 'a', privilege: 1.5 }], 'privilege 1.5 is not 0 to 15'],
    [[{ name: 'a', groups: [''] }], 'group ""'],
    [[{ name: 'a', authenticationMethods: [] }], 'user a: the list of authentication methods is empty'],
    [[{ name: 'a', authenticationMethods: ['publickey,'] }], '"" is no authentication method'],
    [[{ name: 'a', authenticationMethods: ['password,password'] }], 'password is twice'],
  ])('refuses %j', async (users, text) => {
    await expect(table(users)).rejects.toThrow(text);
    await expect(table(users)).rejects.not.toThrow('secret');
  });
});

describe('chains', () => {
  it('know what is left', () => {
    const chains = Chains.parse(['publickey,password', 'password,publickey']);
    expect(chains.after([], 'publickey')).toEqual(['password']);
    expect(chains.after([], 'password')).toEqual(['publickey']);
    expect(chains.after(['password'], 'publickey')).toEqual([]);
    expect(chains.after(['password'], 'password')).toBeUndefined();
    expect(Chains.either.after([], 'password')).toEqual([]);
    expect(Chains.either.after(['publickey'], 'password')).toBeUndefined();
  });
});
