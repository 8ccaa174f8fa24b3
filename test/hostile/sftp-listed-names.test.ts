import { describe, expect, it } from 'vitest';
import { type Override, type SftpPlan, say } from '../support/hostile-sftp-engine.ts';
import {
  attackSftp,
  bothTransports,
  expectSftpCopied,
  expectSftpEnd,
  expectSftpRefused,
  type SftpAttack,
  type SftpResult,
} from '../support/hostile-sftp-run.ts';
import { DIRECTORY_MODE, type Entry, EOF, FILE_MODE, names, status } from '../support/hostile-sftp-wire.ts';

/** Every directory lists these, once. */
const lists = (...entries: readonly Entry[]): Override => {
  const listed = new Set<string>();
  return ({ id, handle }) => {
    if (listed.has(handle)) return status(id, EOF);
    listed.add(handle);
    return names(id, entries);
  };
};

/** A directory `d` on a server where every path is there. */
const inDirectory = (
  ...entries: readonly Entry[]
): Pick<SftpAttack, 'flags' | 'operands'> & { readonly plan: SftpPlan } => ({
  flags: ['-rp'],
  operands: ['h:d', 'out/'],
  plan: { tree: { d: {} }, anything: { content: 'evil\n' }, answers: { READDIR: lists(...entries) } },
});

const treeBegun = ['+ work/out/d: directory 755', 't work/out'];

/** Names that lead elsewhere or nowhere: CVE-2000-0992, CVE-2018-20685, CVE-2026-0964, CVE-2026-54591; V5, V11, V12. */
const unsafeNames: readonly (readonly [string, string])[] = [
  ['a way out (V12)', '../../evil'],
  ['one level up', '../evil'],
  ['an absolute path', '/tmp/sealift-hostile-absolute'],
  ['a path (V5)', 'a/b'],
  ['a path through itself', './evil'],
  ['a directory with a slash behind it', 'evil/'],
  ['the parent directory with a slash', '../'],
  ['a way out and back', '../d/evil'],
  ['a slash', '/'],
  ['no name at all (V11)', ''],
  ['a NUL behind a name', 'evil\0'],
  ['a NUL in front of a path', 'evil\0/../../x'],
  ['only a NUL', '\0'],
  ['5,000 bytes', 'n'.repeat(5000)],
  ['200,000 bytes', 'n'.repeat(200_000)],
];

/** What an entry may be called besides a regular file. */
const looks: readonly (readonly [string, Partial<Entry>])[] = [
  ['directory', { mode: DIRECTORY_MODE }],
  ['nothing known', { raw: Buffer.alloc(4) }],
];

/** What the client asked about a name that it must not use. */
function asked(result: SftpResult): string[] {
  return (result.servers[0]?.log ?? []).filter((line) => /^(OPEN|OPENDIR|L?STAT) .*(evil|\.\.|\/abs)/.test(line));
}

const outward = unsafeNames.slice(0, 4);
const forPatterns = [...outward, ['no name at all', ''], ['5,000 bytes', 'n'.repeat(5000)]] as const;

describe('a server that lists as a name', { concurrent: true, timeout: 60_000 }, () => {
  it.each(unsafeNames)('%s is refused with -r, and nothing is asked or written for it', async (_, name) => {
    const result = await attackSftp(inDirectory({ name, longname: 'x' }));
    expectSftpRefused(result, /unexpected filename/, treeBegun);
    expect(asked(result)).toEqual([]);
  });

  it.each(outward)(
    '%s is refused too where it is said to be a directory, or nothing is said of it',
    async (_, name) => {
      for (const [look, more] of looks) {
        const result = await attackSftp(inDirectory({ name, ...more }));
        expectSftpRefused(result, /unexpected filename/, treeBegun, look);
        expect(asked(result)).toEqual([]);
      }
    },
  );

  it.each(outward)('%s is refused by the built-in transport too', async (_, name) => {
    expectSftpRefused(await attackSftp({ form: 'server', ...inDirectory({ name }) }), /unexpected filename/, treeBegun);
  });

  it.each(forPatterns)('%s is refused for a pattern', async (_, name) => {
    const { plan } = inDirectory({ name }, { name: '*' });
    expectSftpRefused(await attackSftp({ plan, operands: ['h:d/*', 'out/'] }), /unexpected filename/);
  });
});

