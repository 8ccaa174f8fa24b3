import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionError, FileError, ProtocolError, RemoteError } from '../../src/base/errors.ts';
import { ScpLink } from '../../src/scp/link.ts';
import { runSink } from '../../src/scp/sink.ts';
import { ScpSource } from '../../src/scp/source.ts';
import { fuzzRuns, fuzzTimeout } from '../support/fuzz.ts';
import { MemoryReceiver } from '../support/memory-tree.ts';
import { Collector, cutAt, pieces, wire } from '../support/streams.ts';

const RUNS = fuzzRuns(500);

type Node =
  | { readonly kind: 'file'; readonly name: string; readonly mode: number; readonly content: Buffer }
  | { readonly kind: 'directory'; readonly name: string; readonly mode: number; readonly children: readonly Node[] };

const nameOf = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .filter((name) => !/[/\0\ud800-\udfff]/.test(name) && name !== '.' && name !== '..');

const { tree } = fc.letrec<{ tree: Node; file: Node; directory: Node }>((tie) => ({
  file: fc.record({
    kind: fc.constant('file' as const),
    name: nameOf,
    mode: fc.nat(0o7777),
    content: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
  }),
  directory: fc.record({
    kind: fc.constant('directory' as const),
    name: nameOf,
    mode: fc.nat(0o777),
    children: fc.array(tie('tree'), { maxLength: 4 }),
  }),
  tree: fc.oneof({ depthSize: 'small' }, tie('file'), tie('directory')),
}));

