import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { formatPasswordHash, hashPassword } from '../../../src/aaa/password-hash.ts';
import { formatUsersFile } from '../../../src/aaa/users-file.ts';
import { type PreparedConfig, prepareConfig } from '../../../src/server/config/prepare.ts';
import { makeKeyPair } from '../../support/key-pair.ts';
import { tempDirectory } from '../../support/temp.ts';

let folder: string;
const key = makeKeyPair();

beforeEach(async () => {
  folder = await tempDirectory('config');
  await mkdir(join(folder, 'in'));
  await writeFile(join(folder, 'alice.pub'), `${key.public}\n`);
});

async function prepare(more: string): Promise<PreparedConfig> {
  const text = `roots: [{name: in, path: ./in}]\nstate: ./state\n${more}`;
  return await prepareConfig(text, join(folder, 'sealift.yaml'), '/default-state');
}

const alice = 'users: [{name: alice, authorized-keys-file: alice.pub}]\n';

describe('a configuration is read with the files it names', () => {
  it('from its own folder', async () => {
    await writeFile(join(folder, 'banner'), 'hello\n');
    const { state, settings } = await prepare(`${alice}banner-file: banner\n`);
    expect(state).toBe(join(folder, 'state'));
    expect(settings).toMatchObject({
      roots: [{ name: 'in', path: join(folder, 'in'), mode: 'read-write' }],
      banner: 'hello\n',
      hostKeys: [],
    });
    expect(settings.users).toMatchObject([{ name: 'alice', privilege: 15, authorizedKeys: [key.public, ''] }]);
  });

  it('with host keys of the operator', async () => {
    await writeFile(join(folder, 'key'), key.private, { mode: 0o600 });
    const { settings } = await prepare(`${alice}host-keys: key\n`);
    expect(settings.hostKeys.map(({ type }) => type)).toEqual(['ssh-ed25519']);
  });

  it('with a file of further users', async () => {
    const hash = formatPasswordHash(await hashPassword('x'));
    const users = [
      { name: 'bob', passwordHash: hash },
      { name: 'eve', disabled: true },
    ];
    await writeFile(join(folder, 'users'), formatUsersFile(users.map((user) => ({ text: '', user }))), { mode: 0o600 });
    const { settings } = await prepare(`${alice}users-file: users\n`);
    expect(settings.users?.map(({ name }) => name)).toEqual(['alice', 'bob', 'eve']);
  });
});

