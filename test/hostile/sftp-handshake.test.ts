import { describe, expect, it } from 'vitest';
import { type Override, type SftpPlan, say, sftp } from '../support/hostile-sftp-engine.ts';
import {
  attackSftp,
  bothTransports,
  expectSftpCopied,
  expectSftpEnd,
  expectSftpRefused,
  landedF,
  type SftpAttack,
} from '../support/hostile-sftp-run.ts';
import {
  data,
  frame,
  handle,
  names,
  packet,
  status,
  str,
  types,
  u32,
  u64,
  version,
} from '../support/hostile-sftp-wire.ts';

interface HelloCase {
  readonly title: string;
  readonly hello: string | Uint8Array;
  readonly cause: RegExp;
  /** Said before the end of the output; otherwise the server goes on as if all was well. */
  readonly thenEnd?: boolean;
}

const protocolError = /protocol error: /;
const printed = /the remote shell printed "/;
const notOffered = /does not offer SFTP|lost connection|protocol error/;
const manyExtensions = (count: number): Buffer => {
  const pairs = Array.from({ length: count }, (_, i) => Buffer.concat([str(`${i}`.padStart(6, 'x')), str('')]));
  return frame(types.VERSION, u32(3), Buffer.concat(pairs));
};

/** What stands in the place of VERSION. */
const hellos: readonly HelloCase[] = [
  { title: 'version 0', hello: version(0), cause: /version 0 of SFTP/ },
  { title: 'version 2', hello: version(2), cause: /version 2 of SFTP/ },
  { title: 'a VERSION without a version', hello: frame(types.VERSION), cause: protocolError },
  { title: 'a VERSION that is cut short', hello: frame(types.VERSION, '\0\0'), cause: protocolError },
  { title: 'an extension without data', hello: frame(types.VERSION, u32(3), str('x@y')), cause: protocolError },
  { title: 'an extension that is cut short', hello: frame(types.VERSION, u32(3), u32(100), 'x'), cause: protocolError },
  {
    title: 'an extension of 2^32 - 1 bytes',
    hello: frame(types.VERSION, u32(3), u32(0xffff_ffff), 'x'),
    cause: protocolError,
  },
  { title: 'one byte behind the extensions', hello: frame(types.VERSION, u32(3), 'x'), cause: protocolError },
  { title: '17,000 extensions', hello: manyExtensions(17_000), cause: protocolError },
  { title: '100,000 extensions', hello: manyExtensions(100_000), cause: protocolError },
  { title: 'STATUS', hello: status(0, 4, 'go away'), cause: protocolError },
  { title: 'HANDLE', hello: handle(0, 'x'), cause: protocolError },
  { title: 'DATA', hello: data(0, 'X\n'), cause: protocolError },
  { title: 'NAME', hello: names(0, [{ name: 'f' }]), cause: protocolError },
  { title: 'INIT', hello: frame(types.INIT, u32(3)), cause: protocolError },
  { title: 'a type of no known kind', hello: frame(77, u32(3)), cause: protocolError },
  { title: 'a packet of 0 bytes', hello: u32(0), cause: protocolError },
  { title: 'a packet of 2^32 - 1 bytes', hello: u32(0xffff_ffff), cause: protocolError },
  { title: 'a packet of 2^31 bytes', hello: u32(0x8000_0000), cause: protocolError },
  { title: 'a packet of 1 MiB', hello: u32(1024 * 1024), cause: protocolError },
  {
    title: 'a greeting of the login shell',
    hello: 'Welcome to this host\n',
    cause: /printed "Welcome to this host"/,
  },
  { title: 'a greeting without a line end', hello: 'Welcome', cause: printed },
  { title: 'line feeds and a greeting', hello: '\n\r\n\nWelcome\n', cause: printed },
  { title: 'escape sequences', hello: '\x1b[2J\x1b]0;owned\x07\x1b[31mFAKE\r\n', cause: /printed "\\033\[2J/ },
  { title: 'text that is no ASCII', hello: Buffer.from('\u202e\u00fcber FAKE\n'), cause: printed },
  { title: '100,000 characters', hello: 'x'.repeat(100_000), cause: /printed "x{50,200}/ },
  { title: 'four letters and the end', hello: 'oops', cause: printed, thenEnd: true },
  { title: 'three letters and the end', hello: 'oop', cause: printed, thenEnd: true },
  { title: 'half a length and the end', hello: '\0\0', cause: notOffered, thenEnd: true },
  { title: 'a length and the end', hello: u32(5), cause: notOffered, thenEnd: true },
  { title: 'half a VERSION and the end', hello: version().subarray(0, 7), cause: notOffered, thenEnd: true },
  { title: 'nothing but the end', hello: '', cause: /does not offer SFTP/, thenEnd: true },
];

const greetWith = ({ hello, thenEnd }: HelloCase): Pick<SftpAttack, 'script'> => ({
  script: async (peer) => {
    if (thenEnd !== true) return await sftp({ hello })(peer);
    await peer.read(9);
    await peer.send(hello);
    peer.exit(0);
    await peer.gone;
  },
});

describe.each(bothTransports)('a server (%s) that answers INIT with', { concurrent: true, timeout: 60_000 }, (form) => {
  // What a packet looks like is no matter of the transport: the second one gets every fourth.
  it.each(hellos.filter((_, i) => form === 'direct' || i % 4 === 0))(
    '$title is refused at once, with the reason',
    async (row) => {
      const result = await attackSftp({ form, ...greetWith(row) });
      expectSftpRefused(result, row.cause);
      expect(result.stderr.length).toBeLessThan(1000);
    },
  );
});

describe('a server that answers INIT with', { concurrent: true, timeout: 60_000 }, () => {
  it.each(hellos.filter((_, i) => i % 8 === 0))('$title fails an upload too', async (row) => {
    expectSftpRefused(await attackSftp({ ...greetWith(row), operands: ['neighbour', 'h:there'] }), row.cause);
  });
});

describe('a server that says more than once who it is,', { concurrent: true, timeout: 60_000 }, () => {
  it('with VERSION twice, is refused', async () => {
    const hello = Buffer.concat([version(), version()]);
    expectSftpRefused(await attackSftp({ plan: { hello } }), protocolError);
  });

  it('with text behind VERSION, is refused', async () => {
    const hello = Buffer.concat([version(), Buffer.from('Welcome to this host\n')]);
    expectSftpRefused(await attackSftp({ plan: { hello } }), protocolError);
  });

  it.each([4, 6, 0x7fff_ffff, 0xffff_ffff])('as version %i, is refused or spoken to as version 3', async (number) => {
    const result = await attackSftp({ plan: { hello: version(number) } });
    expectSftpEnd(result);
    if (result.status === 0) expect(result.changes).toEqual(landedF);
    else expect(result.changes).toEqual([]);
  });

  it('with 200 extensions of no known kind, is used as if it had said nothing', async () => {
    expectSftpCopied(await attackSftp({ plan: { hello: manyExtensions(200) } }), landedF);
  });
});

const offered: readonly (readonly [string, string])[] = [
  ['limits@openssh.com', '1'],
  ['posix-rename@openssh.com', '1'],
  ['fsync@openssh.com', '1'],
];

const limits = (...values: readonly (bigint | number)[]): Override =>
  say((id) => packet('EXTENDED_REPLY', id, ...values.map(u64)));

const huge = 2n ** 64n - 1n;

/** Limits that a server may tell. The copy goes on with something sensible. */
const told: readonly (readonly [string, Override])[] = [
  ['0 for all of them', limits(0, 0, 0, 0)],
  ['1 for all of them', limits(1, 1, 1, 1)],
  ['2^64 - 1 for all of them', limits(huge, huge, huge, huge)],
  ['2^63 for all of them', limits(2n ** 63n, 2n ** 63n, 2n ** 63n, 2n ** 63n)],
  ['packets that hold less than a read', limits(100, 1_000_000, 1_000_000, 0)],
  ['that it does not know them', say((id) => status(id, 8, 'no'))],
];

const wrongLimits: readonly (readonly [string, Override])[] = [
  ['three numbers', limits(1000, 1000, 1000)],
  ['five numbers', limits(1000, 1000, 1000, 1000, 1000)],
  ['no number', limits()],
  ['half a number', say((id) => packet('EXTENDED_REPLY', id, '\0\0\0'))],
  ['a name', say((id) => names(id, [{ name: 'f' }]))],
  ['data', say((id) => data(id, 'x'.repeat(32)))],
  ['success', say((id) => status(id, 0))],
];

describe('a server that tells its limits as', { concurrent: true, timeout: 60_000 }, () => {
  it.each(told)('%s is copied from and to all the same', async (_, EXTENDED) => {
    const content = 'abcdefg\n'.repeat(400);
    const plan: SftpPlan = { extensions: offered, tree: { f: content }, answers: { EXTENDED } };
    expectSftpCopied(await attackSftp({ plan }), [`! work/out/f: file 640 ${JSON.stringify(content)}`, 't work/out']);
    const local = { 'work/up': content };
    const upload = await attackSftp({ plan: { ...plan, tree: {} }, local, operands: ['up', 'h:there'] });
    expectSftpCopied(upload, []);
    expect(upload.servers[0]?.content('there')).toBe(content);
  });

  it.each(wrongLimits)('%s is refused, or copied from with the sizes that all servers take', async (_, EXTENDED) => {
    const result = await attackSftp({ plan: { extensions: offered, answers: { EXTENDED } } });
    expectSftpEnd(result);
    if (result.status === 0) expect(result.changes).toEqual(landedF);
    else expectSftpRefused(result, protocolError);
  });
});