async function* inChunks(content: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

async function sendNode(source: ScpSource, node: Node, mtimeSeconds: number): Promise<void> {
  const entry = { name: node.name, path: node.name, mode: node.mode, times: { mtimeSeconds, atimeSeconds: 1 } };
  if (node.kind === 'file') {
    await source.file({ ...entry, size: node.content.length, content: inChunks(node.content) });
    return;
  }
  await source.enter(entry);
  for (const child of node.children) await sendNode(source, child, mtimeSeconds);
  await source.leave();
}

function flatten(node: Node, above = ''): { path: string; mode: number; content: Buffer | 'directory' }[] {
  const path = above + node.name;
  if (node.kind === 'file') return [{ path, mode: node.mode, content: node.content }];
  return [
    { path, mode: node.mode, content: 'directory' },
    ...node.children.flatMap((child) => flatten(child, `${path}/`)),
  ];
}

/** Everything a source sends for a tree, as one run of bytes. The replies are given in advance. */
async function sourceBytes(node: Node): Promise<Buffer> {
  const { left, right } = wire();
  const recorded: Buffer[] = [];
  right.input.on('data', (chunk: Buffer) => {
    recorded.push(chunk);
  });
  left.input.end(Buffer.alloc(100_000));
  const source = await ScpSource.start(new ScpLink(left.input, left.output, 'test'));
  await sendNode(source, node, 42);
  return Buffer.concat(recorded);
}

describe('source and sink', () => {
  it('carry any tree over, with names, modes, times and content', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (node) => {
        const { left, right } = wire();
        const receiver = new MemoryReceiver();
        const sunk = runSink(new ScpLink(right.input, right.output, 'source'), receiver, { recursive: true });
        const source = await ScpSource.start(new ScpLink(left.input, left.output, 'sink'));
        await sendNode(source, node, 1234);
        left.output.end();
        const result = await sunk;
        const expected = flatten(node);
        expect(receiver.received.map(({ mtimeSeconds, ...rest }) => rest).sort(byPath)).toEqual(expected.sort(byPath));
        expect(receiver.received.every((entry) => entry.mtimeSeconds === 1234)).toBe(true);
        expect(result.failures).toBe(0);
        expect(result.bytes).toBe(
          expected.reduce((sum, e) => sum + (e.content === 'directory' ? 0 : e.content.length), 0),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('do not depend on how the byte stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.array(fc.nat(5000), { maxLength: 20 }), async (node, places) => {
        const bytes = await sourceBytes(node);
        const receiver = new MemoryReceiver();
        const input = pieces(
          cutAt(
            bytes,
            places.map((place) => place % (bytes.length + 1)),
          ),
        );
        await runSink(new ScpLink(input, new Collector(), 'source'), receiver, { recursive: true });
        expect(receiver.received.map((entry) => entry.path).sort()).toEqual(
          flatten(node)
            .map((entry) => entry.path)
            .sort(),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('take every single-byte piece of a stream', async () => {
    const node: Node = {
      kind: 'directory',
      name: 'd',
      mode: 0o755,
      children: [{ kind: 'file', name: 'f', mode: 0o644, content: Buffer.from('hello') }],
    };
    const bytes = await sourceBytes(node);
    const receiver = new MemoryReceiver();
    const input = pieces(Array.from(bytes, (byte) => Buffer.of(byte)));
    const result = await runSink(new ScpLink(input, new Collector(), 'source'), receiver, { recursive: true });
    expect(result).toEqual({ files: 1, directories: 1, bytes: 5, failures: 0, entries: 2 });
  });

  it('never take a truncated stream for a whole one, wherever it is cut', async () => {
    const node: Node = {
      kind: 'directory',
      name: 'd',
      mode: 0o755,
      children: [
        { kind: 'file', name: 'f', mode: 0o644, content: Buffer.from('hello') },
        { kind: 'directory', name: 'e', mode: 0o755, children: [] },
      ],
    };
    const bytes = await sourceBytes(node);
    // The times record in front can end anywhere but before its first byte; the stream as a whole only at its end.
    for (let length = 1; length < bytes.length; length++) {
      const receiver = new MemoryReceiver();
      const sunk = runSink(new ScpLink(pieces([bytes.subarray(0, length)]), new Collector(), 'source'), receiver, {
        recursive: true,
      });
      const afterTimes = bytes.subarray(0, length).toString() === 'T42 0 1 0\n';
      if (afterTimes) await expect(sunk).resolves.toMatchObject({ entries: 0 });
      else
        await expect(sunk, `cut at ${length}`).rejects.toSatisfy(
          (e) => e instanceof ConnectionError || e instanceof ProtocolError,
        );
      const landed = receiver.received.filter((entry) => entry.content !== 'directory');
      expect(landed.every((entry) => entry.content.toString() === 'hello')).toBe(true);
    }
  });

  it(
    'answer noise with an error in bounded time and let nothing land that was not complete',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (noise) => {
          const receiver = new MemoryReceiver();
          await runSink(new ScpLink(pieces([Buffer.from(noise)]), new Collector(), 'source'), receiver, {
            recursive: true,
          }).catch((error) => {
            expect(error).toSatisfy((e) => e instanceof ConnectionError || e instanceof ProtocolError);
          });
        }),
        { numRuns: RUNS },
      );
    },
    fuzzTimeout(RUNS),
  );

  it(
    'take records that are nearly right for what they are: no path but of plain names, no content but of the length that was said',
    async () => {
      const record = fc.oneof(
        fc.constantFrom(
          'C0644 5 f\nhello\0',
          'D0755 0 d\n',
          'E\n',
          'T1 0 1 0\n',
          '\0',
          '\x01scp: no\n',
          '\x02end\n',
          'hello\0',
        ),
        fc
          .tuple(
            fc.constantFrom('C', 'D', 'T', 'E', 'X'),
            fc.constantFrom('0644', '644', '7777', '-1', '99999'),
            fc.constantFrom('0', '5', '-1', '9007199254740993', '18446744073709551616', '0x10', '05'),
            fc.constantFrom('f', '..', '.', '', 'a/b', 'x'.repeat(300), '\u001b[2J', ' '),
          )
          .map(([kind, mode, size, name]) => `${kind}${mode} ${size} ${name}\n`),
      );
      const mutation = fc.tuple(fc.nat(), fc.nat({ max: 255 }));
      await fc.assert(
        fc.asyncProperty(
          fc.array(record, { maxLength: 8 }),
          fc.array(mutation, { maxLength: 2 }),
          async (records, mutations) => {
            const bytes = Buffer.from(records.join(''), 'latin1');
            for (const [at, value] of mutations) if (bytes.length > 0) bytes[at % bytes.length] = value;
            const receiver = new MemoryReceiver();
            const link = new ScpLink(pieces([bytes]), new Collector(), 'source');
            await runSink(link, receiver, { recursive: true }).catch((error) => {
              expect(error).toSatisfy((e) => e instanceof ConnectionError || e instanceof ProtocolError);
            });
            for (const { path } of receiver.received)
              expect(path.split('/').filter((part) => part === '' || part === '.' || part === '..')).toEqual([]);
          },
        ),
        { numRuns: RUNS },
      );
    },
    fuzzTimeout(RUNS),
  );
});

function byPath(a: { path: string }, b: { path: string }): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** What a sink answers to exactly these bytes, with its error if it throws one. */
async function sinkAnswers(
  bytes: string | Buffer,
  options: { recursive?: boolean; receiver?: MemoryReceiver; output?: Collector } = {},
) {
  const output = options.output ?? new Collector();
  const receiver = options.receiver ?? new MemoryReceiver();
  const link = new ScpLink(pieces([Buffer.from(bytes as string, 'latin1')]), output, 'peer');
  let error: unknown;
  const result = await runSink(link, receiver, { recursive: options.recursive ?? true }).catch((thrown: unknown) => {
    error = thrown;
    return undefined;
  });
  return { answers: output.bytes.toString('latin1'), receiver, error, result };
}

describe('sink', () => {
  it('answers each record, and the data, with one byte', async () => {
    const { answers, receiver } = await sinkAnswers('T1 0 2 0\nD0755 0 d\nT3 0 4 0\nC0644 2 f\nX\n\0E\n');
    expect(answers).toBe('\0\0\0\0\0\0\0');
    expect(receiver.received.map((entry) => [entry.path, entry.mtimeSeconds])).toEqual([
      ['d', 1],
      ['d/f', 3],
    ]);
  });

  it.each([
    ['D0777 0 .\n', 'error: unexpected filename: .'],
    ['D0777 0 \n', 'error: unexpected filename: '],
    ['D0777 0 ..\n', 'error: unexpected filename: ..'],
    ['C0644 2 ../esc\n', 'error: unexpected filename: ../esc'],
    ['C0644 2 /abs\n', 'error: unexpected filename: /abs'],
    ['C0644 2 a/b\n', 'error: unexpected filename: a/b'],
    ['C0644 2 a\0b\n', 'error: unexpected filename: a\\000b'],
    ['C0644 -2 f\n', 'protocol error: size not present'],
    ['C9999 2 f\n', 'protocol error: bad mode'],
    ['E\n', 'protocol error: end of a directory that was not entered'],
  ])('ends the copy at %j and tells the source why', async (bytes, words) => {
    const { answers, error, receiver } = await sinkAnswers(bytes);
    expect(error).toBeInstanceOf(ProtocolError);
    expect(answers).toBe(`\0\x01scp: ${words}\n`);
    expect(receiver.received).toEqual([]);
  });

  it('refuses a directory without -r', async () => {
    const { answers, error } = await sinkAnswers('D0755 0 d\n', { recursive: false });
    expect(error).toMatchObject({ code: 'ERR_NOT_REQUESTED' });
    expect(answers).toBe('\0\x01scp: protocol error: received directory without -r\n');
  });

  it('refuses a record of more than 2,047 bytes', async () => {
    const { error, answers } = await sinkAnswers(`C0644 1 ${'n'.repeat(2040)}\n`);
    expect(error).toMatchObject({ code: 'ERR_LIMIT' });
    expect(answers).toBe('\0\x01scp: protocol error: record is too long\n');
  });

  it('stays in step after an entry it refuses: the source skips the data', async () => {
    const receiver = new MemoryReceiver({ refuse: (name) => name === 'no' });
    const { answers, result } = await sinkAnswers('C0644 2 no\nC0644 2 yes\nOK\0', { receiver });
    expect(answers).toBe('\0\x01scp: no: Permission denied\n\0\0');
    expect(result).toMatchObject({ files: 1, failures: 1 });
  });

  it('drains the data of a file that cannot be written, answers once, and goes on', async () => {
    const receiver = new MemoryReceiver({ failAfter: 3 });
    const { answers, result } = await sinkAnswers('C0644 6 big\n123456\0C0644 2 f\nOK\0', { receiver });
    expect(answers).toBe('\0\0\x01scp: big: No space left on device\n\0\0');
    expect(result).toMatchObject({ files: 1, failures: 1 });
    expect(receiver.discarded).toBe(1);
  });

  it('has nothing left of a file when its source hears that it was refused', async () => {
    const output = new Collector();
    const heard: string[] = [];
    const onDiscard = (): void => void heard.push(output.bytes.toString('latin1'));
    await sinkAnswers('C0644 6 big\n123456\0', { receiver: new MemoryReceiver({ failAfter: 3, onDiscard }), output });
    expect(heard).toEqual(['\0\0']);
    expect(output.bytes.toString('latin1')).toBe('\0\0\x01scp: big: No space left on device\n');
  });

  it('throws away a file that the source could not read to its end', async () => {
    const { answers, receiver, result } = await sinkAnswers('C0644 2 f\nX\0\x01scp: f: Input/output error\n');
    expect(answers).toBe('\0\0\0');
    expect(receiver.received).toEqual([]);
    expect(receiver.discarded).toBe(1);
    expect(result).toMatchObject({ failures: 1 });
  });

  it('reports errors of the source and goes on, with nothing in them that acts on a terminal', async () => {
    const { receiver, result } = await sinkAnswers('\x01scp: x: \x1b[2Jgone\nC0644 0 f\n\0');
    expect(receiver.failures).toEqual(['scp: x: \\033[2Jgone']);
    expect(result).toMatchObject({ files: 1, failures: 1 });
  });

  it('ends at a fatal error of the source', async () => {
    const { error } = await sinkAnswers('\x02die\nC0644 0 f\n\0');
    expect(error).toMatchObject({ code: 'ERR_REMOTE', message: 'peer: die' });
  });

  it('takes the end of the stream inside a directory for a lost connection', async () => {
    const { error } = await sinkAnswers('D0755 0 d\nC0644 0 f\n\0');
    expect(error).toMatchObject({ code: 'ERR_CONNECTION_LOST' });
  });

  it.each([
    ['Welcome to host\n', '"Welcome to host"'],
    ['\nWelcome\n', 'an empty line'],
    ['no line end', '"no line end"'],
    ['Exit is near\n', '"Exit is near"'],
    ['\x1b]0;title\x07hi\n', '"\\033]0;title\\007hi"'],
  ])('names a talkative login shell as the cause for %j', async (bytes, shown) => {
    const { error } = await sinkAnswers(bytes);
    expect(error).toBeInstanceOf(ProtocolError);
    expect((error as ProtocolError).message).toBe(
      `the remote shell printed ${shown} where the copy protocol should begin`,
    );
    expect((error as ProtocolError).cure).toContain('login shell');
  });

  it('does not wait for ever for the end of a line that has begun', async () => {
    const { left, right } = wire();
    left.output.write('hello, who are you? ');
    const sunk = runSink(new ScpLink(right.input, right.output, 'peer'), new MemoryReceiver(), { recursive: true });
    await expect(sunk).rejects.toThrow('the remote shell printed "hello, who are you?"');
  });

  it('stops at an abort with its reason unchanged', async () => {
    const { left, right } = wire();
    const controller = new AbortController();
    const reason = new Error('enough');
    left.output.write('C0644 5 f\nab');
    const receiver = new MemoryReceiver();
    const sunk = runSink(new ScpLink(right.input, right.output, 'peer'), receiver, {
      recursive: true,
      signal: controller.signal,
    });
    right.output.once('data', () => {
      controller.abort(reason);
      left.output.write('c');
    });
    await expect(sunk).rejects.toBe(reason);
    expect(receiver.received).toEqual([]);
  });
});

/** Runs a source against replies that are given in advance; returns what it sent. */
async function sourceSends(replies: string, work: (source: ScpSource) => Promise<void>) {
  const output = new Collector();
  const link = new ScpLink(pieces([Buffer.from(replies, 'latin1')]), output, 'peer');
  let error: unknown;
  try {
    await work(await ScpSource.start(link));
  } catch (thrown) {
    error = thrown;
  }
  return { sent: output.bytes.toString('latin1'), error };
}

const file = (content: string, size = content.length) => ({
  name: 'f',
  path: 'dir/f',
  mode: 0o644,
  size,
  content: inChunks(Buffer.from(content), 2),
});

describe('source', () => {
  it('sends times, record, data and verdict', async () => {
    const { sent } = await sourceSends('\0\0\0\0', async (source) => {
      await source.file({ ...file('hello'), times: { mtimeSeconds: 10.9, atimeSeconds: -5 } });
    });
    expect(sent).toBe('T10 0 0 0\nC0644 5 f\nhello\0');
  });

  it('skips the data of a file that the sink refuses, and can go on', async () => {
    const { sent, error } = await sourceSends('\0\x01scp: f: Permission denied\n\0\0', async (source) => {
      await expect(source.file(file('hello'))).rejects.toEqual(new RemoteError('scp: f: Permission denied'));
      await source.file(file('x'));
    });
    expect(error).toBeUndefined();
    expect(sent).toBe('C0644 5 f\nC0644 1 f\nx\0');
  });

  it('makes up a file that became shorter with zeros and tells both sides', async () => {
    const { sent } = await sourceSends('\0\0\0', async (source) => {
      await expect(source.file(file('abc', 6))).rejects.toMatchObject({ code: 'ERR_FILE_CHANGED' });
    });
    expect(sent).toBe('C0644 6 f\nabc\0\0\0\x01scp: dir/f: file became shorter while it was read\n');
  });

  it('sends no more of a file that grew than it announced', async () => {
    const { sent, error } = await sourceSends('\0\0\0', async (source) => await source.file(file('abcdef', 3)));
    expect(error).toBeUndefined();
    expect(sent).toBe('C0644 3 f\nabc\0');
  });

  it('keeps the wire in step when a file cannot be read to its end', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('ab');
      throw new FileError('f', 'read', 'EIO');
    }
    const { sent } = await sourceSends('\0\0\0\0\0', async (source) => {
      await expect(
        source.file({ name: 'f', path: 'dir/f', mode: 0o644, size: 4, content: broken() }),
      ).rejects.toMatchObject({ code: 'EIO' });
      await source.file(file('ok'));
    });
    expect(sent).toBe('C0644 4 f\nab\0\0\x01scp: f: Input/output error\nC0644 2 f\nok\0');
  });

  it.each([
    ['Welcome\n\0', '"Welcome"'],
    ['\n\0', 'an empty line'],
    ['Hi \0', '"Hi"'],
    ['\x1b[31mred\n', '"\\033[31mred"'],
  ])('names a talkative login shell as the cause for %j', async (replies, shown) => {
    const { error } = await sourceSends(replies, async () => {});
    expect((error as Error).message).toBe(`the remote shell printed ${shown} where the copy protocol should begin`);
  });

  it('passes on why the sink cannot take anything', async () => {
    const { error } = await sourceSends('\x01scp: /nope: No such file or directory\n', async () => {});
    expect(error).toEqual(new RemoteError('scp: /nope: No such file or directory'));
  });

  it('takes the end of the stream for a lost connection', async () => {
    const { error } = await sourceSends('\0\0', async (source) => await source.file(file('x')));
    expect(error).toMatchObject({
      code: 'ERR_CONNECTION_LOST',
      message: 'peer: lost connection while sending dir/f (1 of 1 bytes)',
    });
  });

  it('holds its producer back while the peer does not read', async () => {
    const { left } = wire();
    left.input.write(Buffer.alloc(2));
    let produced = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        produced++;
        yield Buffer.alloc(64 * 1024);
      }
    }
    const source = await ScpSource.start(new ScpLink(left.input, left.output, 'peer'));
    const sending = source
      .file({ name: 'f', path: 'dir/f', mode: 0o644, size: 1e12, content: endless() })
      .catch((error: unknown) => error);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(produced).toBeLessThan(6);
    left.output.destroy();
    left.input.end();
    expect(await sending).toMatchObject({ code: 'ERR_CONNECTION_LOST' });
  });
});