describe('what it names is checked, at the place where it is named', () => {
  it.each<[string, string, string]>([
    [
      'a key file that is not there',
      'users: [{name: a, authorized-keys-file: none}]\n',
      '3:41: users[0].authorized-keys-file: ',
    ],
    [
      'a line that gives no key',
      'users:\n  - name: a\n    authorized-keys:\n      - ssh-dss AAAA x\n',
      '6:9: users[0].authorized-keys[0]: key type ssh-dss is not supported',
    ],
    ['a banner that is not there', `${alice}banner-file: none\n`, '4:14: banner-file: '],
    ['a users file that is not there', `${alice}users-file: none\n`, '4:13: users-file: '],
    ['a host key that is not there', `${alice}host-keys: [none]\n`, 'host-keys: '],
  ])('%s', async (_, more, message) => {
    await expect(prepare(more)).rejects.toThrow(message);
  });

  it('a root that is no folder, and one that holds the state', async () => {
    const file = join(folder, 'sealift.yaml');
    const text = (path: string): string => `roots: [{name: a, path: ${path}}]\n${alice}`;
    await expect(prepareConfig(text('none'), file, '/s')).rejects.toThrow(':1:25: roots[0].path: ');
    await expect(prepareConfig(text('alice.pub'), file, '/s')).rejects.toThrow('Not a directory');
    await expect(prepareConfig(text('.'), file, join(folder, 'in'))).rejects.toThrow(
      'the state folder with the host keys is inside this root, where users could fetch it; keep it elsewhere',
    );
    // It is made at the first start.
    await symlink('in', join(folder, 'link'));
    await expect(prepareConfig(text('in'), file, join(folder, 'link', 'new', 'state'))).rejects.toThrow(
      'the state folder with the host keys is inside this root',
    );
  });

  it('a root that holds a file of the server, but records that nobody can change', async () => {
    await mkdir(join(folder, 'in', '..secret'));
    const inside = (name: string): string => join('in', '..secret', name);
    await writeFile(join(folder, inside('users')), '', { mode: 0o600 });
    await writeFile(join(folder, inside('key')), key.private, { mode: 0o600 });
    const fetch = 'is inside this root, where users could fetch it; keep it elsewhere';
    const change = 'is inside this root, where users could change it; keep it elsewhere';
    const records = `accounting: {file: ${inside('records')}}\nlog: {file: ${inside('log')}}\n`;
    for (const [more, problem] of [
      [`users-file: ${inside('users')}\n`, `the users file ${fetch}`],
      [`host-keys: ${inside('key')}\n`, `the host key ${inside('key')} ${fetch}`],
      [records, `the file of accounting ${change}`],
      [records, `the log ${change}`],
    ] as const)
      await expect(prepare(`${alice}${more}`)).rejects.toThrow(`:1:26: roots[0].path: ${problem}`);
    const readOnly = `roots: [{name: in, path: ./in, mode: read-only}]\n${alice}`;
    await prepareConfig(`${readOnly}${records}`, join(folder, 'sealift.yaml'), '/s');
    await expect(
      prepareConfig(`${readOnly}users-file: ${inside('users')}\n`, join(folder, 'sealift.yaml'), '/s'),
    ).rejects.toThrow(fetch);
    await expect(
      prepareConfig(
        `roots: [{name: in, path: .}]\nusers: [{name: a, disabled: true}]\n`,
        join(folder, 'in', 'sealift.yaml'),
        '/s',
      ),
    ).rejects.toThrow(`this file ${fetch}`);
  });

  it.each([
    ['log: {file: none/log}\n', '/none: No such file or directory; make the folder first'],
    ['log: {file: folder}\n', '/folder: Is a directory'],
    ['accounting: {file: alice.pub/records}\n', '/alice.pub/records: Not a directory'],
    ['accounting: {file: none/records}\n', '/none: No such file or directory; make the folder first'],
  ])('records that could not be written: %s', async (more, message) => {
    await mkdir(join(folder, 'folder'));
    const key = more.startsWith('log') ? 'log.file' : 'accounting.file';
    await expect(prepare(`${alice}${more}`)).rejects.toThrow(`: ${key}: ${folder}${message}`);
  });

  it('a state that is no folder', async () => {
    const file = join(folder, 'sealift.yaml');
    const text = `roots: [{name: a, path: in}]\nstate: alice.pub\n${alice}`;
    await expect(prepareConfig(text, file, '/s')).rejects.toThrow(
      `:2:8: state: ${join(folder, 'alice.pub')}: Not a directory; choose a folder, or a name that is free`,
    );
  });

  it('a root with a quota inside another one', async () => {
    await mkdir(join(folder, 'data', 'drop'), { recursive: true });
    const file = join(folder, 'sealift.yaml');
    const text = `roots: [{name: a, path: data}, {name: b, path: data/drop, quota: 1 GiB}]\n${alice}`;
    await expect(prepareConfig(text, file, '/s')).rejects.toThrow(
      ':1:48: roots[1].path: the root b is inside the root a, and the quota of b could not be kept',
    );
  });

  it('a root for signed images to whose files another root leads that takes anything', async () => {
    await mkdir(join(folder, 'data', 'images'), { recursive: true });
    const file = join(folder, 'sealift.yaml');
    const text = (outer: string): string =>
      `roots: [{name: a, path: data${outer}}, {name: b, path: data/images, accept: signed, keys: store}]\n${alice}`;
    const reason = 'the root b takes signed images only, and a leads to the same files and takes anything';
    await expect(prepareConfig(text(''), file, '/s')).rejects.toThrow(`:1:48: roots[1].path: ${reason}`);
    await expect(prepareConfig(text('/images'), file, '/s')).rejects.toThrow(reason);
    for (const outer of [', mode: read-only', ', accept: signed, keys: other'])
      expect((await prepareConfig(text(outer), file, '/s')).settings.roots[1]?.accept).toEqual({
        keys: join(folder, 'store'),
        nvram: undefined,
        product: undefined,
        types: undefined,
      });
  });

  it('a key storage that users could change', async () => {
    await mkdir(join(folder, 'in', 'store'));
    const file = join(folder, 'sealift.yaml');
    await mkdir(join(folder, 'images'));
    const text = (mode: string): string =>
      `roots: [{name: in, path: in${mode}}, {name: b, path: images, accept: signed, keys: in/store}]\n${alice}`;
    await expect(prepareConfig(text(''), file, '/s')).rejects.toThrow(
      'roots[1].keys: the key storage is inside the root in, where users could change it',
    );
    await prepareConfig(text(', mode: read-only'), file, '/s');
    const within = text('').replace('in/store', 'images');
    await expect(prepareConfig(within, file, '/s')).rejects.toThrow('the key storage is inside the root b');
  });

  it('a user in both places', async () => {
    await writeFile(join(folder, 'users'), '{"name":"alice","disabled":true}\n', { mode: 0o600 });
    await expect(prepare(`${alice}users-file: users\n`)).rejects.toThrow(
      '4:13: users-file: the configuration has a user alice too',
    );
  });

  it('a host key that others can read', async () => {
    await writeFile(join(folder, 'key'), key.private, { mode: 0o644 });
    await expect(prepare(`${alice}host-keys: key\n`)).rejects.toThrow('others can use this host key');
  });
});
