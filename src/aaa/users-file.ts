import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { FileError } from '../base/errors.ts';
import type { LocalUser } from './local-user.ts';

/** A users file longer than this is none. Bytes. */
export const MAX_USERS_FILE_BYTES: number = 16 * 1024 * 1024;

/** More users belong on an AAA server. */
export const MAX_USERS = 100_000;

/** One line: what it says, and its user where it has one. Blank lines and lines that begin with `#` have none, and are kept when the file is written anew. */
export interface UserLine {
  readonly text: string;
  readonly user?: LocalUser;
}

/** The keys of a line, in the order in which they are written. A password in clear text is not among them. */
const keys = [
  'name',
  'privilege',
  'groups',
  'disabled',
  'authenticationMethods',
  'passwordHash',
  'authorizedKeys',
] as const satisfies readonly (keyof LocalUser)[];

/**
 * Reads a users file: one user per line, as a JSON object.
 *
 * @throws {RangeError} for a line that is no user; the text begins with `line 3: …` and holds no secret
 */
export function parseUsersFile(text: string): readonly UserLine[] {
  const lines = text.split('\n').map((line, index): UserLine => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return { text: line };
    try {
      return { text: line, user: parseLine(trimmed) };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new RangeError(`line ${index + 1}: ${error.message}`, { cause: error });
    }
  });
  // What follows the last line feed is no line.
  if (lines.at(-1)?.text === '') lines.pop();
  const names = new Map<string, number>();
  for (const [index, { user }] of lines.entries()) {
    if (user === undefined) continue;
    const first = names.get(user.name);
    if (first !== undefined) throw new RangeError(`line ${index + 1}: user ${user.name} is in line ${first} already`);
    names.set(user.name, index + 1);
  }
  if (names.size > MAX_USERS) throw new RangeError(`more than ${MAX_USERS} users`);
  return lines;
}

function parseLine(line: string): LocalUser {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // The parser's own text repeats the line, which may hold a hash.
    throw new RangeError('not a JSON object');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError('not a JSON object');
  const fields = value as Record<string, unknown>;
  if ('password' in fields)
    throw new RangeError('a password in clear text does not belong here: set it with sealift user passwd');
  for (const [key, field] of Object.entries(fields)) {
    if (!(keys as readonly string[]).includes(key))
      throw new RangeError(`${JSON.stringify(key.slice(0, 40))} is not one of ${keys.join(', ')}`);
    checkField(key, field);
  }
  if (fields['name'] === undefined) throw new RangeError('name is missing');
  return fields as unknown as LocalUser;
}

/** Checks the type alone; what the value means is checked when it is used (prepareUser). */
function checkField(key: string, field: unknown): void {
  const isText = typeof field === 'string';
  const isTexts = Array.isArray(field) && field.every((one) => typeof one === 'string');
  switch (key) {
    case 'name':
    case 'passwordHash':
      if (!isText) throw new RangeError(`${key} has to be a text`);
      return;
    case 'privilege':
      if (typeof field !== 'number') throw new RangeError('privilege has to be a number');
      return;
    case 'disabled':
      if (typeof field !== 'boolean') throw new RangeError('disabled has to be true or false');
      return;
    default:
      if (!isTexts) throw new RangeError(`${key} has to be a list of texts`);
  }
}

/** The text of a users file. */
export function formatUsersFile(lines: readonly UserLine[]): string {
  return lines.map(({ text, user }) => `${text === '' && user !== undefined ? formatUser(user) : text}\n`).join('');
}

/** A user as a line. What is not set is left out. */
export function formatUser(user: LocalUser): string {
  return JSON.stringify(Object.fromEntries(keys.flatMap((key) => (user[key] === undefined ? [] : [[key, user[key]]]))));
}

/**
 * Reads a users file for a server, or to change it.
 *
 * @throws {FileError} where it cannot be read, others can read it, or a line is no user (ERR_CONFIG)
 */
export async function readUsersFile(path: string): Promise<readonly UserLine[]> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    throw FileError.from(cause, path, 'open');
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new FileError(path, 'open', 'ERR_NOT_REGULAR_FILE');
    if (stats.size > MAX_USERS_FILE_BYTES) throw new FileError(path, 'open', 'EFBIG');
    // Windows has no such modes: everybody's bits are set there.
    if ((stats.mode & 0o077) !== 0 && constants.O_NOFOLLOW !== undefined) {
      const reason = 'others can read or write this users file';
      throw new FileError(path, 'open', 'ERR_CONFIG', { reason, cure: `chmod 600 ${path}` });
    }
    return parseUsersFile(await file.readFile('utf8'));
  } catch (error) {
    if (error instanceof RangeError)
      throw new FileError(path, 'read', 'ERR_CONFIG', { reason: error.message, cause: error });
    throw FileError.from(error, path, 'read');
  } finally {
    await file.close();
  }
}

/** The users of a users file. @throws {FileError} as {@link readUsersFile} */
export async function loadUsersFile(path: string): Promise<readonly LocalUser[]> {
  return (await readUsersFile(path)).flatMap(({ user }) => user ?? []);
}
