import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FileError, ProtocolError } from '../../../src/base/errors.ts';
import { fuzzRuns, fuzzTimeout } from '../../support/fuzz.ts';
import { framed, settle } from '../scripted-peer.ts';
import { openScripted, ScriptedClient, str, u8, u32, u64 } from './scripted-client.ts';

const FUZZ_RUNS = fuzzRuns(300);

describe('a session', () => {
  it('does what was asked before the end of the stream, then tells the files, then ends', async () => {
    const client = await openScripted();
    const handle = await client.handle('/f');
    client.files.hold(/^write/);
    const id = client.send(6, handle, u64(0), str('x'));
    client.end();
    await settle();
    expect(client.files.ended).toBe(false);
    client.files.letGo();
    expect(await client.served).toBeUndefined();
    expect(await client.shown(id)).toBe('STATUS 0 Success');
    expect(client.files.ended).toBe(true);
  });

  it('says when it is busy: while a request or a handle is open', async () => {
    const client = await openScripted();
    const handle = await client.handle('/f');
    await client.answer(client.send(17, str('/f')));
    await client.answer(client.send(4, handle));
    await settle();
    expect(client.busy.at(-1)).toBe(false);
    expect(client.busy.filter((one, at) => one === client.busy[at - 1])).toEqual([]);
  });

  it.each([
    ['an empty packet', [u32(0)], 'an empty packet'],
    ['a packet that is too long', [u32(300_000)], 'a packet of 300000 bytes is too long'],
    ['text', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], 'a packet of 1195725856 bytes is too long'],
    ['an answer', [framed(u8(101), u32(1), u32(0))], 'STATUS is no request'],
    ['DATA', [framed(u8(103), u32(1), u32(0))], 'DATA is no request'],
    ['a second INIT', [framed(u8(1), u32(3))], 'INIT is no request'],
    ['an unknown type', [framed(u8(42), u32(1))], 'packet type 42 is no request'],
    ['no request id', [framed(u8(17), u8(0))], 'STAT is cut short'],
    ['a path that is cut short', [framed(u8(17), u32(1), u32(5), Buffer.from('/f'))], 'STAT is cut short'],
    ['a handle of 257 bytes', [framed(u8(4), u32(1), str(Buffer.alloc(257)))], 'a string in CLOSE is too long'],
    [
      'attributes that lie',
      [framed(u8(9), u32(1), str('/f'), u32(0x8000_0000), u32(0xffff_ffff))],
      'SETSTAT is cut short',
    ],
    [
      'an offset of 2^63',
      [framed(u8(5), u32(1), str('abcd'), u64(2n ** 63n), u32(1))],
      'a number in READ is too large',
    ],
    ['an extension without a name', [framed(u8(200), u32(1))], 'EXTENDED is cut short'],
  ])('ends at %s, after what came before it', async (_what, bytes, reason) => {
    const client = await openScripted();
    const before = client.send(17, str('/f'));
    client.raw(...bytes);
    const error = await client.served;
    expect(error).toBeInstanceOf(ProtocolError);
    expect((error as Error).message).toBe(`protocol error: ${reason}`);
    expect(await client.shown(before)).toBe('STATUS 2 No such file');
    expect(client.files.ended).toBe(true);
  });

  it.each([
    ['another request first', framed(u8(17), u32(1), str('/f')), 'protocol error: STAT came where INIT should be'],
    ['an end in the middle of a packet', Buffer.of(0, 0), 'client: the client left in the middle of a packet'],
  ])('ends at %s', async (_what, bytes, reason) => {
    const client = new ScriptedClient();
    client.raw(bytes);
    client.end();
    expect(await client.served).toMatchObject({ message: reason });
  });

  it('takes fields of later versions behind a request', async () => {
    const client = await openScripted();
    expect(await client.shown(client.send(18, str('/a'), str('/b'), u32(1)))).toBe('STATUS 0 Success');
  });

  it('refuses requests that are not permitted, and nothing else', async () => {
    const client = await openScripted({ permits: (name) => !['remove', 'posix-rename'].includes(name) });
    expect(await client.shown(client.send(13, str('/a')))).toBe('STATUS 3 Permission denied');
    expect(await client.shown(client.extended('posix-rename@openssh.com', str('/a'), str('/b')))).toBe(
      'STATUS 3 Permission denied',
    );
    expect(await client.shown(client.send(18, str('/a'), str('/b')))).toBe('STATUS 0 Success');
  });
});

