import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { begun, runClient, unsafeCharacters } from '../support/hostile-run.ts';
import { Sandbox } from '../support/hostile-sandbox.ts';
import { evil, evilCharacters } from '../support/hostile-sftp-cases.ts';
import { type Override, once, type SftpPlan, say, sftp } from '../support/hostile-sftp-engine.ts';
import { startSftpProgram } from '../support/hostile-sftp-program.ts';
import {
  attackSftp,
  bothTransports,
  expectSftpEnd,
  expectSftpRefused,
  type SftpAttack,
} from '../support/hostile-sftp-run.ts';
import * as wire from '../support/hostile-sftp-wire.ts';
import { itPeer, type Peer } from '../support/peers.ts';
import { sealiftLauncher } from '../support/sealift.ts';
import { createTempDirectory } from '../support/temp.ts';

const { frame, names, status, str, u32 } = wire;

interface TextCase extends Pick<SftpAttack, 'flags' | 'operands' | 'local'> {
  readonly title: string;
  readonly plan: SftpPlan;
  /** The text stands for nothing that is shown. */
  readonly silent?: boolean;
}

const upload: Pick<SftpAttack, 'operands'> = { operands: ['neighbour', 'h:there'] };
const tree: Pick<SftpAttack, 'flags' | 'operands'> = { flags: ['-r'], operands: ['h:d', 'out/'] };
const fails = say((id) => status(id, wire.FAILURE, evil, evil));
const of = (kind: wire.Kind, override: Override = fails): SftpPlan => ({ answers: { [kind]: override } });
const ofTree = (kind: wire.Kind): SftpPlan => ({ ...of(kind), tree: { d: { x: 'X\n' } } });

const cases: readonly TextCase[] = [
  { title: 'the STATUS of a STAT', plan: of('STAT') },
  { title: 'the STATUS of an OPEN', plan: of('OPEN') },
  { title: 'the STATUS of a READ', plan: of('READ') },
  { title: 'the STATUS of an OPENDIR', ...tree, plan: ofTree('OPENDIR') },
  { title: 'the STATUS of a READDIR', ...tree, plan: ofTree('READDIR') },
  { title: 'the STATUS of an OPEN for writing', ...upload, plan: of('OPEN') },
  { title: 'the STATUS of a WRITE', ...upload, plan: of('WRITE') },
  { title: 'the STATUS of a CLOSE', ...upload, plan: of('CLOSE') },
  { title: 'the STATUS of a MKDIR', flags: ['-r'], operands: ['out', 'h:new'], plan: of('MKDIR') },
  { title: 'a STATUS, shown with -vvv', flags: ['-vvv'], plan: of('OPEN') },
  {
    title: 'the STATUS of a code of no known kind',
    plan: of(
      'OPEN',
      say((id) => status(id, 0xffff_fff0, evil)),
    ),
  },
  {
    title: 'the language of a STATUS',
    plan: of(
      'OPEN',
      say((id) => status(id, wire.FAILURE, 'no', evil)),
    ),
    silent: true,
  },
  {
    title: 'a STATUS of 200,000 bytes',
    plan: of(
      'OPEN',
      say((id) => status(id, wire.FAILURE, evil.repeat(3000))),
    ),
  },
  {
    title: 'the name of a file that cannot be read',
    ...tree,
    plan: { tree: { d: { [evil]: 'X\n' } }, answers: { OPEN: say((id) => status(id, wire.PERMISSION_DENIED)) } },
  },
  {
    title: 'the name of a file that is too long here',
    ...tree,
    plan: { tree: { d: { [`${evil}${'n'.repeat(250)}`]: 'X\n' } } },
  },
  {
    title: 'a name that is refused (CVE-2019-6109)',
    ...tree,
    plan: { tree: { d: {} }, answers: { READDIR: once(({ id }) => names(id, [{ name: `../${evil}` }])) } },
  },
  {
    title: 'a name that is refused for its length',
    ...tree,
    plan: {
      tree: { d: {} },
      answers: { READDIR: once(({ id }) => names(id, [{ name: `${evil}${'n'.repeat(5000)}` }])) },
    },
  },
  {
    title: 'a longname',
    ...tree,
    plan: { tree: { d: {} }, answers: { READDIR: once(({ id }) => names(id, [{ name: '../x', longname: evil }])) } },
    silent: true,
  },
  {
    title: 'the name of a file that is cut short',
    ...tree,
    plan: { tree: { d: { [evil]: { content: 'X', size: 9 } } } },
  },
  { title: 'the name of a device', ...tree, plan: { tree: { d: { [evil]: { content: '', mode: 0o020644 } } } } },
  {
    title: 'the name of a match that goes nowhere',
    operands: ['h:d/*', 'out/f'],
    plan: { tree: { d: { [evil]: 'X\n', [`${evil}2`]: 'Y\n' } } },
    silent: true,
  },
  {
    title: 'the answer to expand-path',
    operands: ['h:~bob/f', 'out/'],
    plan: {
      extensions: [['expand-path@openssh.com', '1']],
      answers: { EXTENDED: say((id) => names(id, [{ name: `/home/${evil}` }])) },
    },
    silent: true,
  },
  {
    title: 'the refusal of expand-path',
    operands: ['h:~bob/f', 'out/'],
    plan: { extensions: [['expand-path@openssh.com', '1']], answers: { EXTENDED: fails } },
  },
  {
    title: 'the names of its extensions, shown with -vvv',
    flags: ['-vvv'],
    plan: { extensions: [[evil, evil]], answers: { OPEN: say((id) => status(id, 3)) } },
    silent: true,
  },
  { title: 'text in place of a packet', plan: of('STAT', () => Buffer.from(`${evil}\n`, 'latin1')), silent: true },
  { title: 'a greeting', plan: { hello: `${evil}\n` } },
];

