import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packSmallPackets } from '../../../src/ssh/builtin/small-packets.ts';

const WINDOW = 64 * 1024;

/** A stream like one of ssh2: what comes is pushed, whether it was asked for or not. */
function packetStream(): { stream: Readable; chunks: Buffer[] } {
  const stream = new Readable({ highWaterMark: WINDOW, read() {} });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  packSmallPackets(stream);
  return { stream, chunks };
}

it('puts single bytes together while nobody reads, and hands over all of them', async () => {
  const { stream, chunks } = packetStream();
  stream.pause();
  const text = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
  for (const byte of text) stream.push(Buffer.from(byte));
  stream.resume();
  await nextTurn();
  expect(Buffer.concat(chunks).toString()).toBe(text);
  expect(chunks.length).toBeLessThan(10);
});

it('says that the window is full when it is', () => {
  const { stream } = packetStream();
  stream.pause();
  const taken = Array.from({ length: WINDOW }, () => stream.push(Buffer.alloc(1)));
  expect(taken.indexOf(false)).toBe(WINDOW - 1);
});

it('holds nothing back from a reader that keeps up', async () => {
  const { stream, chunks } = packetStream();
  await nextTurn();
  for (const text of ['a', 'b', 'c']) {
    stream.push(Buffer.from(text));
    await nextTurn();
  }
  expect(chunks.map(String)).toEqual(['a', 'b', 'c']);
});

it('keeps the order of packets of all sizes, with pauses anywhere, up to the end', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }) },
    { weight: 2, arbitrary: fc.integer({ min: 900, max: 6000 }) },
    { weight: 2, arbitrary: fc.constantFrom('pause', 'resume', 'wait') },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { stream, chunks } = packetStream();
      const sent: Buffer[] = [];
      for (const [i, what] of steps.entries()) {
        if (what === 'pause') stream.pause();
        else if (what === 'resume') stream.resume();
        else if (what === 'wait') await nextTurn();
        else {
          sent.push(Buffer.alloc(what, i));
          stream.push(sent.at(-1));
        }
      }
      stream.push(null);
      const ended = new Promise((resolve) => stream.once('end', resolve));
      stream.resume();
      await ended;
      expect(Buffer.concat(chunks).equals(Buffer.concat(sent))).toBe(true);
    }),
  );
});
