import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SftpHandle } from '../../src/sftp/handle.ts';
import type { FurtherSessions } from '../../src/sftp/lanes.ts';
import { writePacket } from '../../src/sftp/packets/handles.ts';
import { readPipeline } from '../../src/sftp/read-pipeline.ts';
import type { SftpSession } from '../../src/sftp/session.ts';
import { WritePipeline } from '../../src/sftp/write-pipeline.ts';
import { ByteReader } from '../../src/wire/byte-reader.ts';
import { type Asked, openSession, rangeOf, type ScriptedPeer, settle } from './scripted-peer.ts';

const [OPEN, CLOSE, READ, FSTAT, FSETSTAT] = [3, 4, 5, 8, 10];
const K = 1024;
const handle = new SftpHandle(Buffer.from('own'), '/f');

interface Server {
  /** Answers at once what is not content. */
  readonly held: { peer: ScriptedPeer; request: Asked }[];
  readonly times: { atimeSeconds: number; mtimeSeconds: number };
  readonly file: Buffer;
}

/** A server with one file, by several sessions; answers to READ and WRITE wait until they are released. */
function serve(peers: readonly ScriptedPeer[], file: Buffer, { seesMark = true, permissions = 0o100644 } = {}): Server {
  const server: Server = { held: [], times: { atimeSeconds: 1000, mtimeSeconds: 2000 }, file };
  for (const [index, peer] of peers.entries())
    peer.onRequest = (request) => {
      const { type, id, body } = request;
      if (type === OPEN) peer.handle(id, Buffer.from(`lane ${index}`));
      else if (type === CLOSE) peer.status(id, 0);
      else if (type === FSTAT) {
        const times = index > 0 && !seesMark ? { atimeSeconds: 5, mtimeSeconds: 5 } : server.times;
        peer.attributes(id, { size: file.length, uid: 1, gid: 1, permissions, ...times });
      } else if (type === FSETSTAT) {
        Object.assign(server.times, {
          atimeSeconds: body.readUInt32BE(body.length - 8),
          mtimeSeconds: body.readUInt32BE(body.length - 4),
        });
        peer.status(id, 0);
      } else server.held.push({ peer, request });
      return true;
    };
  return server;
}

function answer(server: Server, { peer, request }: Server['held'][number]): void {
  const { offset, length } = rangeOf(request);
  if (request.type === READ) {
    if (offset >= server.file.length) peer.status(request.id, 1);
    else peer.content(request.id, server.file.subarray(offset, offset + length));
    return;
  }
  server.file.set(writePacket.read(new ByteReader(request.body, 'TEST')).data, offset);
  peer.status(request.id, 0);
}

async function lanes(
  count: number,
): Promise<{ peers: ScriptedPeer[]; sessions: SftpSession[]; further: FurtherSessions }> {
  const opened = await Promise.all(Array.from({ length: count }, () => openSession()));
  const sessions = opened.map(({ session }) => session);
  const further: FurtherSessions = {
    count,
    expect: () => {},
    claim: (use) => {
      for (const session of sessions) use(session);
      return () => {};
    },
  };
  return { peers: opened.map(({ peer }) => peer), sessions, further };
}

const laneOf = (server: Server, peers: readonly ScriptedPeer[]): number[] =>
  server.held.map(({ peer }) => peers.indexOf(peer));

/** A file of this size that is about to be written, with as many sessions as there are; those behind the first have had time to open it. */
async function begin(count: number, size: number, how: Parameters<typeof serve>[2] = {}) {
  const { peers, sessions, further } = await lanes(count);
  const server = serve(peers, Buffer.alloc(size), how);
  const options = { position: 0, end: size, failed: (error: unknown) => error, further };
  const out = new WritePipeline(sessions[0]!, handle, options);
  for (let turn = 0; turn < 10; turn++) await settle();
  return { peers, sessions, server, out };
}

