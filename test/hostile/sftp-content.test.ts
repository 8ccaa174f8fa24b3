import { describe, expect, it } from 'vitest';
import { begun } from '../support/hostile-run.ts';
import {
  type Answer,
  type FakeFile,
  type FakeSftp,
  NOTHING,
  type Override,
  type SftpPlan,
  type SftpRequest,
  say,
  type Tree,
} from '../support/hostile-sftp-engine.ts';
import {
  attackSftp,
  bothTransports,
  expectSftpCopied,
  expectSftpEnd,
  expectSftpRefused,
  landedF,
} from '../support/hostile-sftp-run.ts';
import { attrs, data, EOF, FAILURE, frame, status, types, u32, u64 } from '../support/hostile-sftp-wire.ts';
import { canWatchMemory, Watch } from '../support/hostile-watch.ts';

const block = Buffer.alloc(262_144, 'x');

/** Content without end: as much as is asked for. */
const endless = say((id, { length }) => data(id, block.subarray(0, length)));

/** A server that takes the largest READs. */
const large: SftpPlan = { extensions: [['limits@openssh.com', '1']] };

const file = (told: Partial<FakeFile>): Tree => ({ f: { content: 'hello', ...told } });

interface ContentCase {
  readonly title: string;
  readonly tree?: Tree;
  readonly read?: Override;
  readonly more?: SftpPlan;
  readonly cause: RegExp;
}

const protocolError = /protocol error: /;
const cutShort = /h:f: ends after 5 of [0-9]+ bytes/;

/** Downloads of `f` that must fail, with the old content in place. */
const lies: readonly ContentCase[] = [
  { title: 'size 1000 and the end after 5 bytes (V6)', tree: file({ size: 1000 }), cause: cutShort },
  { title: 'size 2^53 - 1 and the end after 5 bytes', tree: file({ size: 2n ** 53n - 1n }), cause: cutShort },
  { title: 'size 2^53', tree: file({ size: 2n ** 53n }), cause: /h:f|protocol error/ },
  { title: 'size 2^63 - 1', tree: file({ size: 2n ** 63n - 1n }), cause: /h:f|protocol error/ },
  { title: 'size 2^64 - 1', tree: file({ size: 2n ** 64n - 1n }), cause: /h:f|protocol error/ },
  { title: 'size 5 and more than was asked for (V7)', tree: file({}), read: over(1), cause: protocolError },
  {
    title: 'size 5 and content without end (V7)',
    tree: file({}),
    read: endless,
    cause: /h:f: holds more than the 5 bytes that its host says/,
  },
  { title: 'a whole block where 5 bytes were asked for', tree: file({}), read: over(60_000), cause: protocolError },
  {
    title: 'size 0 and content without end',
    tree: file({ size: 0 }),
    read: endless,
    more: large,
    cause: /h:f: .*holds more than/,
  },
  {
    title: 'no size and content without end',
    tree: { f: { content: '', raw: u32(0) } },
    read: endless,
    more: large,
    cause: /h:f: .*holds more than/,
  },
  { title: 'DATA without a byte, for ever', read: say((id) => data(id, '')), cause: protocolError },
  {
    title: 'DATA without a byte behind some bytes, for ever',
    tree: file({ size: 1000 }),
    read: ({ id, offset }) => data(id, offset === 0 ? 'hello' : ''),
    cause: protocolError,
  },
  {
    title: 'DATA whose inner length is longer than the packet',
    read: ({ id }) => frame(types.DATA, u32(id), u32(100), 'X\n'),
    cause: protocolError,
  },
  {
    title: 'DATA whose inner length is 2^32 - 1',
    read: ({ id }) => frame(types.DATA, u32(id), u32(0xffff_ffff), 'X\n'),
    cause: protocolError,
  },
  {
    title: 'DATA whose inner length is shorter than the packet',
    read: ({ id }) => frame(types.DATA, u32(id), u32(1), 'X\n'),
    cause: protocolError,
  },
  { title: 'DATA with another id', read: ({ id }) => data(id + 1000, 'X\n'), cause: protocolError },
  { title: 'DATA with id 0', read: () => data(0, 'X\n'), cause: protocolError },
  { title: 'an error', read: say((id) => status(id, FAILURE, 'bad sector')), cause: /h:f: bad sector/ },
  { title: 'the end at once', read: say((id) => status(id, EOF)), cause: /h:f: ends after 0 of 2 bytes/ },
  { title: 'success without content', read: say((id) => status(id, 0)), cause: protocolError },
  {
    title: 'the end in the middle and content behind it',
    tree: file({ size: 100_000 }),
    read: ({ id, offset, length }) => (offset === 32_768 ? status(id, EOF) : data(id, block.subarray(0, length))),
    cause: /h:f: ends after 32768 of 100000 bytes/,
  },
  {
    title: 'an error for the last block only',
    tree: file({ size: 100_000 }),
    read: ({ id, offset, length }) => (offset > 90_000 ? status(id, FAILURE, '') : data(id, block.subarray(0, length))),
    cause: /h:f: Failure/,
  },
];

