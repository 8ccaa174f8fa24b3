import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseCiscoUser } from '../../aaa/cisco-password.ts';
import { type LocalUser, prepareUser } from '../../aaa/local-user.ts';
import { formatPasswordHash, hashPassword } from '../../aaa/password-hash.ts';
import { MOST_PRIVILEGE } from '../../aaa/principal.ts';
import { loadUsersFile, type UserLine } from '../../aaa/users-file.ts';
import { changeUsersFile } from '../../aaa/users-file-change.ts';
import { FileError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import { Reporter } from '../report.ts';
import { readUserOptions, type UserOptions, userHelp } from './options.ts';
import { askNewPassword, readInput } from './password.ts';

/**
 * `sealift user`.
 *
 * @param args what follows the word `user`
 * @returns the exit status: 0, 1 for an error, 2 for a wrong command line
 */
export async function userCommand(args: readonly string[]): Promise<number> {
  const reporter = new Reporter('sealift');
  let options: UserOptions | undefined;
  try {
    options = readUserOptions(args);
  } catch (error) {
    reporter.error(error);
    reporter.note('see sealift user --help');
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(userHelp);
    return 0;
  }
  try {
    await run(options, reporter);
    return 0;
  } catch (error) {
    reporter.error(error);
    return 1;
  }
}

async function run(options: UserOptions, reporter: Reporter): Promise<void> {
  const { action, name, file } = options;
  switch (action) {
    case 'hash':
      process.stdout.write(`${await newHash(undefined)}\n`);
      return;
    case 'list':
      process.stdout.write((await loadUsersFile(file)).map((user) => `${describeUser(user)}\n`).join(''));
      return;
    case 'add':
      await add(await newUser(options, reporter), file);
      return;
    case 'import':
      await importUsers(file, reporter);
      return;
    case 'passwd': {
      // Nobody is to type a password for nothing.
      await mustExist(file, name);
      const passwordHash = await newHash(name);
      await changeUser(file, name, (user) => ({ ...user, passwordHash }));
      return;
    }
    case 'disable':
      await changeUser(file, name, (user) => ({ ...user, disabled: true }));
      return;
    case 'enable':
      await changeUser(file, name, ({ disabled: _, ...user }) => user);
      return;
    case 'remove':
      await changeUser(file, name, () => undefined);
      return;
    default:
      action satisfies never;
  }
}

async function newHash(user: string | undefined): Promise<string> {
  return formatPasswordHash(await hashPassword(await askNewPassword(user)));
}

async function newUser(options: UserOptions, reporter: Reporter): Promise<LocalUser> {
  const { name, privilege = MOST_PRIVILEGE, groups, keyFiles, methods, noPassword } = options;
  const authorizedKeys: string[] = [];
  for (const path of keyFiles) authorizedKeys.push(...(await readKeys(path)));
  const user: LocalUser = {
    name,
    privilege,
    ...(groups.length === 0 ? {} : { groups }),
    ...(methods.length === 0 ? {} : { authenticationMethods: methods }),
    ...(authorizedKeys.length === 0 ? {} : { authorizedKeys }),
  };
  if (noPassword && authorizedKeys.length === 0) throw new TypeError('without a password a user needs a --key');
  const problems: string[] = [];
  await prepareUser(user, (text) => problems.push(text));
  for (const problem of problems) reporter.notice(problem);
  return noPassword ? user : { ...user, passwordHash: await newHash(name) };
}

/** The lines of a file of public keys that are keys. */
async function readKeys(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw FileError.from(cause, path, 'open');
  });
  if (/-----BEGIN|PuTTY-User-Key-File/.test(text)) {
    const reason = 'this is a private key';
    throw new FileError(path, 'read', 'ERR_CONFIG', { reason, cure: 'give the file with .pub at its end' });
  }
  return text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

async function add(user: LocalUser, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw FileError.from(cause, dirname(file), 'mkdir');
  });
  await changeUsersFile(file, (lines) => withUser(lines, user));
}

function withUser(lines: readonly UserLine[], user: LocalUser): readonly UserLine[] {
  if (lines.some((line) => line.user?.name === user.name))
    throw new TypeError(`user ${user.name}: is there already (sealift user passwd sets a new password)`);
  return [...lines, { text: '', user }];
}

/** Changes or removes one user; everything else in the file stays as it is. */
async function changeUser(
  file: string,
  name: string,
  change: (user: LocalUser) => LocalUser | undefined,
): Promise<void> {
  await mustExist(file, name);
  await changeUsersFile(file, (lines) => {
    return lines.flatMap((line): readonly UserLine[] => {
      if (line.user?.name !== name) return [line];
      const changed = change(line.user);
      return changed === undefined ? [] : [{ text: '', user: changed }];
    });
  });
}

async function mustExist(file: string, name: string): Promise<void> {
  const isThere = (await loadUsersFile(file)).some((user) => user.name === name);
  if (!isThere) throw new TypeError(`user ${name}: is not in ${file}`);
}

async function importUsers(file: string, reporter: Reporter): Promise<void> {
  const users: LocalUser[] = [];
  for (const [index, line] of (await readInput()).split('\n').entries()) {
    try {
      const found = parseCiscoUser(line);
      if (found === undefined) continue;
      const { name, type, password, passwordHash } = found;
      // A device gives its users privilege 1 where the line says nothing.
      const privilege = found.privilege ?? 1;
      const hash = passwordHash ?? formatPasswordHash(await hashPassword(password ?? ''));
      const user = { name, privilege, passwordHash: hash };
      await prepareUser(user, () => {});
      if (type === 0 || type === 7)
        reporter.notice(`user ${name}: anybody could read the password (type ${type}); let the user set a new one`);
      users.push(user);
    } catch (error) {
      reporter.notice(`line ${index + 1}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (users.length === 0) throw new TypeError('there is no user in the input that can be taken over');
  for (const user of users) await add(user, file);
  reporter.notice(`${users.length} users added`);
}

function describeUser(user: LocalUser): string {
  const { name, privilege = MOST_PRIVILEGE, groups = [], authenticationMethods, disabled } = user;
  const { length: keys } = user.authorizedKeys ?? [];
  const words = [
    printable(name),
    `privilege ${privilege}`,
    ...(groups.length === 0 ? [] : [`groups ${groups.map(printable).join(', ')}`]),
    ...(user.passwordHash === undefined ? [] : ['password']),
    ...(keys === 0 ? [] : [`${keys} ${keys === 1 ? 'key' : 'keys'}`]),
    ...(authenticationMethods === undefined ? [] : [`needs ${authenticationMethods.map(printable).join(' or ')}`]),
    ...(disabled === true ? ['disabled'] : []),
  ];
  return words.join('; ');
}
