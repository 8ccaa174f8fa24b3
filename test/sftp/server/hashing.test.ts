import { describe, expect, it } from 'vitest';
import {
  HASH_PORTION_BYTES,
  HASHES_AT_A_TIME,
  Hashing,
  type HashStep,
  MAX_HASHES_WAITING,
} from '../../../src/sftp/server/hashing.ts';
import { settle } from '../scripted-peer.ts';
import { openScripted, str, u32, u64 } from './scripted-client.ts';

const never = new AbortController().signal;

/** Work that goes on until it is told to end, and says when it begins. */
class Work {
  static begun: string[] = [];
  end: () => void = () => {};
  readonly run: (step: HashStep) => Promise<void>;

  constructor(name: string) {
    const ended = new Promise<void>((resolve) => {
      this.end = resolve;
    });
    this.run = async () => {
      Work.begun.push(name);
      await ended;
    };
  }
}

describe('hashing', () => {
  it('is done for one file of a connection at a time, and for few in all, in order', async () => {
    Work.begun = [];
    const hashing = new Hashing();
    const [first, second, third] = [hashing.connection(), hashing.connection(), hashing.connection()];
    const [a1, a2, b1, c1] = [new Work('a1'), new Work('a2'), new Work('b1'), new Work('c1')];
    const all = [
      first.run(never, a1.run),
      first.run(never, a2.run),
      second.run(never, b1.run),
      third.run(never, c1.run),
    ];
    await settle();
    expect(HASHES_AT_A_TIME).toBe(2);
    expect(Work.begun).toEqual(['a1', 'b1']);
    b1.end();
    await settle();
    expect(Work.begun).toEqual(['a1', 'b1', 'c1']);
    a1.end();
    await settle();
    expect(Work.begun).toEqual(['a1', 'b1', 'c1', 'a2']);
    a2.end();
    c1.end();
    await Promise.all(all);
  });

  it('lets others have their turn after a portion', async () => {
    const hashing = new Hashing();
    const order: string[] = [];
    const work = (name: string) => async (step: HashStep) => {
      for (let portion = 0; portion < 3; portion++) {
        order.push(`${name}${portion}`);
        await step(HASH_PORTION_BYTES);
      }
    };
    const [a, b, c] = ['a', 'b', 'c'].map((name) => hashing.connection().run(never, work(name)));
    await Promise.all([a, b, c]);
    // The third has begun before the first two are done.
    expect(order.indexOf('c0')).toBeLessThan(order.indexOf('a2'));
    expect(order.indexOf('c0')).toBeLessThan(order.indexOf('b2'));
  });

  it('has a bounded number waiting on a connection', async () => {
    const hashing = new Hashing();
    const one = hashing.connection();
    const stop = new AbortController();
    const idle = (): Promise<void> => Promise.resolve();
    const held = new Work('held');
    const running = one.run(never, held.run);
    const waiting = Array.from({ length: MAX_HASHES_WAITING }, () => one.run(stop.signal, idle).catch(() => 'left'));
    await expect(one.run(never, idle)).rejects.toMatchObject({
      code: 'EBUSY',
      reason: 'too many hashes and copies are asked for at a time',
    });
    // Others are not told so.
    await hashing.connection().run(never, idle);
    stop.abort();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['left']));
    const later = one.run(never, idle);
    held.end();
    await running;
    await later;
  });

  it('gives its place back when it is aborted, also where the system does not answer', async () => {
    const hashing = new Hashing();
    const stop = new AbortController();
    const hung = (): Promise<void> => new Promise(() => {});
    for (let place = 0; place < HASHES_AT_A_TIME; place++) void hashing.connection().run(stop.signal, hung);
    const next = hashing.connection().run(never, async () => 'done');
    await settle();
    stop.abort(new Error('gone'));
    expect(await next).toBe('done');
  });

  it('ends at the next step when it is aborted, and gives its place to the next', async () => {
    const hashing = new Hashing();
    const one = hashing.connection();
    const stop = new AbortController();
    const endless = async (step: HashStep): Promise<void> => {
      for (;;) await step(1);
    };
    const running = one.run(stop.signal, endless);
    const next = one.run(never, async () => 'done');
    await settle();
    stop.abort(new Error('gone'));
    await expect(running).rejects.toThrow('gone');
    expect(await next).toBe('done');
  });
});

