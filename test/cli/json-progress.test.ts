import { Writable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeName } from '../../src/base/byte-name.ts';
import { ConnectionError, FileError } from '../../src/base/errors.ts';
import { JsonLines, jsonLine, nameField } from '../../src/cli/json-lines.ts';
import { JsonProgress } from '../../src/cli/scp/json-progress.ts';
import { OperandError } from '../../src/copy/location.ts';

/** A reader that takes what comes when it is told to. */
class SlowReader extends Writable {
  text = '';
  #taken: (() => void) | undefined;
  isStopped = false;

  constructor(highWaterMark = 1024) {
    super({ highWaterMark });
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    if (this.isStopped) this.#taken = done;
    else done();
  }

  resume(): void {
    this.isStopped = false;
    this.#taken?.();
  }

  get events(): Record<string, unknown>[] {
    const lines = this.text.split('\n');
    expect(lines.pop()).toBe('');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

const run = { operands: ['a', 'h:b'], recursive: false, preserve: true };
const time = '2026-01-02T03:04:05.678Z';
const signal = new AbortController().signal;
let seconds = 0;

function begin(reader: Writable, options: Partial<typeof run> = {}): JsonProgress {
  const lines = new JsonLines(reader);
  return new JsonProgress({ lines, signal, now: () => seconds, date: () => new Date(time) }, { ...run, ...options });
}

beforeEach(() => {
  vi.useFakeTimers();
  seconds = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

describe('progress as JSON', () => {
  it('tells a copy from its start to its summary', async () => {
    const reader = new SlowReader();
    const progress = begin(reader);
    progress.step(true);
    progress.found(1000);
    progress.foundAll();
    const file = progress.fileStarted('a', 1000, { source: 'dir/a', target: 'h:b' });
    file.moved(600);
    seconds = 0.5;
    vi.advanceTimersByTime(500);
    file.moved(400);
    seconds = 2;
    file.finished(true);
    await progress.end(0);
    const all = { time };
    expect(reader.events).toEqual([
      {
        event: 'start',
        ...all,
        version: 1,
        sources: [{ path: 'a' }],
        target: { path: 'b', host: 'h' },
        recursive: false,
        preserve: true,
      },
      {
        event: 'bytes',
        ...all,
        bytesMoved: 600,
        bytesResumed: 0,
        bytesFound: 1000,
        filesDone: 0,
        filesFound: 1,
        foundAll: true,
        bytesPerSecond: 1200,
      },
      { event: 'file', ...all, name: 'a', source: 'dir/a', target: 'h:b', size: 1000, result: 'copied', seconds: 2 },
      {
        event: 'summary',
        ...all,
        exitStatus: 0,
        files: 1,
        bytes: 1000,
        bytesResumed: 0,
        failed: 0,
        seconds: 2,
        bytesPerSecond: 500,
      },
    ]);
  });

  it('tells errors with their codes, cures and paths', async () => {
    const reader = new SlowReader();
    const progress = begin(reader);
    progress.fileStarted('f', 10).finished(false);
    progress.failed(new FileError('d/f', 'open', 'EACCES'));
    progress.failed(new ConnectionError('h', 'connect', 'refused', { cure: 'start a server' }));
    progress.failed(new OperandError('no'));
    await progress.end(1);
    expect(reader.events.slice(1)).toMatchObject([
      { event: 'file', name: 'f', size: 10, result: 'failed' },
      { event: 'error', message: 'd/f: Permission denied', code: 'EACCES', path: 'd/f' },
      { event: 'error', message: 'h: refused', code: 'ERR_CONNECT', cure: 'start a server' },
      { event: 'error', message: 'no', code: 'ERR_OPERAND' },
      { event: 'summary', exitStatus: 1, files: 0, failed: 3 },
    ]);
  });

  it('tells apart what moved and what was there, and counts what is found again once', async () => {
    const reader = new SlowReader();
    const progress = begin(reader);
    progress.step(true);
    for (const size of [100, 200, 300]) progress.found(size);
    const first = progress.fileStarted('a', 100);
    first.moved(100);
    first.finished(true);
    const cut = progress.fileStarted('b', 200);
    cut.moved(150);
    cut.finished(false);
    progress.again(false);
    for (const size of [200, 300]) progress.found(size);
    progress.foundAll();
    const second = progress.fileStarted('b', 200);
    second.resumed?.(120);
    second.moved(80);
    second.finished(true);
    progress.tick();
    await progress.end(0);
    const events = reader.events.filter(({ event }) => event !== 'file');
    expect(events.slice(1)).toMatchObject([
      { event: 'bytes', bytesMoved: 330, bytesResumed: 120, bytesFound: 600, filesDone: 2, filesFound: 3 },
      { event: 'summary', files: 2, bytes: 330, bytesResumed: 120 },
    ]);
  });

  it('tells of files that are not copied, too', async () => {
    const reader = new SlowReader();
    const progress = begin(reader);
    progress.skipped('f', 10, { source: 'd/f' });
    progress.planned('g', 20);
    await progress.end(0);
    expect(reader.events.slice(1)).toMatchObject([
      { event: 'file', name: 'f', source: 'd/f', size: 10, result: 'skipped' },
      { event: 'file', name: 'g', size: 20, result: 'planned' },
      { event: 'summary', files: 0, bytes: 0, failed: 0 },
    ]);
  });

  it('tells hosts by their parts and leaves out what may be a password', () => {
    const reader = new SlowReader();
    const operands = ['scp://u@[::1]:22//etc/x', 'u@h:x', 'scp://u:secret@h/', '/local'];
    begin(reader, { operands }).failed(new OperandError('scp://u:secret@h:bad/x: invalid uri'));
    expect(reader.events[0]).toMatchObject({
      sources: [{ path: '/etc/x', host: '::1', user: 'u', port: 22 }, { path: 'x', host: 'h', user: 'u' }, {}],
      target: { path: '/local' },
    });
    expect(reader.text).not.toContain('secret');
  });

  it('tells totals twice a second, and only while there is something to tell', () => {
    const reader = new SlowReader();
    const progress = begin(reader);
    vi.advanceTimersByTime(10_000);
    expect(reader.events).toHaveLength(1);
    const file = progress.fileStarted('f', 10);
    for (let i = 0; i < 100; i++) file.moved(1);
    vi.advanceTimersByTime(2000);
    expect(reader.events.map(({ event }) => event)).toEqual(['start', 'bytes', 'bytes', 'bytes', 'bytes']);
  });

  it('holds the copy back while the reader is slow, and leaves totals out', async () => {
    const reader = new SlowReader();
    const progress = begin(reader);
    expect(progress.ready()).toBeUndefined();
    reader.isStopped = true;
    const file = progress.fileStarted('f', 10);
    for (let i = 0; i < 20 && progress.ready() === undefined; i++) progress.fileStarted('x', 1).finished(true);
    const waiting = progress.ready();
    expect(waiting).toBeInstanceOf(Promise);
    const { writableLength } = reader;
    file.moved(10);
    vi.advanceTimersByTime(60_000);
    expect(reader.writableLength).toBe(writableLength);
    reader.resume();
    await waiting;
    expect(progress.ready()).toBeUndefined();
    file.finished(true);
    await progress.end(0);
    expect(reader.events.at(-1)).toMatchObject({ event: 'summary' });
  });

  it('waits in the end until the reader has everything', async () => {
    const reader = new SlowReader(1_000_000);
    const progress = begin(reader);
    reader.isStopped = true;
    let isOver = false;
    const end = progress.end(0).then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(isOver).toBe(false);
    reader.resume();
    await end;
  });

  it('goes on without a reader that has gone away', async () => {
    const gone = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const progress = begin(gone);
    const waiting = progress.ready();
    await waiting;
    expect(progress.ready()).toBeUndefined();
    progress.fileStarted('f', 1).finished(true);
    await progress.end(0);
  });
});

describe('names as JSON', () => {
  it('are themselves where they are UTF-8', () => {
    expect(nameField('name', 'héllo 日本')).toEqual({ name: 'héllo 日本' });
    expect(nameField('name', undefined)).toEqual({});
  });

  it('have their bytes beside them where they are not', () => {
    const name = decodeName(Buffer.from([0x61, 0xff, 0x62]));
    expect(nameField('source', name)).toEqual({ source: 'a\ufffdb', sourceBase64: 'Yf9i' });
  });

  it('lose nothing, and put nothing on a terminal that could act there', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const line = jsonLine(nameField('name', decodeName(bytes)));
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        const { name = '', nameBase64 } = JSON.parse(line) as { name?: string; nameBase64?: string };
        const back = nameBase64 === undefined ? Buffer.from(name) : Buffer.from(nameBase64, 'base64');
        expect(back.equals(Buffer.from(bytes))).toBe(true);
      }),
    );
    expect(jsonLine({ a: '\u009b31m\u202e\u{e0001}' })).toBe('{"a":"\\u009b31m\\u202e\\udb40\\udc01"}\n');
  });
});