describe('a server that lists, for a pattern,', { concurrent: true, timeout: 60_000 }, () => {
  it.each(['..', '.', '../evil'])('%j does not have it taken for a name that the pattern finds', async (name) => {
    const { plan } = inDirectory({ name, mode: DIRECTORY_MODE }, { name: 'b', mode: DIRECTORY_MODE });
    for (const pattern of ['d/.*', 'd/.*/x']) {
      const result = await attackSftp({ plan, flags: ['-r'], operands: [`h:${pattern}`, 'out/'] });
      expectSftpEnd(result, pattern);
      // The pattern itself is a name too, and on this server everything exists.
      expect(result.changes.filter((line) => !/ work\/out(\/(x|\.\*))?(:|$)/.test(line))).toEqual([]);
      expect(asked(result)).toEqual([]);
    }
  });

  it.each([
    ['a hidden file for * (V2)', '*', '.bashrc'],
    ['a hidden file for ?bashrc (V2)', '?bashrc', '.bashrc'],
    ['a hidden file for [.]bashrc (V2)', '[.]bashrc', '.bashrc'],
    ['names that it does not match (CVE-2019-6111)', '*.txt', 'x.sh'],
  ])('%s has nothing of it copied', async (_, pattern, name) => {
    const plan = { tree: { d: { [name]: 'X\n' } } };
    const result = await attackSftp({ plan, flags: ['-r'], operands: [`h:d/${pattern}`, 'out/'] });
    expectSftpRefused(result, /No such file or directory/);
  });

  it('one name twice (V4) has one of them copied and the other refused', async () => {
    const { plan } = inDirectory({ name: 'x' }, { name: 'x' });
    const result = await attackSftp({ plan: { ...plan, anything: { content: 'X\n' } }, operands: ['h:d/*', 'out/'] });
    expectSftpRefused(result, /h:d\/x: is listed twice/, ['+ work/out/x: file 644 "X\\n"', 't work/out']);
    expect(result.stderr.match(/listed twice/g)).toHaveLength(1);
  });

  it('two names for one existing file has neither written', async () => {
    const { plan } = inDirectory({ name: 'x' }, { name: 'y' });
    const result = await attackSftp({ plan, local: { 'work/old': 'old\n' }, operands: ['h:d/*', 'old'] });
    expectSftpRefused(result, /old: Not a directory/);
  });
});

/** What is awkward and harmless: names that the file system here takes as they are. */
const oddNames: readonly string[] = [
  'x\x1b[2J\x1b]0;owned\x07',
  'x\u009b31m',
  '\xff\xfe\xc0\xaf',
  Buffer.from('x\u202e\u2066gpj.exe').toString('latin1'),
  'x\ry',
  'x\ny',
  // V10
  'x\\..\\evil',
  'C:evil',
  'CON',
  'x. .',
  '-rf',
  '*?[a]',
  'host:file',
  '`touch x`$(touch y);"\'',
];

const oddPlan = { tree: { d: Object.fromEntries(oddNames.map((name) => [name, 'X\n'])) } };