/** An escape sequence made visible, in one way or another. */
const visible = /\\(?:033|u001b|x1B)\[(?:2J|31m)/;

describe('a server that puts escape sequences into', { concurrent: true, timeout: 60_000 }, () => {
  it.each(cases)('$title gets none of them onto the terminal', async ({ title, silent, ...rest }) => {
    const result = await attackSftp(rest);
    expectSftpEnd(result, title);
    expect([1, 255], result.stderr).toContain(result.status);
    expect(unsafeCharacters(result.rawStderr)).toEqual([]);
    if (silent !== true) expect(result.stderr).toMatch(visible);
    expect(result.stderr.length).toBeLessThan(rest.flags?.includes('-vvv') ? 8000 : 5000);
  });
});

describe.each(bothTransports)(
  'a server (%s) that puts escape sequences into',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it.each([
      ['its standard error (CVE-2019-6110)', [`${evil}\r\nsecond\rline ${evil}`]],
      [
        'single bytes of its standard error',
        [...Buffer.from(`\x1b[31m${evilCharacters}`)].map((byte) => String.fromCharCode(byte)),
      ],
    ])('%s gets none of them onto the terminal', async (_, pieces) => {
      const result = await attackSftp({
        form,
        script: async (peer) => {
          for (const piece of pieces) await peer.complain(piece);
          await sftp({ tree: {} })(peer);
        },
      });
      expectSftpEnd(result);
      expect(result.status).toBe(1);
      expect(result.stderr).toMatch(visible);
    });
  },
);