describe('a client that does not read', () => {
  it('has a bounded number of reads done, and nothing more is taken from it', async () => {
    const client = await openScripted({ reads: false });
    client.files.contents.set('/f', Buffer.alloc(100_000_000));
    client.raw(framed(u8(3), u32(1), str('/f'), u32(1), u32(0)));
    await settle();
    const handle = Buffer.concat([u32(4), u32(0)]);
    for (let id = 2; id < 5000; id++) client.raw(framed(u8(5), u32(id), handle, u64((id - 2) * 16_384), u32(16_384)));
    await settle();
    const done = client.files.calls.filter((call) => call.startsWith('read'));
    const bytes = done.reduce((sum, call) => sum + Number(call.split(' ')[3]), 0);
    expect(bytes).toBeGreaterThan(0);
    // What may be under way, and one batch more.
    expect(bytes).toBeLessThan(6 * 1024 * 1024);
    expect(client.wire.right.input.isPaused()).toBe(true);
    client.read();
    await client.answer(4999);
    expect(client.answers.filter(({ type }) => type === 103)).toHaveLength(4998);
  });

  it('has a bounded number of small answers waiting', async () => {
    const client = await openScripted({ reads: false });
    for (let id = 1; id < 45_000; id++) client.raw(framed(u8(17), u32(id), str('/f')));
    await settle();
    await settle();
    expect(client.files.calls.length).toBeLessThan(40_000);
    const before = client.files.calls.length;
    await settle();
    expect(client.files.calls.length).toBe(before);
    client.read();
    await client.answer(44_999);
  }, 60_000);

  it('and goes away: nothing more is done for it, and the session ends', async () => {
    const client = await openScripted({ reads: false });
    client.files.contents.set('/f', Buffer.alloc(10_000_000));
    client.raw(framed(u8(3), u32(1), str('/f'), u32(1), u32(0)));
    await settle();
    const handle = Buffer.concat([u32(4), u32(0)]);
    for (let id = 2; id < 300; id++) client.raw(framed(u8(5), u32(id), handle, u64(0), u32(262_144)));
    client.raw(framed(u8(13), u32(9999), str('/last')));
    await settle();
    client.wire.right.output.destroy(new Error('gone'));
    client.end();
    expect(await client.served).toBeUndefined();
    expect(client.files.calls).not.toContain('remove /last');
    expect(client.files.ended).toBe(true);
  });
});

describe('noise', () => {
  /** Requests that mean something, so that mutations come near to it. */
  const request = fc.oneof(
    fc.tuple(fc.constantFrom(4, 8, 12), fc.constant(Buffer.concat([u32(4), u32(0)]))),
    fc.tuple(fc.constantFrom(7, 11, 13, 15, 16, 17, 19), fc.constant(str('/f'))),
    fc.tuple(fc.constant(3), fc.constant(Buffer.concat([str('/f'), u32(0x0b), u32(0)]))),
    fc.tuple(fc.constant(5), fc.constant(Buffer.concat([u32(4), u32(0), u64(0), u32(100)]))),
    fc.tuple(fc.constant(6), fc.constant(Buffer.concat([u32(4), u32(0), u64(0), str('hello')]))),
    fc.tuple(fc.constant(18), fc.constant(Buffer.concat([str('/a'), str('/b')]))),
    fc.tuple(
      fc.constant(200),
      fc
        .constantFrom('copy-data', 'check-file-name', 'users-groups-by-id@openssh.com', 'limits@openssh.com')
        .map((name) => Buffer.concat([str(name), u32(4), u32(0), u64(0), u64(9), u32(4), u32(0), u64(0)])),
    ),
    fc.tuple(fc.nat({ max: 255 }), fc.uint8Array({ maxLength: 60 }).map(Buffer.from)),
  );

  it(
    'ends the session at most: no crash, no hang, no file left open',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(request, { maxLength: 12 }),
          fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }),
          async (requests, mutations) => {
            const client = new ScriptedClient({ endsItself: true });
            const bytes = Buffer.concat([
              framed(u8(1), u32(3)),
              ...requests.map(([type, body], id) => framed(u8(type), u32(id), body)),
            ]);
            for (const [at, value] of mutations) bytes[at % bytes.length] = value;
            client.raw(bytes);
            client.end();
            const error = await client.served;
            // What the system holds for the turn of the event loop would be held to the end: no session waits for anything.
            await turn();
            if (error !== undefined)
              expect(error).toMatchObject({ name: expect.stringMatching(/^(ProtocolError|ConnectionError)$/) });
            expect(client.files.ended).toBe(true);
            // Every request that was begun was answered once.
            const ids = client.answers.map(({ id }) => id);
            expect(ids.length).toBeLessThanOrEqual(requests.length + 1);
          },
        ),
        { numRuns: FUZZ_RUNS },
      );
    },
    fuzzTimeout(FUZZ_RUNS, 20),
  );

  it('errors that are no file errors are told as failures', async () => {
    const client = await openScripted();
    client.files.failures.set('remove /f', new TypeError('secret') as unknown as FileError);
    expect(await client.shown(client.send(13, str('/f')))).toBe('STATUS 4 Failure');
  });
});