describe('a server that lists odd names that are safe', { concurrent: true, timeout: 60_000 }, () => {
  it('has them copied under the very same bytes, with -r', async () => {
    const result = await attackSftp({ plan: oddPlan, flags: ['-r'], operands: ['h:d', 'out/'] });
    const files = oddNames.map((name) => `+ work/out/d/${name}: file 644 "X\\n"`);
    expectSftpCopied(result, [...files, ...treeBegun].sort());
  });

  it('has them copied under the very same bytes, by a pattern', async () => {
    const result = await attackSftp({ plan: oddPlan, operands: ['h:d/*', 'out/'] });
    expectSftpCopied(result, [...oddNames.map((name) => `+ work/out/${name}: file 644 "X\\n"`), 't work/out'].sort());
  });

  it('has them shown harmlessly where they cannot be read', async () => {
    const answers = { OPEN: say((id) => status(id, 3, 'no')) };
    const result = await attackSftp({
      plan: { ...oddPlan, answers },
      flags: ['-r', '-vvv'],
      operands: ['h:d', 'out/'],
    });
    expectSftpRefused(result, /h:d\/x\\033\[2J.*: Permission denied/, treeBegun);
    expect(result.stderr.match(/Permission denied/g)).toHaveLength(oddNames.length);
  });

  it('cannot forge a line of the messages by a line feed in one', async () => {
    const plan = { tree: { d: { 'x\nFORGED': 'X\n' } }, answers: { OPEN: say((id) => status(id, 3)) } };
    const result = await attackSftp({ plan, flags: ['-r'], operands: ['h:d', 'out/'] });
    expectSftpRefused(result, /Permission denied/, treeBegun);
    expect(result.stderr).not.toMatch(/^FORGED/m);
  });

  it('256 bytes fails that file and goes on with the others', async () => {
    const plan = { tree: { d: { a: '1', ['n'.repeat(256)]: 'X\n', z: '2' } } };
    const result = await attackSftp({ plan, flags: ['-r'], operands: ['h:d', 'out/'] });
    expectSftpRefused(result, /n{50}.*: File name too long/, [
      '+ work/out/d/a: file 644 "1"',
      '+ work/out/d/z: file 644 "2"',
      ...treeBegun,
    ]);
  });
});

describe('a server that lists its directory', { concurrent: true, timeout: 60_000 }, () => {
  it.each(['.', '..'])('and gives %j as a file, a directory or a link has it passed over', async (name) => {
    for (const mode of [FILE_MODE, DIRECTORY_MODE, 0o120777]) {
      const result = await attackSftp(inDirectory({ name, mode }, { name: 'a' }));
      expectSftpEnd(result);
      expect(result.changes).toEqual(['+ work/out/d/a: file 644 "evil\\n"', ...treeBegun]);
    }
  });

  it.each(bothTransports)('(%s) with one name twice (V4) copies one of them and fails the other', async (form) => {
    const twice = inDirectory({ name: 'x' }, { name: 'a' }, { name: 'x', size: 5 });
    const result = await attackSftp({ form, ...twice });
    const copied = ['+ work/out/d/a: file 644 "evil\\n"', '+ work/out/d/x: file 644 "evil\\n"', ...treeBegun];
    expectSftpRefused(result, /h:d\/x: is listed twice/, copied);
  });

  it('with one name as file and as directory copies one of them and fails the other', async () => {
    const result = await attackSftp({
      flags: ['-r'],
      operands: ['h:d', 'out/'],
      plan: {
        tree: { d: {} },
        anything: { content: 'X\n' },
        answers: {
          READDIR: (request, fake) =>
            fake.pathOf(request.handle) === 'd'
              ? fake.count('READDIR') === 1
                ? names(request.id, [{ name: 'x' }, { name: 'x', mode: DIRECTORY_MODE }])
                : status(request.id, EOF)
              : status(request.id, EOF),
        },
      },
    });
    expectSftpEnd(result);
    expect(result.status).toBe(1);
    expect(result.changes.filter((line) => !/^[+t] work\/out(\/d(\/x)?)?(:|$)/.test(line))).toEqual([]);
  });

  it.each([
    ['a FIFO', 0o010644],
    ['a socket', 0o140644],
    ['a character device', 0o020644],
    ['a block device', 0o060644],
    ['a type that does not exist', 0o170644],
    ['a link that leads to a link', 0o120777],
  ])('with %s has that one refused, and copies the others', async (_, mode) => {
    const plan = { tree: { d: { a: '1', x: { content: '', mode }, z: '2' } } };
    const result = await attackSftp({ plan, flags: ['-rp'], operands: ['h:d', 'out/'] });
    expectSftpRefused(result, /h:d\/x: not a regular file/, [
      '+ work/out/d/a: file 644 "1"',
      '+ work/out/d/z: file 644 "2"',
      ...treeBegun,
    ]);
  });

  it('cannot give set-user-ID, set-group-ID and sticky bits, with -p or without (CVE-2026-35385)', async () => {
    const plan = { tree: { g: { content: 'X\n', mode: 0o107777 }, d: { y: { content: 'Y\n', mode: 0o107777 } } } };
    for (const flags of [['-r'], ['-rp']]) {
      const result = await attackSftp({ plan, flags, operands: ['h:g', 'h:d', 'out/'] });
      expectSftpEnd(result);
      expect(result.status).toBe(0);
      expect(result.changes.filter((line) => /file (0|755|777) /.test(line))).toHaveLength(2);
    }
  });

  it('cannot change the mode or times of the target directory with -rp (CVE-2018-20685)', async () => {
    const plan = { tree: { d: { x: 'X\n' } } };
    for (const operand of ['h:d/.', 'h:d/./', 'h:d/../d/.']) {
      const result = await attackSftp({ plan, flags: ['-rp'], operands: [operand, 'out/'] });
      expectSftpEnd(result, operand);
      expect(result.changes.filter((line) => line.includes('directory'))).toEqual([]);
    }
  });
});