/** Answers to OPEN and how they are told. */
const statuses: readonly (readonly [string, Override, RegExp])[] = [
  ['code 1 (the end of the file)', say((id) => status(id, wire.EOF, 'EOF')), /h:f: /],
  ['code 2', say((id) => status(id, 2, 'fake')), /h:f: No such file or directory/],
  ['code 3', say((id) => status(id, 3, 'fake')), /h:f: Permission denied/],
  ['code 4 and a message', say((id) => status(id, 4, 'out of luck')), /h:f: out of luck/],
  ['code 4 and no message', say((id) => status(id, 4, '')), /h:f: Failure/],
  ['code 4 and blanks', say((id) => status(id, 4, ' \t\r\n ')), /h:f: Failure/],
  ['code 4 and lines', say((id) => status(id, 4, 'one\nFORGED\n')), /h:f: one/],
  ['code 31', say((id) => status(id, 31, '')), /h:f: /],
  ['code 2^32 - 1', say((id) => status(id, 0xffff_ffff, 'odd')), /h:f: odd/],
  ['code 4 and nothing behind it', say((id) => frame(101, u32(id), u32(4))), /h:f: Failure/],
  ['code 4 and a message without a language', say((id) => frame(101, u32(id), u32(4), str('why'))), /h:f: why/],
  ['code 0 (success)', say((id) => status(id, 0)), /protocol error: /],
  ['no code', say((id) => frame(101, u32(id))), /protocol error: /],
  ['a message that is cut short', say((id) => frame(101, u32(id), u32(4), u32(50), 'x')), /protocol error: /],
  ['a message of 2^32 - 1 bytes', say((id) => frame(101, u32(id), u32(4), u32(0xffff_ffff), 'x')), /protocol error: /],
  [
    'something behind its language',
    say((id) => Buffer.concat([frame(101, u32(id), u32(4), str('a'), str('b'), 'c')])),
    /protocol error: /,
  ],
  ['a message of 1 MiB', say((id) => status(id, 4, 'x'.repeat(1024 * 1024))), /protocol error: .*too long/],
];

describe('a server that answers OPEN with a STATUS of', { concurrent: true, timeout: 60_000 }, () => {
  it.each(statuses)('%s fails that file with the reason', async (_, override, cause) => {
    const result = await attackSftp({ plan: of('OPEN', override) });
    expectSftpEnd(result);
    expectSftpRefused(result, cause, result.changes.length > 0 ? begun : []);
    expect(result.stderr).not.toMatch(/^FORGED/m);
    expect(result.stderr.length).toBeLessThan(700);
  });
});

const scriptProgram: Peer = { name: 'script', debianPackage: 'bsdutils', command: 'script' };
const bigEnoughForTheMeter = 300 * 1024;

/** Runs a copy on a terminal of its own and gives back all that the terminal was sent. */
async function onTerminal(plan: SftpPlan): Promise<Buffer> {
  await using sandbox = await Sandbox.create();
  await using directory = await createTempDirectory('peer');
  const service = await startSftpProgram(directory.path, sftp(plan), '-D');
  try {
    const words = [process.execPath, sealiftLauncher, 'scp', '-s', ...service.args, 'h:d/*', 'out/'];
    const line = words.map((word) => `'${word}'`).join(' ');
    const env = { TERM: 'xterm', SHELL: '/bin/sh' };
    const command = ['script', '-qefc', line, join(sandbox.root, 'typescript')];
    return (await runClient(command, sandbox, { env, timeoutMs: 20_000 })).rawStdout;
  } finally {
    await service.stop();
  }
}

describe.runIf(process.platform === 'linux')(
  'on a terminal, a server that puts escape sequences into',
  { timeout: 60_000 },
  () => {
    itPeer(scriptProgram, 'a listed name gets none of them into the progress meter (CVE-2019-6109)', async () => {
      const shown = await onTerminal({ tree: { d: { [evil]: 'x'.repeat(bigEnoughForTheMeter) } } });
      expect(shown.toString()).toContain('FAKE \\033[2J');
      // A meter returns to the start of its line, and a terminal turns a line feed into CR LF; it may clear the rest of its line.
      const rest = Buffer.from(shown.toString('latin1').replaceAll('\x1b[K', ''), 'latin1');
      expect(unsafeCharacters(rest).filter((found) => found !== 'U+d')).toEqual([]);
    });
  },
);
