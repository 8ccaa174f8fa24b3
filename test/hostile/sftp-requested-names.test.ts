import { describe, expect, it } from 'vitest';
import { type Override, type SftpPlan, say } from '../support/hostile-sftp-engine.ts';
import { attackSftp, expectSftpEnd, expectSftpRefused, landedF } from '../support/hostile-sftp-run.ts';
import * as wire from '../support/hostile-sftp-wire.ts';

const { names, status } = wire;

/** A server where every path is there, and that says of a home directory what it likes. */
const expandsTo = (EXTENDED: Override, more: SftpPlan = {}): SftpPlan => ({
  extensions: [['expand-path@openssh.com', '1']],
  anything: { content: 'X\n' },
  tree: {},
  ...more,
  answers: { EXTENDED, ...more.answers },
});

const homes: readonly string[] = [
  '/x/.bashrc',
  '..',
  '../../../outside',
  '.',
  '/',
  '/x/*',
  '/x/[a]?*',
  '~bob',
  '-rf',
  'host:/x',
  '\x1b[2J\u202e',
  '/x/\n/y',
];

describe('a server that expands ~bob to', { concurrent: true, timeout: 60_000 }, () => {
  it.each(homes)('%j has no part in the name of what is copied (V3)', async (home) => {
    const result = await attackSftp({
      plan: expandsTo(say((id) => names(id, [{ name: home, longname: '../../evil' }]))),
      operands: ['h:~bob/f', 'out/'],
    });
    expectSftpEnd(result, home);
    expect(result).toMatchObject({ status: 0, changes: landedF });
    // Nothing in it was taken for a pattern.
    expect(result.servers[0]?.log.filter((line) => /^(OPENDIR|READDIR)/.test(line))).toEqual([]);
  });

  it.each(homes)('%j has no part in the name of a directory either (V3)', async (home) => {
    const plan = expandsTo(
      say((id) => names(id, [{ name: home }])),
      {
        anything: {},
        answers: {
          READDIR: ({ id }, fake) => (fake.count('READDIR') === 1 ? names(id, [{ name: 'x' }]) : status(id, wire.EOF)),
          OPEN: ({ id, path }, fake) => {
            fake.register('file', path);
            return wire.handle(id, 'file');
          },
          FSTAT: ({ id }) => wire.attrs(id, { size: 2 }),
          READ: ({ id }, fake) => (fake.count('READ') === 1 ? wire.data(id, 'X\n') : status(id, wire.EOF)),
        },
      },
    );
    const result = await attackSftp({ plan, flags: ['-r'], operands: ['h:~bob', 'out/'] });
    expectSftpEnd(result, home);
    expect(result.changes).toEqual([
      '+ work/out/bob/x: file 644 "X\\n"',
      '+ work/out/bob: directory 755',
      't work/out',
    ]);
  });

  it.each<[string, Override]>([
    ['nothing', say((id) => names(id, []))],
    ['two names', say((id) => names(id, [{ name: '/a' }, { name: '/b' }]))],
    ['an empty name', say((id) => names(id, [{ name: '' }]))],
    ['a name and says there are 2^32 - 1', say((id) => names(id, [{ name: '/a' }], 0xffff_ffff))],
    ['success', say((id) => status(id, 0))],
    ['a handle', say((id) => wire.handle(id, 'x'))],
    ['no such user', say((id) => status(id, 2))],
  ])('%s is refused', async (_, EXTENDED) => {
    expectSftpRefused(
      await attackSftp({ plan: expandsTo(EXTENDED), operands: ['h:~bob/f', 'out/'] }),
      /protocol error: |~bob\/f: /,
    );
  });

  it('a name with a NUL is refused, or asked for as it is', async () => {
    const result = await attackSftp({
      plan: expandsTo(say((id) => names(id, [{ name: '/x\0/y' }]))),
      operands: ['h:~bob/f', 'out/'],
    });
    expectSftpEnd(result);
    expect(result.changes.filter((line) => !landedF.includes(line))).toEqual([]);
  });

  it.each(['..', '.', '../x', ''])('anything, for the user %j, does not write outside of the target', async (user) => {
    const plan = expandsTo(
      say((id) => names(id, [{ name: '/x' }])),
      { tree: { x: 'X\n' }, anything: { content: 'X\n' } },
    );
    const result = await attackSftp({ plan, flags: ['-rp'], operands: [`h:~${user}`, 'out/'] });
    expectSftpEnd(result);
    expect(result.changes.filter((line) => !/ work\/out(\/|$)/.test(line))).toEqual([]);
  });

  it('anything, for the target of an upload, has the file sent below it and nowhere else', async () => {
    const plan = expandsTo(
      say((id) => names(id, [{ name: '/x/*' }])),
      { anything: {} },
    );
    const result = await attackSftp({ plan, operands: ['neighbour', 'h:~bob/d'] });
    expectSftpEnd(result);
    expect(
      result.servers[0]?.log.filter(
        (line) => !/ (\/x\/\*\/d(\/neighbour)?|x\/\*\/d\/neighbour|expand-path@openssh.com)$/.test(line),
      ),
    ).toEqual([]);
  });
});

