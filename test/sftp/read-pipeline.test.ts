import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileError, ProtocolError } from '../../src/base/errors.ts';
import { SftpHandle } from '../../src/sftp/handle.ts';
import { readPipeline } from '../../src/sftp/read-pipeline.ts';
import type { SftpSession } from '../../src/sftp/session.ts';
import { type Asked, openSession, rangeOf, type ScriptedPeer, settle } from './scripted-peer.ts';

const handle = new SftpHandle(Buffer.from('h'), 'f');
const K = 1024;

function contentOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) % 256));
}

function read(session: SftpSession, size: number, position = 0): AsyncIterableIterator<Uint8Array> {
  return readPipeline(session, handle, { position, size, failed: (error) => error });
}

async function all(iterator: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  // Their memory is used again.
  for await (const piece of iterator) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** Answers READ as a server does that gives at most `most` bytes at once. */
function serve(peer: ScriptedPeer, file: Buffer, most = Number.POSITIVE_INFINITY): Asked[] {
  const seen: Asked[] = [];
  peer.onRequest = (request) => {
    seen.push(request);
    const { offset, length } = rangeOf(request);
    if (offset >= file.length) peer.status(request.id, 1);
    else peer.content(request.id, file.subarray(offset, offset + Math.min(length, most)));
    return true;
  };
  return seen;
}

describe('reading a file in many requests', () => {
  it.each([
    [1, 1],
    [32 * K, 1],
    [32 * K + 1, 2],
    [1000 * K, 32],
  ])('reads %i bytes with %i requests and asks for nothing beyond', async (size, requests) => {
    const { peer, session } = await openSession();
    const file = contentOf(size + 1000);
    const seen = serve(peer, file);
    expect((await all(read(session, size))).equals(file.subarray(0, size))).toBe(true);
    expect(seen).toHaveLength(requests);
    expect(Math.max(...seen.map(rangeOf).map(({ offset, length }) => offset + length))).toBe(size);
  });

  it('begins at a position', async () => {
    const { peer, session } = await openSession();
    const file = contentOf(100 * K);
    serve(peer, file);
    expect((await all(read(session, 50 * K, 10 * K))).equals(file.subarray(10 * K, 60 * K))).toBe(true);
  });

  it.each([0, Number.POSITIVE_INFINITY])('reads to the end where the size is given as %d', async (size) => {
    const { peer, session } = await openSession();
    const file = contentOf(200 * K + 3);
    const seen = serve(peer, file);
    expect((await all(read(session, size))).equals(file)).toBe(true);
    expect(seen.length).toBeLessThan(30);
  });

  it('keeps a chunk until the next but one is asked for, and for good where the consumer says so', async () => {
    const { peer, session } = await openSession();
    const file = contentOf(400 * K);
    serve(peer, file);
    const reading = read(session, file.length);
    const parts: { piece: Uint8Array; at: number }[] = [];
    let at = 0;
    for await (const piece of reading) {
      parts.push({ piece, at });
      at += piece.length;
      for (const part of parts.slice(-2))
        expect(Buffer.compare(part.piece, file.subarray(part.at, part.at + part.piece.length))).toBe(0);
    }
    const kept: Uint8Array[] = [];
    const options = { position: 0, size: file.length, keeps: true, failed: (error: unknown) => error };
    for await (const piece of readPipeline(session, handle, options)) kept.push(piece);
    expect(Buffer.concat(kept).equals(file)).toBe(true);
  });

  it('begins with one request where the size is not known', async () => {
    const { peer, session } = await openSession();
    const reading = all(read(session, 0));
    await settle();
    expect(peer.asked).toHaveLength(1);
    peer.status(peer.asked[0]!.id, 1);
    expect(await reading).toHaveLength(0);
  });

  it('ends early where the file does, and drops what comes from behind its end', async () => {
    const { peer, session } = await openSession();
    const reading = all(read(session, 96 * K));
    const asked = await peer.nextOf(3);
    peer.content(asked[2]!.id, Buffer.alloc(32 * K, 3));
    peer.content(asked[0]!.id, Buffer.alloc(32 * K, 1));
    peer.status(asked[1]!.id, 1);
    expect((await reading).equals(Buffer.alloc(32 * K, 1))).toBe(true);
  });

  it('puts answers in order and completes short ones, for any order and any shortness', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 * K }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 40 * K })), { minLength: 1, maxLength: 20 }),
        async (size, script) => {
          const { peer, session } = await openSession();
          const file = contentOf(size);
          const reading = all(read(session, size));
          let finished = false;
          void reading.then(() => {
            finished = true;
          });
          for (let step = 0; !finished; step++) {
            await new Promise((resolve) => setImmediate(resolve));
            const [pick, most] = script[step % script.length]!;
            const [request] = peer.asked.splice(pick % Math.max(peer.asked.length, 1), 1);
            if (request === undefined) continue;
            const { offset, length } = rangeOf(request);
            // Byte by byte is for small files: 300,000 answers are no other case, and take half a minute.
            const given = Math.min(length, Math.max(most, Math.ceil(size / 2000)));
            peer.content(request.id, file.subarray(offset, offset + given));
          }
          expect((await reading).equals(file)).toBe(true);
          session.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('asks for less where the server gives less, but never for less than 512 or than it has given', async () => {
    const { peer, session } = await openSession();
    const file = contentOf(2500 * K);
    const seen = serve(peer, file, 100);
    const iterator = read(session, file.length);
    let got = 0;
    for await (const piece of iterator) {
      got += piece.length;
      if (got > 64 * K) break;
    }
    expect(rangeOf(seen.at(-1)!).length).toBeLessThanOrEqual(512);
    const other = await openSession();
    const lengths = serve(other.peer, file, 20 * K).map(rangeOf);
    const second = serve(other.peer, file, 20 * K);
    expect((await all(read(other.session, file.length))).equals(file)).toBe(true);
    expect(lengths).toEqual([]);
    expect(second.map(rangeOf).filter(({ length }) => length === 20 * K).length).toBeGreaterThan(10);
  });

  it('keeps no more under way than the session allows, and grows only while the consumer waits', async () => {
    const { peer, session } = await openSession([], { maxBytes: 256 * K });
    const reading = read(session, 10_000 * K);
    const first = reading.next();
    await settle();
    expect(peer.asked).toHaveLength(8);
    serve(peer, contentOf(10_000 * K));
    for (const request of peer.asked.splice(0)) peer.content(request.id, Buffer.alloc(32 * K));
    await first;
    await settle();
    // The consumer asks for nothing more: no more than the window was asked for on its behalf.
    expect(peer.asked).toHaveLength(0);
    await reading.return?.();
    session.close();
  });

  it('asks for no more at a time than requests may be under way, however small they are', async () => {
    const { peer, session } = await openSession([], { maxDataBytes: 1, maxRequests: 8 });
    const seen: Asked[] = [];
    peer.onRequest = (request) => {
      seen.push(request);
      return true;
    };
    const iterator = read(session, 1000 * K);
    const first = iterator.next();
    await settle();
    expect(seen).toHaveLength(8);
    session.close();
    await expect(first).rejects.toThrow('closed');
  });

  it('throws the error of a READ when its turn comes, after all that lies before, and once all is answered', async () => {
    const { peer, session } = await openSession();
    const iterator = read(session, 96 * K);
    const first = iterator.next();
    const asked = await peer.nextOf(3);
    peer.status(asked[1]!.id, 3);
    peer.content(asked[0]!.id, Buffer.alloc(32 * K));
    let got = ((await first).value as Uint8Array).length;
    let failed: unknown;
    const rest = (async () => {
      for await (const piece of iterator) got += piece.length;
    })().catch((error: unknown) => {
      failed = error;
    });
    await settle();
    expect(got).toBe(32 * K);
    expect(failed).toBeUndefined();
    peer.content(asked[2]!.id, Buffer.alloc(32 * K));
    await rest;
    expect(failed).toBeInstanceOf(FileError);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it('waits for what is in flight where its consumer leaves early, and asks for nothing more', async () => {
    const { peer, session } = await openSession();
    const iterator = read(session, 10_000 * K);
    const first = iterator.next();
    await settle();
    const asked = peer.asked.splice(0);
    peer.content(asked[0]!.id, Buffer.alloc(32 * K));
    await first;
    let left = false;
    const leaving = Promise.resolve(iterator.return?.()).then(() => {
      left = true;
    });
    await settle();
    expect(left).toBe(false);
    const more = peer.asked.length;
    for (const { id } of [...asked.slice(1), ...peer.asked]) peer.content(id, Buffer.alloc(10));
    await leaving;
    await settle();
    expect(peer.asked).toHaveLength(more);
    expect(session.failure).toBeUndefined();
  });

  it('takes one answer without a byte, and fails the session after the second', async () => {
    const { peer, session } = await openSession();
    const reading = all(read(session, 10)).catch((error: unknown) => error);
    peer.content((await peer.next()).id, Buffer.alloc(0));
    peer.content((await peer.next()).id, Buffer.alloc(4));
    peer.content((await peer.next()).id, Buffer.alloc(0));
    peer.content((await peer.next()).id, Buffer.alloc(0));
    const error = await reading;
    expect(error).toBeInstanceOf(ProtocolError);
    expect(session.failure).toEqual({ error });
  });

  it.each(['before', 'while', 'after'])('fails with the session: %s it reads', async (when) => {
    const { peer, session } = await openSession();
    const reason = new Error('enough');
    if (when === 'before') session.fail(reason);
    const iterator = read(session, 96 * K);
    const first = iterator.next().catch((error: unknown) => error);
    if (when !== 'before') await settle();
    if (when === 'after') {
      peer.content(peer.asked[0]!.id, Buffer.alloc(32 * K));
      await first;
      await settle();
    }
    session.fail(reason);
    if (when !== 'after') expect(await first).toBe(reason);
    else await expect(all(iterator)).rejects.toBe(reason);
  });
});
