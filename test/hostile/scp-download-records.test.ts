import { describe, expect, it } from 'vitest';
import { blindly, byteByByte, forms, type HostilePeer, type Script } from '../support/hostile-peer.ts';
import { type Attack, attack, begun, expectCleanEnd, expectRefused } from '../support/hostile-run.ts';
import { shareOf } from '../support/large.ts';

interface RecordCase extends Pick<Attack, 'flags' | 'operands'> {
  readonly title: string;
  readonly sent: string | Uint8Array | Script;
  readonly cause: RegExp;
  /** What is different afterwards; nothing by default. */
  readonly changes?: readonly string[];
}

const tree: Pick<RecordCase, 'flags' | 'operands'> = { flags: ['-r'], operands: ['h:d', 'out/'] };
const treeBegun = ['+ work/out/d: directory 755', 't work/out'];
const lost = /lost connection/;
const tooLong = /protocol error: record is too long/;
const landed = ['! work/out/f: file 640 "X\\n"', 't work/out'];

const malformed: readonly RecordCase[] = [
  { title: 'a mode that is not octal', sent: 'C9999 2 f\nX\n\0', cause: /protocol error: bad mode/ },
  { title: 'a mode of three digits', sent: 'C644 2 f\nX\n\0', cause: /protocol error: bad mode/ },
  { title: 'a mode of five digits', sent: 'C00644 2 f\nX\n\0', cause: /protocol error: mode not delimited/ },
  { title: 'a negative size', sent: 'C0644 -2 f\nX\n\0', cause: /protocol error: size not present/ },
  { title: 'a size with a plus', sent: 'C0644 +2 f\nX\n\0', cause: /protocol error: size not present/ },
  { title: 'a hexadecimal size', sent: 'C0644 0x2 f\nX\n\0', cause: /protocol error: size not delimited/ },
  {
    title: 'a size of 20 digits (CVE-2016-2563)',
    sent: 'C0644 99999999999999999999 f\nX\n\0',
    cause: /protocol error: size out of range/,
  },
  {
    title: 'a size of 2^64 + 2',
    sent: 'C0644 18446744073709551618 f\nX\n\0',
    cause: /protocol error: size out of range/,
  },
  { title: 'a size of 2^53', sent: 'C0644 9007199254740992 f\nX\n\0', cause: /protocol error: size out of range/ },
  {
    title: 'a size of 2,000 digits',
    sent: `C0644 ${'0'.repeat(2000)}2 f\nX\n\0`,
    cause: /protocol error: size out of range/,
  },
  {
    title: 'a size of 2^63 - 1',
    sent: 'C0644 9223372036854775807 f\nX\n\0',
    cause: /protocol error: size out of range/,
  },
  {
    title: 'negative times',
    flags: ['-p'],
    sent: 'T-1 0 1 0\nC0644 2 f\nX\n\0',
    cause: /protocol error: mtime.sec not present/,
  },
  {
    title: 'times without microseconds',
    flags: ['-p'],
    sent: 'T1 1\n',
    cause: /protocol error: mtime.usec not delimited/,
  },
  { title: 'a record of no known kind', sent: 'X0644 2 f\nX\n\0', cause: /the remote shell printed/ },
  {
    title: 'a record of no known kind after a good one',
    sent: 'T1 0 1 0\nX0644 2 f\n',
    cause: /protocol error: expected control record/,
  },
  { title: 'an empty record after a good one', sent: 'T1 0 1 0\n\n', cause: /protocol error: unexpected <newline>/ },
  { title: 'a NUL for a record', sent: 'T1 0 1 0\n\0\n', cause: /protocol error: expected control record/ },
  { title: 'a name of 3,000 characters', sent: `C0644 2 ${'n'.repeat(3000)}\nX\n\0`, cause: tooLong },
  {
    title: 'a name of 3,000 characters with -T',
    flags: ['-T'],
    sent: `C0644 2 ${'n'.repeat(3000)}\nX\n\0`,
    cause: tooLong,
  },
  {
    title: 'a name of 256 bytes with -T',
    flags: ['-T'],
    sent: `C0644 2 ${'n'.repeat(256)}\nX\n\0`,
    cause: /File name too long/,
  },
  { title: 'a record of 2,048 bytes', sent: `C0644 2 ${'n'.repeat(2040)}\nX\n\0`, cause: tooLong },
  { title: 'a line of 100,000 characters', sent: 'x'.repeat(100_000), cause: /the remote shell printed/ },
  {
    title: 'an end of a directory that was not entered',
    flags: ['-r'],
    sent: 'E\n',
    cause: /end of a directory that was not entered/,
  },
  {
    title: 'an E with something behind it',
    flags: ['-r'],
    sent: 'T1 0 1 0\nE x\n',
    cause: /protocol error: expected control record/,
  },
];

