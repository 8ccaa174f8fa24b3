import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalUsers } from '../../src/aaa/local-users.ts';
import { parsePasswordHash } from '../../src/aaa/password-hash.ts';
import { loadUsersFile } from '../../src/aaa/users-file.ts';
import { makeKeyPair } from '../support/key-pair.ts';
import { type Outcome, runSealift } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await tempDirectory();
  file = join(folder, 'etc', 'users');
});

async function user(args: readonly string[], input = ''): Promise<Outcome> {
  return await runSealift(['user', ...args, '--file', file], { input, cwd: folder });
}

async function canLogIn(name: string, password: string): Promise<boolean> {
  const users = await LocalUsers.create(await loadUsersFile(file), () => {});
  const question = {
    user: name,
    source: { address: '::1', port: 1 },
    credential: { kind: 'password', password },
    proven: [],
  } as const;
  return (await users.ask(question, { signal: new AbortController().signal })).kind === 'pass';
}

const silent = { status: 0, stdout: '', stderr: '' };

describe('sealift user', () => {
  it('adds, changes, disables, enables, lists and removes users', async () => {
    expect(await user(['add', 'alice', '--privilege', '7', '--group', 'ops', '--group', 'drop'], 'one\nrest')).toEqual(
      silent,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'etc'))).mode & 0o777).toBe(0o700);
    expect(await canLogIn('alice', 'one')).toBe(true);
    expect(await readFile(file, 'utf8')).not.toContain('one');

    expect(await user(['passwd', 'alice'], 'two\n')).toEqual(silent);
    expect([await canLogIn('alice', 'one'), await canLogIn('alice', 'two')]).toEqual([false, true]);

    expect(await user(['disable', 'alice'])).toEqual(silent);
    expect(await canLogIn('alice', 'two')).toBe(false);
    const { stdout } = await user(['list']);
    expect(stdout).toBe('alice; privilege 7; groups ops, drop; password; disabled\n');
    expect(await user(['enable', 'alice'])).toEqual(silent);
    expect(await canLogIn('alice', 'two')).toBe(true);

    expect(await user(['remove', 'alice'])).toEqual(silent);
    expect(await loadUsersFile(file)).toEqual([]);
  }, 60_000);

  it('adds a user with keys, options and all, and both factors', async () => {
    const line = `from="10.0.0.0/8" ${makeKeyPair().public}`;
    await writeFile(join(folder, 'k.pub'), `# mine\n${line}\n`);
    await user(['add', 'bob', '--key', 'k.pub', '--no-password']);
    await user(['add', 'eve', '--key', 'k.pub', '--methods', 'publickey,password'], 'pw\n');
    expect(await loadUsersFile(file)).toEqual([
      { name: 'bob', privilege: 15, authorizedKeys: [line] },
      {
        name: 'eve',
        privilege: 15,
        authorizedKeys: [line],
        authenticationMethods: ['publickey,password'],
        passwordHash: expect.stringMatching(/^\$scrypt\$/),
      },
    ]);
  }, 60_000);

  it('takes users of IOS over', async () => {
    const config = [
      'hostname r1',
      'username a privilege 15 secret 9 $9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM',
      'username b password 7 1511021F0725',
      'username c secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0',
    ];
    const { status, stderr } = await user(['import'], config.join('\r\n'));
    expect(status).toBe(0);
    expect(stderr.split('\n')).toEqual([
      'sealift: user b: anybody could read the password (type 7); let the user set a new one',
      'sealift: line 4: user c: passwords of type 5 cannot be taken over; set a new one',
      'sealift: 2 users added',
      '',
    ]);
    expect((await loadUsersFile(file)).map(({ name, privilege }) => [name, privilege])).toEqual([
      ['a', 15],
      ['b', 1],
    ]);
    expect([await canLogIn('a', 'cisco'), await canLogIn('b', 'cisco')]).toEqual([true, true]);
  }, 60_000);

  it('prints a hash', async () => {
    const { stdout } = await runSealift(['user', 'hash'], { input: 'pw' });
    expect(() => parsePasswordHash(stdout.trim())).not.toThrow();
    expect(stdout).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[^\n]+\n$/);
  }, 60_000);

  it.each<[string[], number, string]>([
    [['add', 'x'], 1, 'the password is empty'],
    [['add', 'x', '--no-password'], 1, 'without a password a user needs a --key'],
    [['add', 'x\ty', '--no-password', '--key', 'k'], 1, 'k: No such file or directory'],
    [['passwd', 'x'], 1, 'users: No such file or directory'],
    [['remove', 'x'], 1, 'users: No such file or directory'],
    [['hash', 'secret'], 2, 'hash takes no further word'],
    [['add'], 2, 'add takes one name'],
    [['fly'], 2, 'what to do is one of add, passwd'],
    [['add', 'x', '--privilege', '16'], 2, '--privilege 16: not a number from 0 to 15'],
    [['list', '--privilege', '1'], 2, '--privilege belongs to add'],
  ])(
    '%j fails',
    async (args, status, text) => {
      const outcome = await user(args);
      expect(outcome).toMatchObject({ status, stdout: '' });
      expect(outcome.stderr).toContain(text);
      expect(outcome.stderr).not.toContain('    at ');
    },
    60_000,
  );

  it('does not take a private key for a public one, and no user twice', async () => {
    await writeFile(join(folder, 'id'), makeKeyPair().private);
    expect((await user(['add', 'x', '--key', 'id', '--no-password'])).stderr).toContain('this is a private key');
    await user(['add', 'x'], 'pw');
    expect((await user(['remove', 'y'])).stderr).toContain('user y: is not in');
    expect((await user(['add', 'x'], 'pw')).stderr).toContain('user x: is there already');
  }, 60_000);
});