describe('a file that is written by several sessions', () => {
  it('arrives whole in whatever order it is answered, though buffers go round; its end comes last', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 150 * K }), { minLength: 4, maxLength: 24 }),
        fc.infiniteStream(fc.nat()),
        async (lengths, lots) => {
          const { peers, sessions, further } = await lanes(4);
          const end = lengths.reduce((sum, length) => sum + length, 0);
          const server = serve(peers, Buffer.alloc(end));
          const out = new WritePipeline(sessions[0]!, handle, { position: 0, end, failed: (error) => error, further });
          for (let turn = 0; turn < 5; turn++) await settle();
          const expected: Buffer[] = [];
          const buffers = [0, 1, 2].map(() => Buffer.alloc(150 * K));
          const pump = async (): Promise<void> => {
            await settle();
            const [lot] = [...lots.take(1)];
            const [one] = server.held.splice((lot ?? 0) % Math.max(1, server.held.length), 1);
            if (one === undefined) return;
            // Whatever reaches the end of the file must find everything else there.
            const { offset, length } = rangeOf(one.request);
            if (offset + length === end) expect(server.held).toEqual([]);
            answer(server, one);
          };
          const drive = async (work: Promise<unknown>): Promise<void> => {
            let over = false;
            const ended = (): void => {
              over = true;
            };
            work.then(ended, ended);
            while (!over) await pump();
            await work;
          };
          for (const [index, length] of lengths.entries()) {
            const chunk = buffers[index % 3]!.fill(index + 1).subarray(0, length);
            expected.push(Buffer.from(chunk));
            const wait = out.write(chunk);
            if (wait !== undefined) await drive(wait);
            buffers[(index + 2) % 3]!.fill(0xff);
          }
          await drive(out.flush());
          expect(server.file.equals(Buffer.concat(expected))).toBe(true);
          for (const session of sessions) session.close();
        },
      ),
      { numRuns: 30 },
    );
  });

  it('uses them all, and gives the file its times back', async () => {
    const { peers, server, out } = await begin(3, 640 * K);
    expect(server.times.atimeSeconds).toBeGreaterThan(0x0fff_ffff);
    void out.write(Buffer.alloc(320 * K));
    await settle();
    expect(new Set(laneOf(server, peers))).toEqual(new Set([0, 1, 2]));
    void out.write(Buffer.alloc(320 * K));
    const flushed = out.flush();
    for (let turn = 0; turn < 40; turn++) {
      await settle();
      for (const one of server.held.splice(0)) answer(server, one);
    }
    expect(await flushed).toBe(640 * K);
    expect(server.times).toEqual({ atimeSeconds: 1000, mtimeSeconds: 2000 });
  });

  it('goes one way where the others do not see the mark: they have another file', async () => {
    const { peers, sessions, server, out } = await begin(3, 640 * K, { seesMark: false });
    void out.write(Buffer.alloc(640 * K));
    await settle();
    expect(new Set(laneOf(server, peers))).toEqual(new Set([0]));
    for (const session of sessions) session.close();
    await out.flush().catch(() => {});
  });

  it('fails where one of them fails, and says where holes may be', async () => {
    const { peers, server, out } = await begin(3, 640 * K);
    void out.write(Buffer.alloc(400 * K));
    await settle();
    const broken = server.held.findIndex(({ peer }) => peer !== peers[0]);
    const [one] = server.held.splice(broken, 1);
    one?.peer.status(one.request.id, 4, 'No space left');
    for (const other of server.held.splice(0)) answer(server, other);
    await expect(out.flush()).rejects.toMatchObject({ name: 'FileError' });
    expect(await out.abandon()).toBe(rangeOf(one!.request).offset);
  });
});

