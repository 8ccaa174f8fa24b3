import { chmod, lstat, readdir, readFile, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LocalUser } from '../../src/aaa/local-user.ts';
import {
  formatUsersFile,
  loadUsersFile,
  MAX_USERS,
  MAX_USERS_FILE_BYTES,
  parseUsersFile,
} from '../../src/aaa/users-file.ts';
import { changeUsersFile } from '../../src/aaa/users-file-change.ts';
import { tempDirectory } from '../support/temp.ts';

const users = (text: string): LocalUser[] => parseUsersFile(text).flatMap(({ user }) => user ?? []);

describe('a users file', () => {
  it('has one user per line, blank lines and comments', () => {
    const text = '# who may come\n\n{"name":"a","privilege":15,"groups":["x"]}\n  {"name":"b","disabled":true}  \r\n';
    expect(users(text)).toEqual([
      { name: 'a', privilege: 15, groups: ['x'] },
      { name: 'b', disabled: true },
    ]);
    expect(formatUsersFile(parseUsersFile(text))).toBe(text);
    expect(users('')).toEqual([]);
  });

  it('written and read gives the same users, whatever is in their fields', () => {
    const user = fc.record(
      {
        name: fc.string({ unit: 'binary' }),
        privilege: fc.integer(),
        groups: fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }),
        disabled: fc.boolean(),
        passwordHash: fc.string(),
        authorizedKeys: fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 }),
        authenticationMethods: fc.array(fc.string(), { maxLength: 3 }),
      },
      { requiredKeys: ['name'] },
    );
    fc.assert(
      fc.property(fc.uniqueArray(user, { selector: ({ name }) => name, maxLength: 5 }), (list) => {
        const text = formatUsersFile(list.map((one) => ({ text: '', user: one as LocalUser })));
        expect(text.split('\n')).toHaveLength(list.length + 1);
        expect(users(text)).toEqual(list);
      }),
      { numRuns: 50 },
    );
  }, 60_000);

  it.each([
    ['{"name":"a"', 'line 1: not a JSON object'],
    ['\n["a"]', 'line 2: not a JSON object'],
    ['null', 'line 1: not a JSON object'],
    ['{"name":"a","passwrod":"x"}', 'line 1: "passwrod" is not one of name, privilege'],
    ['{"name":"a","password":"hunter2"}', 'line 1: a password in clear text does not belong here'],
    ['{"privilege":1}', 'line 1: name is missing'],
    ['{"name":1}', 'line 1: name has to be a text'],
    ['{"name":"a","groups":"x"}', 'line 1: groups has to be a list of texts'],
    ['{"name":"a","groups":[1]}', 'line 1: groups has to be a list of texts'],
    ['{"name":"a","privilege":"15"}', 'line 1: privilege has to be a number'],
    ['{"name":"a","disabled":"no"}', 'line 1: disabled has to be true or false'],
    ['{"name":"a"}\n{"name":"a"}', 'line 2: user a is in line 1 already'],
  ])('%j is refused', (text, reason) => {
    expect(() => parseUsersFile(text)).toThrow(reason);
    expect(() => parseUsersFile(text)).not.toThrow('hunter2');
  });

  it('has a bounded number of users, and of bytes', async () => {
    const line = (_: unknown, index: number): string => `{"name":"u${index}"}\n`;
    expect(() => parseUsersFile(Array.from({ length: MAX_USERS + 1 }, line).join(''))).toThrow(
      'more than 100000 users',
    );
    const path = join(await tempDirectory(), 'users');
    await writeFile(path, '', { mode: 0o600 });
    await truncate(path, MAX_USERS_FILE_BYTES + 1);
    await expect(loadUsersFile(path)).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it('any text gives users or a RangeError', () => {
    const part = fc.constantFrom('{', '}', '"name"', ':', '"a"', ',', '\n', '[', ']', 'null', '"__proto__"', '1', '#');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            for (const user of users(text)) expect(typeof user.name).toBe('string');
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  }, 60_000);

  it('that others can read is refused, with what to do about it', async () => {
    const path = join(await tempDirectory(), 'users');
    await writeFile(path, '{"name":"a"}\n');
    await chmod(path, 0o640);
    await expect(loadUsersFile(path)).rejects.toMatchObject({ code: 'ERR_CONFIG', cure: `chmod 600 ${path}` });
    await chmod(path, 0o600);
    expect(await loadUsersFile(path)).toEqual([{ name: 'a' }]);
    await writeFile(path, 'x');
    await expect(loadUsersFile(path)).rejects.toThrow(`${path}: line 1: not a JSON object`);
    await expect(loadUsersFile(`${path}2`)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a change', () => {
  const adding = (name: string) => (lines: ReturnType<typeof parseUsersFile>) => [
    ...lines,
    { text: '', user: { name } },
  ];

  it('makes the file with mode 0600, and leaves nothing beside it', async () => {
    const folder = await tempDirectory();
    const path = join(folder, 'users');
    await changeUsersFile(path, adding('a'));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'utf8')).toBe('{"name":"a"}\n');
    expect(await readdir(folder)).toEqual(['users']);
  });

  it('keeps what it is not about, to the byte', async () => {
    const path = join(await tempDirectory(), 'users');
    await writeFile(path, '# note\n{ "name": "a" }\n\n', { mode: 0o600 });
    await changeUsersFile(path, adding('b'));
    expect(await readFile(path, 'utf8')).toBe('# note\n{ "name": "a" }\n\n{"name":"b"}\n');
  });

  it('of many at once loses none', async () => {
    const path = join(await tempDirectory(), 'users');
    const names = Array.from({ length: 20 }, (_, index) => `u${index}`);
    await Promise.all(names.map((name) => changeUsersFile(path, adding(name))));
    expect((await loadUsersFile(path)).map(({ name }) => name).sort()).toEqual(names.sort());
  });

  it('that fails leaves the file as it was, and the lock free', async () => {
    const folder = await tempDirectory();
    const path = join(folder, 'users');
    await changeUsersFile(path, adding('a'));
    const failing = changeUsersFile(path, () => {
      throw new TypeError('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await readFile(path, 'utf8')).toBe('{"name":"a"}\n');
    expect(await readdir(folder)).toEqual(['users']);
  });

  it('through a link changes what it points to', async () => {
    const folder = await tempDirectory();
    await changeUsersFile(join(folder, 'real'), adding('a'));
    await symlink('real', join(folder, 'link'));
    await changeUsersFile(join(folder, 'link'), adding('b'));
    expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true);
    expect(await loadUsersFile(join(folder, 'real'))).toHaveLength(2);
  });

  it('does not wait for a lock that was left long ago', async () => {
    const path = join(await tempDirectory(), 'users');
    await writeFile(`${path}.lock`, '');
    const longAgo = Date.now() / 1000 - 120;
    await utimes(`${path}.lock`, longAgo, longAgo);
    await changeUsersFile(path, adding('a'));
    expect(await loadUsersFile(path)).toHaveLength(1);
  });
});
