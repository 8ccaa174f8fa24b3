import { describe, expect, it, vi } from 'vitest';
import { ConnectionError, FileError, ProtocolError } from '../../src/base/errors.ts';
import { SftpHandle } from '../../src/sftp/handle.ts';
import { WritePipeline } from '../../src/sftp/write-pipeline.ts';
import { connect, framed, isLost, openSession, rangeOf, ScriptedPeer, settle } from './scripted-peer.ts';

const handle = new SftpHandle(Buffer.from('h'), 'f');
const noError = expect.anything();

/** The error of work that has to fail. */
async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error,
  );
}

describe('the handshake of an SFTP session', () => {
  it('sends INIT with version 3 and takes VERSION', async () => {
    const peer = new ScriptedPeer();
    const opening = connect(peer);
    expect(await peer.next()).toEqual({ type: 1, id: -1, body: Buffer.from('00000003', 'hex') });
    peer.version(['fsync@openssh.com'], 6);
    const session = await opening;
    expect(session.version).toBe(6);
    expect(session.has('fsync@openssh.com')).toBe(true);
    expect(session.has('limits@openssh.com')).toBe(false);
    session.close();
  });

  it.each([
    ['a STATUS before VERSION', Buffer.from('0000000565000000ff', 'hex'), 'STATUS came where VERSION should be'],
    ['DATA before VERSION', Buffer.from('00000009670000000000000000', 'hex'), 'DATA came where VERSION should be'],
    ['version 2', Buffer.from('000000050200000002', 'hex'), 'too old'],
    ['half a VERSION', Buffer.from('00000003020000', 'hex'), 'cut short'],
  ])('refuses %s', async (_, bytes, message) => {
    const peer = new ScriptedPeer();
    const opening = connect(peer);
    peer.raw(bytes);
    const error = await errorOf(opening);
    expect(error).toBeInstanceOf(ProtocolError);
    expect((error as Error).message).toContain(message);
  });

  it('says that SFTP is not offered where the stream ends first', async () => {
    const peer = new ScriptedPeer();
    const opening = connect(peer);
    peer.end();
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_NOT_OFFERED',
      message: 'server: the server does not offer SFTP',
    });
  });

  it('says so where the stream had ended before', async () => {
    const peer = new ScriptedPeer();
    peer.end();
    peer.wire.left.input.resume();
    await settle();
    await expect(connect(peer)).rejects.toMatchObject({ code: 'ERR_NOT_OFFERED' });
  });

  it('shows the text of a talkative shell, also where it has no line end', async () => {
    const peer = new ScriptedPeer();
    const opening = connect(peer);
    peer.raw(Buffer.from('Hi'));
    peer.end();
    const error = await errorOf(opening);
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ message: 'the remote shell printed "Hi" where the SFTP protocol should begin' });
    expect((error as ProtocolError).cure).toContain('.bashrc');
  });

  it('does not wait for the line end of text for ever', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const peer = new ScriptedPeer();
      const opening = errorOf(connect(peer));
      peer.raw(Buffer.from('login: '));
      await settle();
      vi.advanceTimersByTime(1000);
      expect(await opening).toMatchObject({ message: expect.stringContaining('"login:"') as string });
    } finally {
      vi.useRealTimers();
    }
  });

  it('gives up after its time', async () => {
    await expect(connect(new ScriptedPeer(), { timeoutMs: 1 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  it('ends with the reason of an abort, before and while', async () => {
    const reason = new Error('enough');
    await expect(connect(new ScriptedPeer(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const opening = connect(new ScriptedPeer(), { signal: abort.signal });
    abort.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });
});

describe('the limits of a server', () => {
  const limitsOf = async (hex: string): Promise<unknown> => {
    const { peer, session } = await openSession(['limits@openssh.com']);
    const { type, id } = await peer.next();
    expect(type).toBe(200);
    expect(session.limits).toEqual({
      maxPacketBytes: 262_144,
      maxReadBytes: 32_768,
      maxWriteBytes: 32_768,
      maxOpenHandles: 0,
    });
    const idBytes = Buffer.alloc(4);
    idBytes.writeUInt32BE(id);
    peer.raw(framed(Buffer.of(201), idBytes, Buffer.from(hex.replaceAll(' ', ''), 'hex')));
    await settle();
    return session.limits;
  };

  it('are asked for, and bounded', async () => {
    expect(await limitsOf('0000000000040000 000000000003fc00 000000000003fc00 00000000000003fb')).toEqual({
      maxPacketBytes: 262_144,
      maxReadBytes: 261_120,
      maxWriteBytes: 261_120,
      maxOpenHandles: 1019,
    });
    expect(await limitsOf('ffffffffffffffff ffffffffffffffff ffffffffffffffff ffffffffffffffff')).toEqual({
      maxPacketBytes: 262_144,
      maxReadBytes: 261_120,
      maxWriteBytes: 261_120,
      maxOpenHandles: Number.MAX_SAFE_INTEGER,
    });
    expect(await limitsOf('0000000000000001 0000000000000001 0000000000000001 0000000000000001')).toMatchObject({
      maxPacketBytes: 34_000,
      maxReadBytes: 64,
      maxWriteBytes: 64,
    });
  });

  it('of 0 are not known, which leaves the defaults', async () => {
    expect(await limitsOf('0000000000000000 0000000000000000 0000000000000000 0000000000000000')).toEqual({
      maxPacketBytes: 262_144,
      maxReadBytes: 32_768,
      maxWriteBytes: 32_768,
      maxOpenHandles: 0,
    });
  });

  it('that the server refuses to tell leave the defaults', async () => {
    const { peer, session } = await openSession(['limits@openssh.com']);
    peer.status((await peer.next()).id, 8);
    await settle();
    expect(session.limits.maxReadBytes).toBe(32_768);
    expect(session.failure).toBeUndefined();
  });
});

describe('an SFTP session', () => {
  it('brings answers to their requests, in whatever order they come', async () => {
    const { peer, session } = await openSession();
    const sizes = [1, 2, 3].map((size) => session.lstat(`f${size}`).then((attributes) => [size, attributes.size]));
    const asked = await peer.nextOf(3);
    for (const { id, body } of asked.reverse()) peer.attributes(id, { size: Number(body.toString().at(-1)) });
    expect(await Promise.all(sizes)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });

  it('sends the requests of one turn in one write', async () => {
    const { peer, session } = await openSession();
    const write = vi.spyOn(peer.wire.left.output, 'write');
    const all = [session.lstat('a'), session.write(handle, 0, [Buffer.alloc(2000)]), session.closeHandle(handle)];
    const asked = await peer.nextOf(3);
    expect(asked.map(({ type }) => type)).toEqual([7, 6, 4]);
    expect(write).toHaveBeenCalledTimes(1);
    for (const { id, type } of asked) {
      if (type === 7) peer.attributes(id, {});
      else peer.status(id, 0);
    }
    await Promise.all(all);
  });

  it.each([
    [2, 'ENOENT', 'No such file or directory'],
    [3, 'EACCES', 'Permission denied'],
    [4, 'ERR_FILE', 'disk on fire\\033'],
    [5, 'EINVAL', 'Invalid argument'],
    [8, 'ENOTSUP', 'Operation not supported'],
    [14, 'ENOSPC', 'No space left on device'],
    [4_000_000_000, 'ERR_FILE', 'disk on fire\\033'],
    [1, 'ERR_FILE', 'disk on fire\\033'],
  ])('reports status %i as %s', async (status, code, reason) => {
    const { peer, session } = await openSession();
    const work = session.remove('dir/f');
    peer.status((await peer.next()).id, status, 'disk on fire\u001b');
    const error = await errorOf(work);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ code, operation: 'remove', message: `dir/f: ${reason}` });
    expect(session.failure).toBeUndefined();
  });

  it('cuts the words of a server, and has its own where there are none', async () => {
    const { peer, session } = await openSession();
    const work = session.remove('f');
    peer.status((await peer.next()).id, 4, 'x'.repeat(100_000));
    expect(((await errorOf(work)) as Error).message.length).toBeLessThan(600);
    const silent = session.remove('f');
    peer.status((await peer.next()).id, 4);
    await expect(silent).rejects.toThrow('f: Failure');
  });

  it('knows the end of a directory and of a file from a failure', async () => {
    const { peer, session } = await openSession();
    const listing = session.readdir(handle);
    peer.status((await peer.next()).id, 1);
    expect(await listing).toBeUndefined();
    const reading = session.read(handle, 0, 10);
    peer.status((await peer.next()).id, 1);
    expect(await reading).toBeUndefined();
  });

  it('takes handles of 0 and of 256 bytes', async () => {
    const { peer, session } = await openSession();
    for (const length of [0, 256]) {
      const opening = session.open('f', 1);
      peer.handle((await peer.next()).id, Buffer.alloc(length, 1));
      expect((await opening).bytes).toHaveLength(length);
    }
  });

  it('takes content in the pieces in which it comes, and few bytes at a time in bounded memory', async () => {
    const { peer, session } = await openSession();
    const content = Buffer.from(Array.from({ length: 5000 }, (_, index) => index % 251));
    const reading = session.read(handle, 0, 5000);
    const { id } = await peer.next();
    const header = Buffer.alloc(13);
    header.writeUInt32BE(5009);
    header[4] = 103;
    header.writeUInt32BE(id, 5);
    header.writeUInt32BE(5000, 9);
    peer.raw(header);
    for (const byte of content) {
      peer.raw(Buffer.of(byte));
      if (byte === 0) await settle();
    }
    const pieces = await reading;
    expect(Buffer.concat(pieces ?? []).equals(content)).toBe(true);
    expect(pieces?.length).toBeLessThanOrEqual(32);
  });

  it.each([
    ['an id that nobody used', (peer: ScriptedPeer, id: number) => peer.status(id + 7, 0), 'which nobody waits for'],
    [
      'an answer of the wrong type',
      (peer: ScriptedPeer, id: number) => peer.handle(id),
      'HANDLE is no answer to LSTAT',
    ],
    [
      'success where attributes should be',
      (peer: ScriptedPeer, id: number) => peer.status(id, 0),
      'STATUS is no answer to LSTAT',
    ],
    [
      'DATA for a request that is no READ',
      (peer: ScriptedPeer, id: number) => peer.content(id, Buffer.of(1)),
      'DATA is no answer to LSTAT',
    ],
    ['a handle of 257 bytes', (peer: ScriptedPeer, _: number) => peer.handle(0, Buffer.alloc(257)), ''],
    [
      'an unknown type',
      (peer: ScriptedPeer, id: number) => peer.raw(framed(Buffer.of(42, 0, 0, 0, id))),
      'packet type 42',
    ],
    ['a request', (peer: ScriptedPeer, id: number) => peer.raw(framed(Buffer.of(5, 0, 0, 0, id))), 'READ is no answer'],
    ['a second VERSION', (peer: ScriptedPeer) => peer.version(), ''],
    [
      'an answer that is cut short',
      (peer: ScriptedPeer, id: number) => peer.raw(framed(Buffer.of(105, 0, 0, 0, id, 0))),
      'cut short',
    ],
    [
      'an answer with bytes behind it',
      (peer: ScriptedPeer, id: number) => peer.raw(framed(Buffer.of(105, 0, 0, 0, id, 0, 0, 0, 0, 0))),
      'too many',
    ],
    ['a packet without an id', (peer: ScriptedPeer) => peer.raw(framed(Buffer.of(105))), 'cut short'],
    ['an endless packet', (peer: ScriptedPeer) => peer.raw(Buffer.from('7fffffff', 'hex')), 'too long'],
  ])('fails everything after %s', async (_, misbehave, message) => {
    const { peer, session } = await openSession();
    const [one, other] = [errorOf(session.lstat('a')), errorOf(session.stat('b'))];
    const asked = await peer.nextOf(2);
    misbehave(peer, asked[0]!.id);
    const error = await one;
    expect(error).toBeInstanceOf(ProtocolError);
    expect((error as Error).message).toContain(message);
    expect(await other).toBe(error);
    expect(await errorOf(session.lstat('c'))).toBe(error);
    expect(session.failure).toEqual({ error });
  });

  it('fails after a second answer to the same request', async () => {
    const { peer, session } = await openSession();
    const work = session.lstat('a');
    const { id } = await peer.next();
    peer.attributes(id, {});
    peer.attributes(id, {});
    await work;
    await settle();
    expect(session.failure).toEqual({ error: noError });
  });

  it('fails after more data than was asked for', async () => {
    const { peer, session } = await openSession();
    const reading = session.read(handle, 0, 3);
    peer.content((await peer.next()).id, Buffer.alloc(4));
    await expect(reading).rejects.toThrow('4 bytes of data came where 3 were asked for');
    expect(session.failure).toBeDefined();
  });

  it('is lost where the stream ends, with requests and without', async () => {
    const { peer, session } = await openSession();
    const work = errorOf(session.lstat('a'));
    await peer.next();
    peer.end();
    expect(isLost(await work)).toBe(true);
    expect(((await work) as Error).message).toBe('server: lost connection');
    const other = await openSession();
    other.peer.end();
    await settle();
    expect(isLost(await errorOf(other.session.stat('b')))).toBe(true);
  });

  it('is lost where the way out breaks', async () => {
    const { peer, session } = await openSession();
    const work = errorOf(session.lstat('a'));
    peer.wire.left.output.destroy(new Error('EPIPE'));
    const error = await work;
    expect(isLost(error)).toBe(true);
    expect((error as Error).cause).toMatchObject({ message: 'EPIPE' });
  });

  it('ends everything with the reason of an abort, unchanged', async () => {
    const abort = new AbortController();
    const { session } = await openSession([], { signal: abort.signal });
    const work = errorOf(session.lstat('a'));
    const reason = { why: 'enough' };
    abort.abort(reason);
    expect(await work).toBe(reason);
    expect(await errorOf(session.lstat('b'))).toBe(reason);
  });

  it('closes once, fails what waits, and ends the way out behind what was sent', async () => {
    const { peer, session } = await openSession();
    const work = errorOf(session.lstat('a'));
    session.close();
    session.close();
    expect(await work).toBeInstanceOf(ConnectionError);
    expect(await errorOf(session.lstat('b'))).toBeInstanceOf(ConnectionError);
    await peer.next();
    await settle();
    expect(peer.wire.right.input.readableEnded).toBe(true);
    peer.status(0, 0);
    await settle();
  });

  it('ends the way out also where it has failed before', async () => {
    const { peer, session } = await openSession();
    session.fail(new Error('enough'));
    session.close();
    session.close();
    await settle();
    expect(peer.wire.right.input.readableEnded).toBe(true);
    expect(session.failure).toEqual({ error: new Error('enough') });
  });

  it('refuses a path that no packet may hold, and goes on', async () => {
    const { peer, session } = await openSession();
    await expect(session.lstat('x'.repeat(40_000))).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
    const work = session.lstat('a');
    const { id, body } = await peer.next();
    expect(body.toString('hex')).toBe('0000000161');
    peer.attributes(id, {});
    await work;
  });

  it('names the extension that a server does not offer, and asks nothing', async () => {
    const { peer, session } = await openSession(['fsync@openssh.com']);
    await expect(session.extensions.statvfs('/')).rejects.toMatchObject({
      code: 'ENOTSUP',
      message: '/: the server does not offer statvfs@openssh.com',
    });
    const work = session.extensions.fsync(handle);
    const { id, type, body } = await peer.next();
    expect([type, body.toString('latin1')]).toEqual([200, '\0\0\0\x11fsync@openssh.com\0\0\0\x01h']);
    peer.status(id, 0);
    await work;
  });

  it('tells a trace about every packet, printable', async () => {
    const lines: string[] = [];
    const { peer, session } = await openSession([], { trace: (direction, what) => lines.push(`${direction} ${what}`) });
    const work = session.lstat('a\u001b');
    peer.attributes((await peer.next()).id, {});
    await work;
    expect(lines).toEqual([
      'send SSH_FXP_INIT version 3',
      'receive SSH_FXP_VERSION version 3',
      'send SSH_FXP_LSTAT id 0 "a\\033"',
      'receive SSH_FXP_ATTRS id 0',
    ]);
  });
});

describe('the window of a session', () => {
  it('lets so many requests wait for answers, the others wait their turn in order', async () => {
    const { peer, session } = await openSession([], { maxRequests: 4 });
    const done: number[] = [];
    const all = Array.from({ length: 10 }, (_, index) => session.lstat(`f${index}`).then(() => done.push(index)));
    await settle();
    expect(peer.asked).toHaveLength(4);
    peer.attributes(peer.asked[2]!.id, {});
    await settle();
    expect(peer.asked).toHaveLength(5);
    peer.onRequest = ({ id }) => {
      peer.attributes(id, {});
      return true;
    };
    for (const [index, { id }] of peer.asked.entries()) if (index !== 2) peer.attributes(id, {});
    await Promise.all(all);
    expect(done).toEqual([2, 0, 1, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('counts content, both ways, and lets a request alone that is larger than all of it', async () => {
    const { peer, session } = await openSession([], { maxBytes: 1000 });
    const reads = [session.read(handle, 0, 600), session.read(handle, 600, 400), session.read(handle, 1000, 1)];
    const writes = [session.write(handle, 0, [Buffer.alloc(2000)]), session.write(handle, 0, [Buffer.alloc(1)])];
    await settle();
    expect(peer.asked.map(rangeOf).map(({ length }) => length)).toEqual([600, 400]);
    for (const { id } of peer.asked.splice(0)) peer.status(id, 1);
    await settle();
    expect(peer.asked.map(rangeOf).map(({ length }) => length)).toEqual([1]);
    for (const { id } of peer.asked.splice(0)) peer.status(id, 1);
    await settle();
    expect(peer.asked.map(rangeOf).map(({ length }) => length)).toEqual([2000]);
    for (const { id } of peer.asked.splice(0)) peer.status(id, 0);
    await settle();
    for (const { id } of peer.asked.splice(0)) peer.status(id, 0);
    await Promise.all([...reads, ...writes]);
  });

  it('holds back while the way out is not drained', async () => {
    const { peer, session } = await openSession([], { maxBytes: 1024 * 1024 * 1024 });
    peer.wire.right.input.pause();
    const content = Buffer.alloc(100_000);
    const all = Array.from({ length: 100 }, () => session.write(handle, 0, [content]));
    await settle();
    expect(peer.wire.left.output.writableLength).toBeLessThan(1_300_000);
    peer.onRequest = ({ id }) => {
      peer.status(id, 0);
      return true;
    };
    peer.wire.right.input.resume();
    await Promise.all(all);
  });

  it('lets content wait in however many pieces', async () => {
    const { session } = await openSession([], { maxRequests: 1, maxDataBytes: 1 });
    const handle = new SftpHandle(Buffer.from('h'), 'f');
    const pipeline = new WritePipeline(session, handle, { position: 0, failed: (error) => error });
    void pipeline.write(Buffer.alloc(256 * 1024));
    const waiting = pipeline.flush();
    session.close();
    await expect(waiting).rejects.not.toBeInstanceOf(RangeError);
  });

  it('bounds how many wait', async () => {
    const { session } = await openSession([], { maxRequests: 1 });
    const all = Array.from({ length: 65_537 }, () => session.lstat('f').catch((error: unknown) => error));
    expect(await session.lstat('f').catch((error: unknown) => error)).toBeInstanceOf(RangeError);
    session.close();
    await Promise.all(all);
  });
});