describe('a file that is written by several sessions, at its end', () => {
  /** Answers everything until the work is over. */
  const driven = async <T>(server: Server, work: Promise<T>): Promise<T> => {
    let over = false;
    const ended = (): void => {
      over = true;
    };
    work.then(ended, ended);
    for (let turn = 0; !over && turn < 500; turn++) {
      await settle();
      for (const one of server.held.splice(0)) answer(server, one);
    }
    expect(over).toBe(true);
    return await work;
  };

  it.each([16, 24, 32, 40])('is not waited for in vain with chunks of %i KiB', async (kibibytes) => {
    const size = 24 * 32 * K;
    const { server, out } = await begin(3, size);
    const expected = Buffer.alloc(size);
    for (let at = 0; at < size; at += kibibytes * K) {
      const chunk = Buffer.alloc(Math.min(kibibytes * K, size - at), (at / K) % 251);
      expected.set(chunk, at);
      const wait = out.write(chunk);
      if (wait !== undefined) await driven(server, wait);
    }
    expect(await driven(server, out.flush())).toBe(size);
    expect(server.file.equals(expected)).toBe(true);
  });

  it('is not asked for anything more where a WRITE has failed', async () => {
    const { peers, server, out } = await begin(3, 640 * K);
    void out.write(Buffer.alloc(640 * K));
    await settle();
    const [one] = server.held.splice(
      server.held.findIndex(({ peer }) => peer !== peers[0]),
      1,
    );
    one?.peer.status(one.request.id, 4, 'No space left');
    await expect(driven(server, out.settled() as Promise<void>)).rejects.toMatchObject({ name: 'FileError' });
  });

  it('has its times before it is closed, where it is given up', async () => {
    const { server, out } = await begin(2, 640 * K);
    void out.write(Buffer.alloc(320 * K));
    expect(server.times.atimeSeconds).toBeGreaterThan(0x0fff_ffff);
    out.leave();
    await settle();
    expect(server.times).toEqual({ atimeSeconds: 1000, mtimeSeconds: 2000 });
    await driven(server, out.abandon());
    expect(server.times).toEqual({ atimeSeconds: 1000, mtimeSeconds: 2000 });
  });

  it('does not wait for a session that says nothing', async () => {
    const { peers, sessions, further } = await lanes(3);
    const server = serve(peers, Buffer.alloc(640 * K));
    peers[2]!.onRequest = () => true;
    const options = { position: 0, end: 640 * K, failed: (error: unknown) => error, further };
    const out = new WritePipeline(sessions[0]!, handle, options);
    for (let turn = 0; turn < 10; turn++) await settle();
    void out.write(Buffer.alloc(640 * K));
    expect(await driven(server, out.flush())).toBe(640 * K);
  });

  it('leaves the times alone where no other session comes', async () => {
    const { server, out } = await begin(1, 640 * K);
    expect(server.times).toEqual({ atimeSeconds: 1000, mtimeSeconds: 2000 });
    void out.write(Buffer.alloc(640 * K));
    expect(await driven(server, out.flush())).toBe(640 * K);
    expect(server.times).toEqual({ atimeSeconds: 1000, mtimeSeconds: 2000 });
  });

  it('is no device', async () => {
    const { peers, server, out } = await begin(3, 640 * K, { permissions: 0o020666 });
    void out.write(Buffer.alloc(320 * K));
    await settle();
    expect(new Set(laneOf(server, peers))).toEqual(new Set([0]));
  });
});

describe('a file that is read by several sessions', () => {
  const read = async (content: AsyncIterable<Uint8Array>): Promise<Buffer> => {
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  };

  it('comes in order, whatever order it is answered in, also where one of them ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), fc.boolean(), async (lots, breaks) => {
        const { peers, sessions, further } = await lanes(4);
        const file = Buffer.alloc(700 * K, 'abcdefghijklmnopqrstuvwxyz 0123456789');
        const server = serve(peers, file);
        const content = readPipeline(sessions[0]!, handle, {
          position: 0,
          size: file.length,
          failed: (error) => error,
          further,
        });
        const all = read(content);
        let over = false;
        void all.finally(() => {
          over = true;
        });
        for (let turn = 0; !over; turn++) {
          await settle();
          if (breaks && turn === 12) peers[2]?.end();
          const [lot] = [...lots.take(1)];
          const [one] = server.held.splice((lot ?? 0) % Math.max(1, server.held.length), 1);
          if (one !== undefined && !(breaks && turn >= 12 && one.peer === peers[2])) answer(server, one);
        }
        expect((await all).equals(file)).toBe(true);
        for (const session of sessions) session.close();
      }),
      { numRuns: 30 },
    );
  });

  it('is asked of one where the others have a file of another time', async () => {
    const { peers, sessions, further } = await lanes(3);
    const file = Buffer.alloc(700 * K, 'x');
    const server = serve(peers, file, { seesMark: false });
    const all = read(
      readPipeline(sessions[0]!, handle, { position: 0, size: file.length, failed: (error) => error, further }),
    );
    for (let turn = 0; turn < 10; turn++) await settle();
    expect(new Set(laneOf(server, peers))).toEqual(new Set([0]));
    let over = false;
    void all.finally(() => {
      over = true;
    });
    while (!over) {
      await settle();
      for (const one of server.held.splice(0)) answer(server, one);
    }
    expect((await all).equals(file)).toBe(true);
  });
});
