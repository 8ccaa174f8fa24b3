import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SftpHandle } from '../../src/sftp/handle.ts';
import { writePacket } from '../../src/sftp/packets/handles.ts';
import type { SftpSession } from '../../src/sftp/session.ts';
import { WritePipeline } from '../../src/sftp/write-pipeline.ts';
import { ByteReader } from '../../src/wire/byte-reader.ts';
import { type Asked, openSession, rangeOf, type ScriptedPeer, settle } from './scripted-peer.ts';

const handle = new SftpHandle(Buffer.from('h'), 'f');
const K = 1024;

function writer(session: SftpSession, position = 0): WritePipeline {
  return new WritePipeline(session, handle, { position, failed: (error) => error });
}

/** Keeps what is written, as a server does. */
function keep(peer: ScriptedPeer): { seen: Asked[]; file: () => Buffer } {
  const seen: Asked[] = [];
  peer.onRequest = (request) => {
    seen.push(request);
    peer.status(request.id, 0);
    return true;
  };
  const file = (): Buffer => {
    const bytes = Buffer.alloc(Math.max(0, ...seen.map(rangeOf).map(({ offset, length }) => offset + length)));
    for (const { body } of seen) {
      const { offset, data } = writePacket.read(new ByteReader(body, 'TEST'));
      bytes.set(data, offset);
    }
    return bytes;
  };
  return { seen, file };
}

describe('writing a file in many requests', () => {
  it('cuts large chunks and collects small ones', async () => {
    const { peer, session } = await openSession();
    const { seen } = keep(peer);
    const out = writer(session, 5);
    for (const length of [80 * K, 1, 1, 20 * K, 100]) await out.write(Buffer.alloc(length));
    expect(await out.flush()).toBe(5 + 100 * K + 102);
    expect(seen.map(rangeOf).map(({ offset, length }) => [offset, length])).toEqual([
      [5, 32 * K],
      [5 + 32 * K, 32 * K],
      [5 + 64 * K, 32 * K],
      [5 + 96 * K, 4 * K + 102],
    ]);
  });

  it('writes nothing for an empty file', async () => {
    const { peer, session } = await openSession();
    const out = writer(session);
    expect(out.write(Buffer.alloc(0))).toBeUndefined();
    expect(await out.flush()).toBe(0);
    expect(await out.flush()).toBe(0);
    expect(peer.asked).toHaveLength(0);
  });

  it('writes the right bytes though buffers go round, for chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 150 * K }), { maxLength: 30 }), async (lengths) => {
        const { peer, session } = await openSession();
        const { file } = keep(peer);
        const out = writer(session);
        const buffers = [0, 1, 2].map(() => Buffer.alloc(150 * K));
        const expected: Buffer[] = [];
        for (const [index, length] of lengths.entries()) {
          // As readAhead does: while this chunk is written the one before the last is filled again.
          const chunk = buffers[index % 3]!.fill(index + 1).subarray(0, length);
          expected.push(Buffer.from(chunk));
          const wait = out.write(chunk);
          if (wait !== undefined) await wait;
          buffers[(index + 2) % 3]!.fill(0xff);
        }
        await out.flush();
        expect(file().equals(Buffer.concat(expected))).toBe(true);
        session.close();
      }),
      { numRuns: 40 },
    );
  });

  it('holds its producer back while content waits for its turn', async () => {
    const { peer, session } = await openSession([], { maxBytes: 64 * K });
    const out = writer(session);
    expect(out.write(Buffer.alloc(64 * K))).toBeUndefined();
    const second = out.write(Buffer.alloc(64 * K));
    expect(second).toBeInstanceOf(Promise);
    await second;
    let resolved = false;
    const third = out.write(Buffer.alloc(64 * K))?.then(() => {
      resolved = true;
    });
    await settle();
    expect(resolved).toBe(false);
    expect(peer.asked).toHaveLength(2);
    keep(peer);
    for (const { id } of peer.asked) peer.status(id, 0);
    await third;
    expect(await out.flush()).toBe(192 * K);
  });

  it('remembers the first error, and writes no more', async () => {
    const { peer, session } = await openSession();
    const out = writer(session);
    await out.write(Buffer.alloc(64 * K));
    const asked = await peer.nextOf(2);
    peer.status(asked[1]!.id, 4, 'no space');
    peer.status(asked[0]!.id, 3);
    await settle();
    expect(() => out.write(Buffer.alloc(1))).toThrow('f: no space');
    await expect(out.flush()).rejects.toThrow('f: no space');
    await expect(out.flush()).rejects.toThrow('f: no space');
    expect(await out.abandon()).toBe(0);
    expect(peer.asked).toHaveLength(0);
  });

  it('tells where holes may begin: at the first WRITE that failed, in whatever order the answers come', async () => {
    const { peer, session } = await openSession();
    const out = new WritePipeline(session, handle, { position: 1000, failed: (error) => error });
    await out.write(Buffer.alloc(128 * K));
    const asked = await peer.nextOf(4);
    for (const [index, code] of [
      [3, 0],
      [2, 4],
      [1, 4],
      [0, 0],
    ] as const)
      peer.status(asked[index]!.id, code);
    await settle();
    expect(await out.abandon()).toBe(1000 + 32 * K);
  });

  it('tells an error to a producer that waits', async () => {
    const { peer, session } = await openSession([], { maxBytes: 32 * K });
    const out = writer(session);
    void out.write(Buffer.alloc(32 * K));
    const waiting = Promise.resolve(out.write(Buffer.alloc(64 * K))).then(() => out.write(Buffer.alloc(64 * K)));
    const caught = waiting.catch((error: unknown) => error);
    peer.onRequest = ({ id }) => {
      peer.status(id, 3);
      return true;
    };
    await expect(caught).resolves.toMatchObject({ code: 'EACCES' });
    await out.abandon();
  });

  it('abandons: waits for what is under way and drops the rest', async () => {
    const { peer, session } = await openSession();
    const out = writer(session);
    await out.write(Buffer.alloc(33 * K));
    let over = false;
    const abandoning = out.abandon().then(() => {
      over = true;
    });
    const { id } = await peer.next();
    await settle();
    expect(over).toBe(false);
    peer.status(id, 4);
    await abandoning;
    expect(peer.asked).toHaveLength(0);
  });

  it.each(['before', 'while'])('fails with the session: %s it writes', async (when) => {
    const { session } = await openSession([], { maxBytes: 32 * K });
    const reason = new Error('enough');
    const out = writer(session);
    if (when === 'before') session.fail(reason);
    const waiting = (async () => {
      for (let count = 0; count < 10; count++) await out.write(Buffer.alloc(32 * K));
    })().catch((error: unknown) => error);
    await settle();
    session.fail(reason);
    expect(await waiting).toBe(reason);
    await expect(out.flush()).rejects.toBe(reason);
    await out.abandon();
  });
});
