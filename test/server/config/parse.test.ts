import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/server/config/parse.ts';
import { ConfigError, type ConfigProblem, MAX_PROBLEMS } from '../../../src/server/config/problems.ts';
import { MAX_CONFIG_BYTES, MAX_CONFIG_DEPTH, MAX_CONFIG_VALUES } from '../../../src/server/config/yaml-tree.ts';
import { DEFAULT_LIMITS } from '../../../src/server/limits.ts';

const HASH = '$scrypt$ln=15,r=8,p=1$CRcBkNQrVJogKRPEL4V/5g$Ge0ResJdPrKQn8ZaDxu/5inPnUUt/Oz4VQ0BcDSG7UE';

/** The least that is a configuration, and what a case adds. */
function config(more = ''): string {
  return `roots: [{name: in, path: /srv/in}]\nusers: [{name: alice, password-hash: '${HASH}'}]\n${more}`;
}

function problemsOf(text: string): readonly ConfigProblem[] {
  try {
    parseConfig(text, 'f.yaml');
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function messageOf(text: string): string {
  try {
    parseConfig(text, 'f.yaml');
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a configuration', () => {
  it('has roots for signed images, with what belongs to them and nothing else', () => {
    const root = (more: string): string => `roots: [{name: in, path: /srv/in${more}}]\n${config().split('\n')[1]}\n`;
    const { value } = parseConfig(root(', accept: signed, keys: k, product: P, types: [production]'), 'f.yaml');
    expect(value.roots).toMatchObject([{ accept: 'signed', keys: 'k', product: 'P', types: ['production'] }]);
    expect(parseConfig(root(''), 'f.yaml').value.roots).toMatchObject([{ accept: 'anything', types: [] }]);
    const cases: [more: string, message: string][] = [
      [', accept: signed', 'roots[0].accept: needs keys: the key storage whose keys vouch for images'],
      [', accept: all', 'roots[0].accept: '],
      [', accept: signed, keys: k, mode: read-only', 'roots[0].accept: has no meaning where nothing can be written'],
      [', keys: k', 'roots[0].keys: means something only with accept: signed'],
      [', nvram: n', 'roots[0].nvram: means something only with accept: signed'],
      [', product: p', 'roots[0].product: means something only with accept: signed'],
      [', types: [special]', 'roots[0].types: means something only with accept: signed'],
      [', accept: signed, keys: k, types: [beta]', 'roots[0].types[0]: '],
      [', accept: signed, keys: k, product: "a\\nb"', 'roots[0].product: '],
    ];
    for (const [more, message] of cases) expect(messageOf(root(more)), more).toContain(message);
  });

  it('has the defaults of the library where it says nothing', () => {
    const { value } = parseConfig(config(), 'f.yaml');
    expect(value.limits).toEqual(DEFAULT_LIMITS);
    expect(value).toMatchObject({
      listen: [{ address: '127.0.0.1', port: 2222 }],
      hostKeys: [],
      durable: true,
      workers: 1,
      grace: 30_000,
      log: { level: 'info', format: 'auto', file: undefined },
      algorithms: { profile: 'default', legacy: { from: [] } },
      metrics: { listen: undefined, public: false },
    });
    expect(value.users).toEqual([
      {
        name: 'alice',
        privilege: 15,
        groups: [],
        passwordHash: HASH,
        authorizedKeys: [],
        authorizedKeysFile: undefined,
        require: [],
        roots: [],
        home: undefined,
        disabled: false,
      },
    ]);
  });

  it('takes one value for a list of one, nothing for no key, sizes and times with units', () => {
    const { value } = parseConfig(
      config('listen: "[::1]:22"\nbanner:\ngrace: 1.5 min\nlimits: {queued: 1 MiB, rekey-after: 1073741824}\n'),
      'f.yaml',
    );
    expect(value.listen).toEqual([{ address: '::1', port: 22 }]);
    expect(value.banner).toBeUndefined();
    expect(value.grace).toBe(90_000);
    expect(value.limits).toMatchObject({ queuedBytes: 1_048_576, rekeyBytes: 1_073_741_824 });
  });

  it('has syslog servers by UDP and TCP', () => {
    const syslog = '["tcp://[2001:db8::9]:601", "udp://loghost:514", "192.0.2.9:514"]';
    expect(parseConfig(config(`accounting: {facility: auth, syslog: ${syslog}}\n`), 'f').value.accounting).toEqual({
      file: undefined,
      facility: 'auth',
      syslog: [
        { host: '2001:db8::9', port: 601, protocol: 'tcp' },
        { host: 'loghost', port: 514, protocol: 'udp' },
        { host: '192.0.2.9', port: 514, protocol: 'udp' },
      ],
    });
    for (const wrong of ['tls://192.0.2.9:6514', 'tcp://192.0.2.9', '192.0.2.9:0', 'tcp://'])
      expect(() => parseConfig(config(`accounting: {syslog: "${wrong}"}\n`), 'f')).toThrow(
        'expected udp:// or tcp:// and ADDRESS:PORT, such as udp://192.0.2.9:514',
      );
  });

  it('may repeat a part by an alias', () => {
    const { value } = parseConfig(config('aaa: {authentication: {login: &m [local]}, accounting: {exec: *m}}\n'), 'f');
    expect(value.aaa.accounting.exec).toEqual(['local']);
  });

  it('is what the example shows', () => {
    const file = new URL('../../../examples/sealift.yaml', import.meta.url);
    const { value } = parseConfig(readFileSync(file, 'utf8'), 'sealift.yaml');
    expect(value.users.map(({ name }) => name)).toEqual(['alice', 'bob']);
    expect(value.algorithms.legacy.from).toEqual(['192.0.2.0/24']);
  });
});

describe('what is wrong is told with file, line, column, key and the cure', () => {
  it.each<[string, string, string]>([
    ['an unknown key that is nearly one', 'lisen: x\n', '3:1: lisen: unknown key; did you mean listen?'],
    ['a key in another spelling', 'hostKeys: x\n', '3:1: hostKeys: unknown key; did you mean host-keys?'],
    ['an unknown key', 'log: {colour: red}\n', '3:7: log.colour: unknown key; known here: level, format, file'],
    ['a key given twice', 'workers: 1\nworkers: 2\n', '4:1: workers: given twice, first in line 3'],
    ['a tab', 'log:\n\tlevel: info\n', 'a tab; YAML is indented with spaces'],
    ['a bad indentation', 'log:\n    level: info\n  format: json\n', 'syntax: '],
    ['a list in place of keys', 'log: [info]\n', '3:6: log: a list; expected keys and values'],
    ['a value in place of keys', 'log: info\n', '3:6: log: a text ("info"); expected keys and values'],
    [
      'a choice',
      'log: {level: wran}\n',
      '3:14: log.level: "wran" is not known; did you mean warn? allowed: error, warn',
    ],
    ['a switch', 'durable: yes\n', '3:10: durable: a text ("yes"); expected true or false'],
    ['a number in place of a text', 'banner: 5\n', '3:9: banner: a number ("5"); expected a text (in quotes)'],
    ['a text in place of a number', 'workers: many\n', '3:10: workers: a text ("many"); expected a whole number'],
    ['a fraction', 'workers: 1.5\n', 'workers: a number ("1.5"); expected a whole number'],
    ['a number out of range', 'workers: 65\n', '3:10: workers: 65 is out of range; allowed: 1 to 64'],
    ['a time without a unit', 'grace: 30\n', '3:8: grace: a number ("30"); expected a time such as 30 s'],
    ['a time out of range', 'limits: {login-timeout: 5 min}\n', '5 min is out of range; allowed: 1 s to 2 min'],
    ['a size that is none', 'limits: {queued: 5 apples}\n', 'expected a size such as 512 MiB'],
    ['an address', 'listen: [nowhere]\n', '3:10: listen[0]: "nowhere" is not usable; expected ADDRESS:PORT'],
    ['a port', 'listen: ["127.0.0.1:99999"]\n', 'listen[0]: "127.0.0.1:99999" is not usable'],
    ['an empty list', 'listen: []\n', '3:9: listen: is empty; at least 1 is needed'],
    [
      'a network',
      'algorithms: {legacy: {from: [10.0.0.0/99]}}\n',
      'from[0]: "10.0.0.0/99" is not usable; expected an address',
    ],
    ['an alias without an anchor', 'banner: *x\n', 'an alias (*name) of something that is not complete before it'],
    ['a tag', 'banner: !!binary aGk=\n', 'a tag (!name); none is used here'],
    ['a second document', '---\na: 1\n', 'a second document begins here'],
    ['a quote that is not closed', "banner: 'x\n", 'not closed'],
    ['a key that is a list', '[a]: 1\n', 'a key must be a word'],
    [
      'metrics for everybody',
      'metrics: {listen: "0.0.0.0:9"}\n',
      'metrics.listen: "0.0.0.0" can be reached by other machines',
    ],
    ['two banners', 'banner: a\nbanner-file: b\n', '4:14: banner-file: excludes banner'],
    [
      'a group that comes later',
      'aaa: {authentication: {login: [group radius]}}\n',
      'login[0]: "group radius" is not available yet; use local',
    ],
    [
      'a login for everybody',
      'aaa: {authentication: {login: [local, none]}}\n',
      'login[1]: "none" would let everybody in',
    ],
    [
      'a user of a rule who is not there',
      'rights: [{users: [alise], allow: []}]\n',
      'rights[0].users[0]: there is no user "alise"; did you mean alice?',
    ],
    ['a pattern', 'rights: [{paths: [in], allow: []}]\n', 'paths[0]: "in" is not usable; expected a path or pattern'],
    ['a right', 'rights: [{allow: [reed]}]\n', 'allow[0]: "reed" is not known; did you mean read? allowed: list, read'],
    [
      'a method behind one that always decides',
      'aaa: {authorization: {exec: [none, local]}}\n',
      'exec[0]: nothing behind "none" is ever asked',
    ],
    ['a method twice', 'aaa: {authorization: {exec: [local, local]}}\n', 'exec[1]: is in the list already'],
  ])('%s', (_, more, message) => {
    expect(messageOf(config(more))).toContain(message);
    for (const problem of problemsOf(config(more)))
      expect(problem).toMatchObject({ file: 'f.yaml', line: expect.any(Number) });
  });

  it.each<[string, string, string]>([
    ['nothing at all', '', 'f.yaml:1:1: roots: is missing'],
    ['a scalar', 'hello\n', 'f.yaml:1:1: a text ("hello"); expected keys and values'],
    ['nobody', 'roots: [{name: a, path: b}]\n', 'users: nobody could log in; give users or users-file'],
    [
      'a user without credentials',
      'roots: [{name: a, path: b}]\nusers: [{name: u}]\n',
      '2:9: users[0]: has neither keys nor a password',
    ],
    [
      'the same user twice',
      `${config().replace('}]\nusers', '}]\nusers')}`.replace(
        /\[\{name: alice(.*)\}\]/,
        '[{name: alice$1}, {name: alice$1}]',
      ),
      'users[1].name: another user has this name',
    ],
    [
      'two roots of a name',
      config().replace('[{name: in, path: /srv/in}]', '[{name: a, path: b}, {name: a, path: c}]'),
      'roots[1].name: another root has this name',
    ],
  ])('%s', (_, text, message) => {
    expect(messageOf(text)).toContain(message);
  });

  it('all at once, in the order of the file', () => {
    const found = problemsOf('grace: 5\nworkers: 0\nroots: []\nbogus: 1\n');
    expect(found.map(({ line, key }) => [line, key])).toEqual([
      [1, 'grace'],
      [2, 'workers'],
      [3, 'roots'],
      [4, 'bogus'],
    ]);
  });

  it('up to a bound', () => {
    const many = Array.from({ length: 500 }, (_, i) => `key-number-${i}: 1\n`).join('');
    const found = problemsOf(config(many));
    expect(found).toHaveLength(MAX_PROBLEMS + 1);
    expect(found.at(-1)?.message).toBe('and 450 more problems');
  });
});

describe('a secret is never part of a message', () => {
  const secret = 'hunter2hunter2';
  it.each([
    `users: [{name: a, password-hash: ${secret}}]\n`,
    `users: [{name: a, password-hash: [${secret}]}]\n`,
    `users: [{name: a, password-hash: {x: ${secret}}}]\n`,
    `users: [{name: a, password: ${secret}}]\n`,
    `users: [{name: a, password-hash: '${secret}]\n`,
    `users: [{name: a, password-hash: "\\q${secret}"}]\n`,
    `users:\n  - name: a\n    password-hash: ${secret}\n   x: 1\n`,
    `users: [{name: a, password-hash: !${secret} x}]\n`,
    `users: [{name: a, password-hash: *${secret}}]\n`,
    `users: [{name: a, password-hash: \`${secret}}]\n`,
    `users: [{name: a, password-hash: ${'x'.repeat(600)}${secret}}]\n`,
    `users: [{name: a, password-hash: 1234567}]\n`,
  ])('%j', (text) => {
    const message = messageOf(`roots: [{name: a, path: b}]\n${text}`);
    expect(message).not.toBe('');
    expect(message).not.toContain(secret);
    expect(message).not.toContain('1234567');
  });
});

describe('a file that would cost too much is refused', () => {
  it('aliases that multiply', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) =>
        `k${i}: &a${i} [${
          i === 0
            ? '1'
            : Array(9)
                .fill(`*a${i - 1}`)
                .join(', ')
        }]`,
    );
    expect(messageOf(levels.join('\n'))).toContain(`more than ${MAX_CONFIG_VALUES} values`);
  });

  it('an alias inside of what it stands for', () => {
    expect(messageOf('a: &a {b: *a}\n')).toContain('an alias (*name) of something that is not complete before it');
  });

  it.each([
    ['brackets', '['.repeat(100_000)],
    ['braces', '{a: '.repeat(100_000)],
    ['dashes', '- '.repeat(100_000)],
    ['indentation', Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ])('depth by %s', (_, text) => {
    expect(messageOf(text)).toContain('nested too deeply');
  });

  it('depth that the parser would take', () => {
    const deep = MAX_CONFIG_DEPTH + 5;
    expect(messageOf(`a: ${'['.repeat(deep)}${']'.repeat(deep)}`)).toContain(
      `nested more than ${MAX_CONFIG_DEPTH} deep`,
    );
  });

  it('length', () => {
    expect(messageOf(`#${'x'.repeat(MAX_CONFIG_BYTES)}`)).toContain(
      `the file is longer than ${MAX_CONFIG_BYTES} bytes`,
    );
  });

  it('many values', () => {
    expect(messageOf(`a: [${'1,'.repeat(MAX_CONFIG_VALUES + 1)}]`)).toContain('values');
  });
});
