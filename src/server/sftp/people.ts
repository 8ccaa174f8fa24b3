import { readFile } from 'node:fs/promises';

/** Users and groups, as far as clients are told. */
export interface People {
  /** A user's home; undefined where there is none. */
  home(user: string): Promise<string | undefined>;
  /** Empty where there is no such user. */
  userName(uid: number): Promise<string>;
  groupName(gid: number): Promise<string>;
}

/** Nobody but the one who is logged in: for servers whose users are not those of the system. */
export const nobodyElse: People = {
  home: async () => undefined,
  userName: async () => '',
  groupName: async () => '',
};

/** Longer lists of users are not read. Bytes. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;

type Line = readonly string[];

/** The lines of a file like passwd(5); none where it cannot be read: then there are numbers in place of names. */
async function linesOf(path: string): Promise<readonly Line[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (text.length > MAX_LIST_BYTES) return [];
  return text.split('\n').map((line) => line.split(':'));
}

/** The users of this machine, from /etc/passwd and /etc/group, read when they are first asked for. Users of a directory service show as numbers. */
export function systemPeople(): People {
  let users: Promise<readonly Line[]> | undefined;
  let groups: Promise<readonly Line[]> | undefined;
  const passwd = (): Promise<readonly Line[]> => {
    users ??= linesOf('/etc/passwd');
    return users;
  };
  const group = (): Promise<readonly Line[]> => {
    groups ??= linesOf('/etc/group');
    return groups;
  };
  return {
    home: async (user) => (await passwd()).find((line) => line[0] === user)?.[5],
    userName: async (uid) => (await passwd()).find((line) => line[2] === String(uid))?.[0] ?? '',
    groupName: async (gid) => (await group()).find((line) => line[2] === String(gid))?.[0] ?? '',
  };
}