const untimely: readonly RecordCase[] = [
  { title: 'nothing at all', sent: '', cause: /the remote side sent nothing and gave no reason/ },
  { title: 'the end inside a record', sent: 'C0644 2 ', cause: lost },
  { title: 'only times', flags: ['-p'], sent: 'T1 0 1 0\n', cause: /the remote side sent nothing/ },
  { title: 'a record and the end', sent: 'C0644 2 f\n', cause: lost, changes: begun },
  {
    title: 'the end after part of the data (V6)',
    sent: 'C0644 1000 f\nhello',
    cause: /lost connection.*5 of 1000 bytes/,
    changes: begun,
  },
  { title: 'the end instead of the verdict on the data', sent: 'C0644 2 f\nX\n', cause: lost, changes: begun },
  { title: 'a size of 2^53 - 1 and the end', sent: 'C0644 9007199254740991 f\nX\n', cause: lost, changes: begun },
  {
    title: 'more data than announced (V7)',
    sent: `C0644 5 f\n${'x'.repeat(100_000)}`,
    cause: /protocol error: unexpected reply/,
    changes: begun,
  },
  {
    title: 'zeros without end behind an empty file',
    sent: `C0644 0 f\n${'\0'.repeat(100_000)}`,
    cause: tooLong,
    changes: ['! work/out/f: file 640 ""', 't work/out'],
  },
  {
    title: 'data after the last file',
    sent: 'C0644 2 f\nX\n\0garbage\n',
    cause: /protocol error: expected control record/,
    changes: landed,
  },
  {
    title: 'an E after the file',
    flags: ['-r'],
    sent: 'C0644 2 f\nX\n\0E\n',
    cause: /end of a directory that was not entered/,
    changes: landed,
  },
  { title: 'the end inside a directory (V8)', ...tree, sent: 'D0755 0 d\n', cause: lost, changes: treeBegun },
  {
    title: 'the end after a file in a directory (V8)',
    ...tree,
    sent: 'D0755 0 d\nC0644 1 f\nX\0',
    cause: lost,
    changes: [...treeBegun, '+ work/out/d/f: file 644 "X"'].sort(),
  },
  {
    title: 'one E too many (V8)',
    ...tree,
    sent: 'D0755 0 d\nE\nE\n',
    cause: /end of a directory that was not entered/,
    changes: treeBegun,
  },
  {
    title: 'one E too few (V8)',
    ...tree,
    sent: 'D0755 0 d\nD0755 0 e\nE\n',
    cause: lost,
    changes: [...treeBegun, '+ work/out/d/e: directory 755'].sort(),
  },
  {
    title: 'an error instead of the file',
    sent: '\x01scp: f: Permission denied\n',
    cause: /^scp: f: Permission denied$/m,
  },
  {
    title: 'an error behind the data',
    sent: 'C0644 2 f\nX\n\x01scp: f: read error\n',
    cause: /scp: f: read error/,
    changes: begun,
  },
  {
    title: 'an error between the times and the file, and then the file',
    flags: ['-p'],
    sent: 'T5 0 5 0\n\x01oops\nC0644 2 f\nX\n\0',
    cause: /oops/,
    changes: ['! work/out/f: file 644 "X\\n"', 't work/out'],
  },
  { title: 'its last word before the file', sent: '\x02die\n', cause: /die/ },
  { title: 'its last word behind the data', sent: 'C0644 2 f\nX\n\x02die\n', cause: /die/, changes: begun },
  {
    title: 'its last word inside the data, as bytes of it',
    sent: 'C0644 9 f\nX\n\x02die\n',
    cause: lost,
    changes: begun,
  },
  { title: 'an error of 10,000 characters without end', sent: `\x01${'e'.repeat(10_000)}`, cause: /e{100}/ },
];