function over(count: number): Override {
  return ({ id, length }) => data(id, Buffer.alloc(length + count));
}

describe('a server that answers a download with', { concurrent: true, timeout: 60_000 }, () => {
  it.each(lies)('$title fails it, and nothing half-written is left', async ({ tree, read, more, cause }) => {
    const plan = { ...more, ...(tree && { tree }), ...(read && { answers: { READ: read } }) };
    const result = await attackSftp({ plan });
    expectSftpEnd(result);
    expectSftpRefused(result, cause, result.changes.length === 0 ? [] : begun);
  });

  it.each(lies.slice(0, 7))('$title fails a new file too, below a directory', async ({ tree, read, more, cause }) => {
    const plan = { ...more, tree: { d: tree ?? { f: 'X\n' } }, ...(read && { answers: { READ: read } }) };
    const result = await attackSftp({ plan, flags: ['-r'], operands: ['h:d', 'out/'] });
    expectSftpEnd(result);
    expect(result.stderr).toMatch(new RegExp(cause.source.replace('h:f', 'h:d/f')));
    expect([1, 255]).toContain(result.status);
    expect(result.changes.filter((line) => !/^(\+ work\/out\/d: directory 755|t work\/out)$/.test(line))).toEqual([]);
  });

  it.each<[string, Override]>([
    ['DATA without a length', ({ id }) => frame(types.DATA, u32(id))],
    ['DATA without an id', () => frame(types.DATA, '\0')],
    ['DATA without anything', () => frame(types.DATA)],
  ])('%s fails it at once, although nothing more comes', async (_, READ) => {
    const result = await attackSftp({ plan: { answers: { READ } }, timeoutMs: 12_000 });
    expectSftpRefused(result, protocolError, result.changes.length === 0 ? [] : begun);
  });

  it('size 5, more content, and a larger size when it is asked again, has the 5 bytes taken: the file has grown', async () => {
    let asked = 0;
    const FSTAT: Override = ({ id }) => attrs(id, { size: asked++ === 0 ? 5n : 100n, mode: 0o100640 });
    const result = await attackSftp({ plan: { tree: file({}), answers: { READ: endless, FSTAT } } });
    expectSftpEnd(result);
    expect(result.status).toBe(0);
    expect(result.changes).toEqual(['! work/out/f: file 640 "xxxxx"', 't work/out']);
  });

  it('size 5 in its listing and another once it is open has what the open file has', async () => {
    const FSTAT: Override = ({ id }) => attrs(id, { size: 7n, mode: 0o100640 });
    const READ: Override = ({ id, offset, length }) =>
      offset >= 7 ? status(id, EOF) : data(id, Buffer.from('longer!').subarray(offset, offset + length));
    const result = await attackSftp({ plan: { tree: file({}), answers: { READ, FSTAT } } });
    expectSftpEnd(result);
    expect(result.status).toBe(0);
    expect(result.changes).toEqual(['! work/out/f: file 640 "longer!"', 't work/out']);
  });

  it('a size of 2^63 - 1 beside others does not keep them', async () => {
    const tree = { d: { a: 'one', huge: { content: 'x', size: 2n ** 63n - 1n }, z: 'two' } };
    const result = await attackSftp({ plan: { tree }, flags: ['-r'], operands: ['h:d', 'out/'] });
    expectSftpEnd(result);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/h:d\/huge: File too large/);
    expect(result.changes.filter((line) => /out\/d\/[az]:/.test(line))).toHaveLength(2);
  });

  it('size 5 and content without end is asked for one byte more, once', async () => {
    const asked: [number, number][] = [];
    const READ: Override = ({ id, offset, length }) => {
      asked.push([offset, length]);
      return data(id, block.subarray(0, length));
    };
    await attackSftp({ plan: { tree: file({}), answers: { READ } } });
    expect(asked).toEqual([[0, 6]]);
  });

  it('size 5 and 5 bytes is asked once', async () => {
    let reads = 0;
    const READ: Override = ({ id }) => {
      reads++;
      return data(id, 'hello');
    };
    const result = await attackSftp({ plan: { tree: file({}), answers: { READ } } });
    expect(result.status).toBe(0);
    expect(reads).toBe(1);
  });
});