describe('copy-data', () => {
  const isTo = (call: string): boolean => call.startsWith('write /to');

  it('copies one file of a connection at a time, by whatever session, and beside hashes', async () => {
    const hashing = new Hashing().connection();
    const [one, other] = [await openScripted({ hashing }), await openScripted({ hashing })];
    for (const client of [one, other]) {
      client.files.contents.set('/from', Buffer.alloc(1_000_000));
      client.files.hold(/^write/);
      for (let index = 0; index < 10; index++) {
        const [from, to] = [await client.handle('/from', 1), await client.handle(`/to${index}`, 2 | 8)];
        client.extended('copy-data', from, u64(0), u64(0), to, u64(0));
      }
    }
    await settle();
    expect([...one.files.calls, ...other.files.calls].filter(isTo)).toHaveLength(1);
    const hash = one.extended('check-file-name', str('/from'), str('md5'), u64(0), u64(0), u32(0));
    for (const client of [one, other]) client.files.letGo();
    await one.answer(hash);
    for (const { files } of [one, other])
      for (let index = 0; index < 10; index++) expect(files.contents.get(`/to${index}`)).toHaveLength(1_000_000);
  });

  it('refused for want of a place, it is told so', async () => {
    const hashing = new Hashing().connection();
    const client = await openScripted({ hashing });
    const held = new Work('held');
    const running = hashing.run(never, held.run);
    const [from, to] = [await client.handle('/from'), await client.handle('/to')];
    const waiting = Array.from({ length: MAX_HASHES_WAITING }, () => hashing.run(never, async () => {}));
    const id = client.extended('copy-data', from, u64(0), u64(0), to, u64(0));
    expect(await client.shown(id)).toBe('STATUS 4 too many hashes and copies are asked for at a time');
    held.end();
    await Promise.all([running, ...waiting]);
  });

  it('that has not begun when everything is to stop leaves nothing waiting', async () => {
    const stop = new AbortController();
    const client = await openScripted({ signal: stop.signal });
    const [from, to] = [await client.handle('/from'), await client.handle('/to', 2 | 8)];
    client.files.hold(/^write/);
    client.send(6, to, u64(0), str('x'));
    client.extended('copy-data', from, u64(0), u64(0), to, u64(1));
    client.send(4, from);
    await settle();
    stop.abort();
    client.files.letGo();
    await client.served;
    expect(client.files.ended).toBe(true);
  });
});

describe('check-file', () => {
  const range = [str('md5'), u64(0), u64(0), u32(0)];

  it('opens nothing before its turn, and nothing at all for a client that has left', async () => {
    const hashing = new Hashing().connection();
    const client = await openScripted({ hashing });
    client.files.contents.set('/f', Buffer.alloc(1_000_000));
    client.files.hold(/^read/);
    for (let index = 0; index < 100; index++) client.extended('check-file-name', str('/f'), ...range);
    await settle();
    expect(client.files.openCount).toBe(1);
    expect(client.files.calls.filter((call) => call.startsWith('read'))).toHaveLength(1);
    client.wire.right.output.destroy(new Error('gone'));
    client.end();
    await settle();
    client.files.letGo();
    await client.served;
    expect(client.files.calls.filter((call) => call.startsWith('open'))).toHaveLength(1);
    expect(client.files.calls.filter((call) => call.startsWith('read'))).toHaveLength(1);
    expect(client.files.openCount).toBe(0);
  });

  it('stops at a signal in the middle of a file', async () => {
    const stop = new AbortController();
    const client = await openScripted({ signal: stop.signal });
    client.files.contents.set('/f', Buffer.alloc(1_000_000));
    const handle = await client.handle('/f', 1);
    client.files.hold(/^read/);
    client.extended('check-file-handle', handle, ...range);
    await settle();
    stop.abort();
    client.files.letGo();
    await client.served;
    expect(client.files.calls.filter((call) => call.startsWith('read'))).toHaveLength(1);
  });
});