const ends: readonly RecordCase[] = [
  {
    title: 'status 0 after an error',
    sent: blindly('C0644 2 f\nX\n\0\x01scp: g: not readable\n'),
    cause: /scp: g: not readable/,
    changes: landed,
  },
  {
    title: 'status 1 and no message',
    sent: blindly('C0644 2 f\nX\n\0', 1),
    cause: /the remote scp ended with status 1/,
    changes: landed,
  },
  { title: 'status 1 and nothing else', sent: blindly('', 1), cause: /the remote scp ended with status 1/ },
  { title: 'status 127: there is no scp', sent: blindly('', 127), cause: /has no scp program/ },
  { title: 'status 126: scp cannot be run', sent: blindly('', 126), cause: /cannot be run/ },
  { title: 'status 255', sent: blindly('C0644 2 f\nX\n\0', 255), cause: /lost|status 255/, changes: landed },
  {
    title: 'a signal behind the file',
    sent: sendAnd('C0644 2 f\nX\n\0', (peer) => peer.die('KILL')),
    cause: /signal KILL|lost/,
    changes: landed,
  },
  {
    title: 'a signal inside the data',
    sent: sendAnd('C0644 20 f\nX\n', (peer) => peer.die('TERM')),
    cause: /signal TERM|lost/,
    changes: begun,
  },
  {
    title: 'no goodbye inside the data',
    sent: sendAnd('C0644 20 f\nX\n', (peer) => peer.vanish()),
    cause: /lost|reset/i,
    changes: begun,
  },
  {
    title: 'no goodbye before anything',
    sent: sendAnd('', (peer) => peer.vanish()),
    cause: /lost|reset|signal|sent nothing/i,
  },
];

/** Sends, waits for the client's first reply, so that the bytes have arrived, and acts. */
function sendAnd(bytes: string, act: (peer: HostilePeer) => void): Script {
  return async (peer) => {
    await peer.send(bytes);
    await peer.read(bytes.startsWith('C') ? 2 : 1);
    act(peer);
    await peer.gone;
  };
}

describe.each(forms)('a server (%s)', { concurrent: true, timeout: 60_000 }, (form) => {
  // What a record looks like is no matter of the transport.
  it.each(form === 'program' ? [...malformed, ...untimely] : untimely)(
    'that sends $title fails the copy, which says why',
    async ({ sent, cause, changes, title, ...rest }) => {
      const script = typeof sent === 'function' ? sent : blindly(sent);
      expectRefused(await attack({ form, script, ...rest }), cause, changes ?? [], title);
    },
  );

  it.each(shareOf(form, forms, ends))(
    'that ends with $title fails the copy, which says why',
    async ({ sent, cause, changes, title }) => {
      expectRefused(await attack({ form, script: sent as Script }), cause, changes ?? [], title);
    },
  );

  it('that sends every byte by itself is understood', async () => {
    const sent = 'T5 0 5 0\nD0755 0 d\nC0644 5 f\nhello\0E\n';
    const result = await attack({ form, script: byteByByte(sent), ...tree });
    expectCleanEnd(result);
    expect(result.status).toBe(0);
    expect(result.changes).toEqual(['+ work/out/d/f: file 644 "hello"', '+ work/out/d: directory 755', 't work/out']);
  });

  it.each([
    ['the largest number that is exact', '9007199254740991'],
    ['more than 64 bits', '99999999999999999999'],
    ['400 digits', '9'.repeat(400)],
  ])(
    'that sends times beyond all measure (%s) has them ignored or refused, and nothing half-written stays',
    async (_, seconds) => {
      const result = await attack({
        form,
        flags: ['-p'],
        script: blindly(`T${seconds} 0 ${seconds} 0\nC0644 2 f\nX\n\0`),
      });
      expectCleanEnd(result, seconds);
      if (result.status === 0) expect(result.changes).toEqual(['! work/out/f: file 644 "X\\n"', 't work/out']);
      else expect(result).toMatchObject({ status: 1, changes: begun });
    },
  );

  it('cannot give set-user-ID and set-group-ID bits, with -p or without (CVE-2026-35385)', async () => {
    for (const flags of [[], ['-p'], ['-rp']]) {
      const result = await attack({ form, flags, script: blindly('C7777 2 g\nX\n\0'), operands: ['h:g', 'out/'] });
      expectCleanEnd(result);
      expect(result.status).toBe(0);
      expect(result.changes[0], flags.join(' ')).toMatch(/^\+ work\/out\/g: file (755|777) "X\\n"$/);
    }
  });

  it('cannot give set-user-ID bits to the file behind a dangling link that the user named', async () => {
    const plan = { 'work/out/g': '-> behind' };
    const result = await attack({ form, plan, script: blindly('C7777 2 g\nX\n\0'), operands: ['h:g', 'out/g'] });
    expectCleanEnd(result);
    expect(result.changes.filter((line) => /file [1-7]\d{3} /.test(line))).toEqual([]);
  });

  it.each(['.', '', '..', './'])(
    'cannot change the mode or times of the target directory with -rp by the name %j (CVE-2018-20685)',
    async (name) => {
      const result = await attack({ form, flags: ['-rp'], script: blindly(`T5 0 5 0\nD0777 0 ${name}\nE\n`) });
      expectRefused(result, /unexpected filename/, [], JSON.stringify(name));
    },
  );
});