describe('a server with a file of 2^53 - 1 bytes that goes on and on', { timeout: 60_000 }, () => {
  it.skipIf(!canWatchMemory).each(bothTransports)('(%s) takes bounded memory, and Ctrl-C ends it', async (form) => {
    const watch = new Watch();
    const READ: Override = ({ id, length }, fake) => {
      if (fake.count('READ') === 1000) watch.signal('SIGINT');
      return data(id, block.subarray(0, length));
    };
    const plan = { tree: file({ size: 2n ** 53n - 1n }), answers: { READ } };
    const result = await attackSftp({ form, plan, watch, operands: ['h:f', '/dev/null'], timeoutMs: 30_000 });
    expectSftpEnd(result);
    expect(result).toMatchObject({ status: 1, changes: [] });
    expect(result.sinceSignalMs).toBeLessThan(4000);
  });
});

const pattern = Array.from({ length: 3000 }, (_, i) => String.fromCharCode(97 + (i % 23))).join('');

/** A server that wants READs of 64 bytes, so that a small file takes many. */
const inPieces = (read: Override, content = pattern): SftpPlan => ({
  tree: { f: content },
  extensions: [['limits@openssh.com', '1']],
  answers: {
    EXTENDED: ({ id }) => frame(types.EXTENDED_REPLY, u32(id), u64(64), u64(64), u64(64), u64(64)),
    READ: read,
  },
});

/** Keeps answers back and gives them in another order, once nothing has been asked for a while. */
function reordered(order: (answers: Uint8Array[]) => Uint8Array[]): Override {
  const held: Uint8Array[] = [];
  let timer: NodeJS.Timeout | undefined;
  return (request, fake) => {
    held.push(fake.honest(request));
    clearTimeout(timer);
    timer = setTimeout(() => void fake.peer.send(Buffer.concat(order(held.splice(0)))).catch(() => {}), 60);
    return NOTHING;
  };
}

/** Each answer carries one byte. */
const singleBytes = ({ id, offset }: SftpRequest): Answer =>
  offset < 60 ? data(id, pattern.charAt(offset)) : status(id, EOF);

describe.each(bothTransports)(
  'a server (%s) gives the right file although it',
  { concurrent: true, timeout: 60_000 },
  (form) => {
    it.each<[string, SftpPlan]>([
      ['answers in reverse order', inPieces(reordered((answers) => answers.reverse()))],
      [
        'answers every second request first',
        inPieces(reordered((all) => [...all.filter((_, i) => i % 2 === 1), ...all.filter((_, i) => i % 2 === 0)])),
      ],
      ['gives one byte for each request', { tree: { f: pattern.slice(0, 60) }, answers: { READ: singleBytes } }],
      [
        'gives less and less for each request',
        { tree: { f: pattern }, answers: { READ: ({ id, offset, length }) => shrinking(id, offset, length) } },
      ],
      [
        'once gives DATA without a byte',
        {
          tree: { f: pattern },
          answers: { READ: ({ id }, fake) => (fake.count('READ') === 1 ? data(id, '') : undefined) },
        },
      ],
      ['says nothing of the size', { tree: { f: { content: pattern, raw: u32(0) } } }],
      ['says that the size is 0', { tree: { f: { content: pattern, size: 0 } } }],
    ])('%s', async (_, plan) => {
      const content = plan.answers?.READ === singleBytes ? pattern.slice(0, 60) : pattern;
      const result = await attackSftp({ form, plan });
      expectSftpCopied(result, [`! work/out/f: file 640 ${JSON.stringify(content)}`, 't work/out']);
    });
  },
);

function shrinking(id: number, offset: number, length: number): Answer {
  const part = pattern.slice(offset, offset + Math.max(1, Math.ceil(Math.min(length, pattern.length - offset) / 2)));
  return part === '' ? status(id, EOF) : data(id, part);
}

/** The answer to CLOSE says nothing about what was read. */
const closings: readonly (readonly [string, (id: number, fake: FakeSftp) => Answer])[] = [
  ['an error', (id) => status(id, FAILURE, 'no')],
  ['the end of the file', (id) => status(id, EOF)],
  ['a wrong type', (id) => attrs(id, { size: 5 })],
  ['the same answer twice', (id) => [status(id, 0), status(id, 0)]],
  ['garbage', () => Buffer.from('garbage garbage garbage')],
];

describe('a server that answers the CLOSE of a file that was read with', { concurrent: true, timeout: 60_000 }, () => {
  it.each(closings)('%s has the whole file copied, or refused as a whole', async (_, answer) => {
    const plan: SftpPlan = { answers: { CLOSE: ({ id }, fake) => answer(id, fake) } };
    const result = await attackSftp({ plan, timeoutMs: 15_000 });
    expectSftpEnd(result);
    if (result.status === 0) expect(result.changes).toEqual(landedF);
    else expect([[], begun, landedF]).toContainEqual(result.changes);
    expect(result.elapsedMs).toBeLessThan(8000);
  });
});
