import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamReader } from '../../src/wire/stream-reader.ts';
import { cutAt, pieces } from '../support/streams.ts';

describe('StreamReader', () => {
  it('gives the same bytes, lines and data however the stream is cut', async () => {
    const text = Buffer.from('first line\n\nxDATA0123456789second\nrest without end');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 12 }), async (places) => {
        const reader = new StreamReader(pieces(cutAt(text, places)));
        expect((await reader.line(100)).bytes.toString()).toBe('first line');
        expect(await reader.line(100)).toEqual({ bytes: Buffer.alloc(0), endedBy: 'terminator' });
        expect(await reader.byte()).toBe('x'.charCodeAt(0));
        let data = '';
        while (data.length < 14) data += (await reader.chunk(14 - data.length))?.toString();
        expect(data).toBe('DATA0123456789');
        expect((await reader.line(100)).bytes.toString()).toBe('second');
        expect(await reader.line(100)).toEqual({ bytes: Buffer.from('rest without end'), endedBy: 'end' });
        expect(await reader.byte()).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    [9, 'limit'],
    [10, 'terminator'],
    [11, 'terminator'],
  ] as const)('takes at most %i bytes of a line of 10: ended by %s', async (limit, endedBy) => {
    const reader = new StreamReader(pieces([Buffer.from('0123456789\nx')]));
    const line = await reader.line(limit);
    expect(line.endedBy).toBe(endedBy);
    expect(line.bytes.toString()).toBe('0123456789'.slice(0, limit));
  });

  it('pauses its stream while more than the high-water mark waits, and goes on when it was read', async () => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const reader = new StreamReader(stream, 1000);
    for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(100, i));
    stream.end();
    await reader.ready();
    expect(stream.isPaused()).toBe(true);
    expect(reader.bufferedBytes).toBeLessThan(1200);
    let total = 0;
    for (let chunk = await reader.chunk(64); chunk !== undefined; chunk = await reader.chunk(64)) {
      expect(reader.bufferedBytes).toBeLessThan(1200);
      total += chunk.length;
    }
    expect(total).toBe(10_000);
  });

  it('delivers what came before an error, then throws it', async () => {
    const stream = new PassThrough();
    const reader = new StreamReader(stream);
    stream.write('ab');
    await reader.ready();
    stream.destroy(new Error('reset'));
    expect((await reader.chunk(10))?.toString()).toBe('ab');
    await expect(reader.chunk(10)).rejects.toThrow('reset');
  });
});