describe('a server without ~user', { concurrent: true, timeout: 60_000 }, () => {
  it('is told of it, and nothing is copied', async () => {
    expectSftpRefused(await attackSftp({ operands: ['h:~bob/f', 'out/'] }), /~bob\/f: .*expand-path/);
  });
});

describe('what was asked for', { concurrent: true, timeout: 60_000 }, () => {
  it.each([
    ['a directory without -r', 'd', []],
    ['the contents of a directory without -r', 'd/.', []],
    ['the parent directory without -r', '..', []],
    ['the start directory without -r', '', []],
  ])('%s is not copied', async (_, path, flags) => {
    const plan: SftpPlan = { tree: { d: { x: 'X\n' } } };
    expectSftpRefused(await attackSftp({ plan, flags, operands: [`h:${path}`, 'out/'] }), /not a regular file/);
  });

  it('as a file is not copied where it is a FIFO or a device', async () => {
    for (const mode of [0o010644, 0o020666, 0o060644, 0o140644]) {
      const plan: SftpPlan = { tree: { f: { content: 'X\n', mode } } };
      expectSftpRefused(await attackSftp({ plan }), /h:(\.\/)?f: not a regular file/);
    }
  });

  it.each(['d/..', '..', '.', 'd/.', '/'])(
    'with -r as %j fills the target and changes nothing about it',
    async (path) => {
      const plan: SftpPlan = { tree: { x: 'X\n', d: { x: 'X\n' }, 'd/..': { x: 'X\n' }, '..': { x: 'X\n' } } };
      const result = await attackSftp({ plan, flags: ['-rp'], operands: [`h:${path}`, 'out/'] });
      expectSftpEnd(result);
      expect(result.changes.filter((line) => !/^[+t] work\/out(\/(x|d|d\/x|d\/\.\.|\.\.))?(:|$)/.test(line))).toEqual(
        [],
      );
      expect(result.changes.filter((line) => /outside|work\/neighbour|home/.test(line))).toEqual([]);
    },
  );

  it('as one literal name is asked for once, and nothing else is (CVE-2019-6111)', async () => {
    const result = await attackSftp({ plan: { tree: { f: 'X\n', g: 'Y\n' } } });
    expectSftpEnd(result);
    expect(result.servers[0]?.log.filter((line) => !line.endsWith(' f'))).toEqual([]);
  });

  it('as a path that leads up lands under its last name, below the target', async () => {
    const result = await attackSftp({
      plan: { anything: { content: 'X\n' } },
      operands: ['h:d/../../../../x', 'out/'],
    });
    expectSftpEnd(result);
    expect(result.changes).toEqual(['+ work/out/x: file 644 "X\\n"', 't work/out']);
  });
});
