import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const userHelp = `sealift user: the users of a server, in a file

usage: sealift user add NAME [options]      add a user; asks for a password
       sealift user passwd NAME             set a new password
       sealift user remove NAME
       sealift user disable NAME            keep, and let in no more
       sealift user enable NAME
       sealift user list                    names, privileges, groups; no hashes
       sealift user import                  users of Cisco IOS, from standard input
       sealift user hash                    print the hash of a password

  --file FILE          the users file, made with mode 0600 when missing.
                       Default \${XDG_STATE_HOME:-~/.local/state}/sealift/users
  --privilege N        0 to 15; default 15. Without rules 15 may do everything,
                       1 to 14 list and fetch, 0 nothing
  --group NAME         a group that rules may name; may be given several times
  --key FILE           public keys, in the format of authorized_keys, with from= and
                       expiry-time=; may be given several times
  --methods LIST       what has to be proven: publickey,password is both in this order;
                       may be given several times, then any one of them lets in
  --no-password        keys only; do not ask for a password
  -h, --help

A password is typed twice on the terminal, or is the first line of standard input; it is never
an argument, which everybody on the machine can see.

import takes lines "username NAME [privilege N] password|secret TYPE VALUE" and passes over all
others. Hashes of types 8 and 9 are taken as they are; passwords of types 0 and 7, which anybody
can read, are hashed.

Exit status: 0, 1 for an error, 2 for a wrong command line.

Example: sealift user add alice --file /etc/sealift/users --key alice.pub --no-password
`;

const actions = ['add', 'passwd', 'remove', 'disable', 'enable', 'list', 'import', 'hash'] as const;

export type UserAction = (typeof actions)[number];

export interface UserOptions {
  readonly action: UserAction;
  /** Empty for actions that take none. */
  readonly name: string;
  readonly file: string;
  readonly privilege: number | undefined;
  readonly groups: readonly string[];
  readonly keyFiles: readonly string[];
  readonly methods: readonly string[];
  readonly noPassword: boolean;
}

/** What belongs to `add` alone. */
const addOnly = ['privilege', 'group', 'key', 'methods', 'no-password'] as const;

/** Undefined where help is wanted. @throws {TypeError} for a wrong command line */
export function readUserOptions(args: readonly string[]): UserOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: true,
    options: {
      file: { type: 'string' },
      privilege: { type: 'string' },
      group: { type: 'string', multiple: true },
      key: { type: 'string', multiple: true },
      methods: { type: 'string', multiple: true },
      'no-password': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return undefined;
  const [word, name, ...more] = positionals;
  const action = actions.find((one) => one === word);
  if (action === undefined) throw new TypeError(`what to do is one of ${actions.join(', ')}`);
  const needsName = !['list', 'import', 'hash'].includes(action);
  if (needsName && (name === undefined || more.length > 0)) throw new TypeError(`${action} takes one name`);
  // A word behind hash could be a password that somebody expects to go there.
  if (!needsName && name !== undefined) throw new TypeError(`${action} takes no further word`);
  for (const option of addOnly)
    if (action !== 'add' && values[option] !== undefined) throw new TypeError(`--${option} belongs to add`);
  return {
    action,
    name: name ?? '',
    file: resolve(values.file ?? defaultFile()),
    privilege: readPrivilege(values.privilege),
    groups: values.group ?? [],
    keyFiles: values.key ?? [],
    methods: values.methods ?? [],
    noPassword: values['no-password'] === true,
  };
}

function readPrivilege(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(?:\d|1[0-5])$/.test(text)) throw new TypeError(`--privilege ${text}: not a number from 0 to 15`);
  return Number(text);
}

function defaultFile(): string {
  const state = process.env['XDG_STATE_HOME'];
  // The XDG base directory specification says to ignore relative values.
  return join(state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local/state'), 'sealift', 'users');
}
