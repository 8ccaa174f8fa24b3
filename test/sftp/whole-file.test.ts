import { describe, expect, it } from 'vitest';
import { openSession, type ScriptedPeer } from './scripted-peer.ts';

const [OPEN, CLOSE, READ, WRITE] = [3, 4, 5, 6];
const content = Buffer.from('some content');

/** The next request, which must be of this type. */
async function next(peer: ScriptedPeer, type: number): Promise<number> {
  const asked = await peer.next();
  expect(asked.type).toBe(type);
  return asked.id;
}

describe('a small file that is made as a whole', () => {
  it('is opened, then written and closed at once', async () => {
    const { peer, session } = await openSession();
    const made = session.putWhole('/f', 0o640, content);
    peer.handle(await next(peer, OPEN));
    const [written, closed] = [await next(peer, WRITE), await next(peer, CLOSE)];
    peer.status(written, 0);
    peer.status(closed, 0);
    expect(await made).toBe(true);
  });

  it('has not been made where the server refuses to open it', async () => {
    const { peer, session } = await openSession();
    const made = session.putWhole('/f', 0o640, content);
    peer.status(await next(peer, OPEN), 4, 'Failure');
    expect(await made).toBe(false);
    expect(peer.asked).toEqual([]);
  });

  it.each([
    ['it is not written', 4, 0, 'write'],
    ['it is not closed', 0, 4, 'close'],
    ['neither works', 4, 4, 'write'],
  ])('fails where %s', async (_, write, close, operation) => {
    const { peer, session } = await openSession();
    const made = session.putWhole('/f', 0o640, content);
    peer.handle(await next(peer, OPEN));
    peer.status(await next(peer, WRITE), write, 'No space left');
    peer.status(await next(peer, CLOSE), close, 'No space left');
    await expect(made).rejects.toMatchObject({ name: 'FileError', path: '/f', operation });
  });

  it('fails with the connection', async () => {
    const { peer, session } = await openSession();
    const made = session.putWhole('/f', 0o640, content);
    peer.handle(await next(peer, OPEN));
    await next(peer, WRITE);
    peer.end();
    await expect(made).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
  });
});

describe('a small file that is read as a whole', () => {
  const asks = async (size = content.length) => {
    const { peer, session } = await openSession();
    const fetched = session.fetchWhole('/f', size);
    peer.handle(await next(peer, OPEN));
    const read = await next(peer, READ);
    peer.status(await next(peer, CLOSE), 0);
    return { peer, session, fetched, read };
  };

  it('is opened, then read and closed at once', async () => {
    const { peer, fetched, read } = await asks();
    peer.content(read, content);
    expect(await fetched).toEqual(content);
  });

  it.each([
    ['longer', Buffer.concat([content, Buffer.from('.')])],
    ['shorter', content.subarray(1)],
    ['empty', Buffer.alloc(0)],
  ])('is none where it is %s by now', async (_, bytes) => {
    const { peer, fetched, read } = await asks();
    peer.content(read, bytes);
    expect(await fetched).toBeUndefined();
  });

  it.each([
    ['has nothing', 1],
    ['refuses', 3],
  ])('is none where the server %s', async (_, code) => {
    const { peer, fetched, read } = await asks();
    peer.status(read, code);
    expect(await fetched).toBeUndefined();
  });

  it('is no more than was asked for', async () => {
    const { peer, session, fetched, read } = await asks();
    peer.content(read, Buffer.alloc(content.length + 2));
    await expect(fetched).rejects.toMatchObject({ name: 'ProtocolError' });
    expect(session.failure).toBeDefined();
  });
});

it('a handle that is open already ends the session, whole files or not', async () => {
  for (const how of ['put', 'fetch'] as const) {
    const { peer, session } = await openSession();
    const opened = session.open('/other', 1);
    peer.handle(await next(peer, OPEN), Buffer.from('same'));
    await opened;
    const whole = how === 'put' ? session.putWhole('/f', 0o600, content) : session.fetchWhole('/f', 12);
    peer.handle(await next(peer, OPEN), Buffer.from('same'));
    await expect(whole).rejects.toMatchObject({ name: 'ProtocolError' });
    expect(session.failure).toBeDefined();
    expect(peer.asked.filter(({ type }) => type === WRITE || type === READ)).toEqual([]);
  }
});
