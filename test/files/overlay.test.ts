import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../src/base/errors.ts';
import type { OpenFile } from '../../src/files/file-system.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { Overlay } from '../../src/files/overlay.ts';
import { tempDirectory } from '../support/temp.ts';

/** A part and an old file on disk. */
async function files(old: Uint8Array): Promise<{ part: OpenFile; old: OpenFile; close(): Promise<void> }> {
  const path = await tempDirectory();
  await writeFile(join(path, 'old'), old);
  const directory = await localFileSystem().directory(path);
  const part = await directory.open('part', { access: 'read-write', create: 'new' });
  const oldFile = await directory.open('old', { access: 'read' });
  return {
    part,
    old: oldFile,
    close: async () => {
      await part.close();
      await oldFile.close();
    },
  };
}

type Step = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ at: fc.nat({ max: 80 }), bytes: fc.uint8Array({ maxLength: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ size: fc.nat({ max: 90 }) }) },
);

/** What a plain file would hold. */
function applied(content: Buffer, one: Step): Buffer {
  if ('size' in one) {
    const cut = Buffer.alloc(one.size);
    content.copy(cut);
    return cut;
  }
  if (one.bytes.length === 0) return content;
  const grown = Buffer.alloc(Math.max(content.length, one.at + one.bytes.length));
  content.copy(grown);
  grown.set(one.bytes, one.at);
  return grown;
}

async function all(file: { read(buffer: Uint8Array, position: number): Promise<number> }): Promise<Buffer> {
  const buffer = Buffer.alloc(1000);
  return buffer.subarray(0, await file.read(buffer, 0));
}

describe('an overlay', () => {
  it('reads and ends as a file does that is written where it stands', async () => {
    const old = Buffer.from(Array.from({ length: 50 }, (_, index) => 200 + (index % 50)));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.nat({ max: 50 }), async (steps, oldBytes) => {
        const opened = await files(old.subarray(0, oldBytes));
        const { part } = opened;
        const overlay = new Overlay({ part, old: { file: opened.old, size: oldBytes }, hashes: true });
        let model: Buffer = old.subarray(0, oldBytes);
        for (const one of steps) {
          await ('size' in one ? overlay.truncate(one.size) : overlay.write([one.bytes], one.at));
          model = applied(model, one);
          expect(overlay.size).toBe(model.length);
          expect(await all(overlay)).toEqual(model);
        }
        await overlay.complete();
        expect(await all(part)).toEqual(model);
        const hash = createHash('sha256').update(model).digest('hex');
        expect([undefined, hash]).toContain(overlay.sha256);
        expect(await all(opened.old)).toEqual(old.subarray(0, oldBytes));
        await opened.close();
      }),
      { numRuns: 100 },
    );
  });

  it('counts as solid only what was written without a gap', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 10 }), async (steps) => {
        const opened = await files(Buffer.alloc(0));
        const overlay = new Overlay({ part: opened.part });
        const written: boolean[] = [];
        for (const one of steps) {
          if ('size' in one) {
            await overlay.truncate(one.size);
            // Zeros that were asked for are content.
            for (let at = written.length; at < one.size; at++) written[at] = true;
            written.length = one.size;
          } else {
            await overlay.write([one.bytes], one.at);
            for (let at = one.at; at < one.at + one.bytes.length; at++) written[at] = true;
          }
        }
        let solid = 0;
        while (written[solid] === true) solid++;
        expect(overlay.solidLength).toBe(solid);
        await opened.close();
      }),
      { numRuns: 100 },
    );
  });

  it('knows what was written in the middle of a gap', async () => {
    const opened = await files(Buffer.alloc(0));
    const overlay = new Overlay({ part: opened.part });
    for (const at of [9, 4, 0, 1, 2, 3]) await overlay.write([Buffer.of(1)], at);
    expect(overlay.solidLength).toBe(5);
    for (const at of [8, 5, 6, 7]) await overlay.write([Buffer.of(1)], at);
    expect(overlay.solidLength).toBe(10);
    await opened.close();
  });

  it('remembers a bounded number of gaps, and then takes less for solid than there is', async () => {
    const opened = await files(Buffer.alloc(0));
    const overlay = new Overlay({ part: opened.part });
    for (let index = 0; index < 70; index++) await overlay.write([Buffer.of(1)], 2 * index + 1);
    for (let index = 0; index < 70; index++) await overlay.write([Buffer.of(1)], 2 * index);
    expect(overlay.size).toBe(140);
    expect(overlay.solidLength).toBe(128);
    await opened.close();
  });

  it('knows the hash of what comes in order, chunk by chunk and with the old rest', async () => {
    const opened = await files(Buffer.from('0123456789'));
    const overlay = new Overlay({ part: opened.part, old: { file: opened.old, size: 10 }, hashes: true });
    await overlay.write([Buffer.from('ab'), Buffer.from('cd')], 0);
    expect(overlay.sha256).toBeUndefined();
    await overlay.complete();
    expect(overlay.sha256).toBe(createHash('sha256').update('abcd456789').digest('hex'));
    await overlay.write([Buffer.from('x')], 1);
    expect(overlay.sha256).toBeUndefined();
    await overlay.truncate(0);
    expect(overlay.sha256).toBe(createHash('sha256').digest('hex'));
    await opened.close();
  });

  it('fails for good after a change that failed', async () => {
    const opened = await files(Buffer.from('old'));
    const full = new FileError('f', 'write', 'ENOSPC');
    let failing = true;
    const part: OpenFile = {
      ...opened.part,
      path: 'f',
      read: (buffer, position) => opened.part.read(buffer, position),
      write: (chunks, position) => (failing ? Promise.reject(full) : opened.part.write(chunks, position)),
      truncate: (size) => opened.part.truncate(size),
    };
    const overlay = new Overlay({ part, old: { file: opened.old, size: 3 } });
    await expect(overlay.write([Buffer.from('x')], 0)).rejects.toBe(full);
    failing = false;
    await expect(overlay.write([Buffer.from('x')], 0)).rejects.toBe(full);
    await expect(overlay.complete()).rejects.toBe(full);
    expect((await all(overlay)).toString()).toBe('old');
    await opened.close();
  });

  it('takes an old file for shorter that was cut meanwhile', async () => {
    const opened = await files(Buffer.from('old'));
    const overlay = new Overlay({ part: opened.part, old: { file: opened.old, size: 100 } });
    await overlay.write([Buffer.from('x')], 50);
    expect(overlay.size).toBe(51);
    expect((await all(overlay)).toString('latin1')).toBe(`old${'\0'.repeat(47)}x`);
    await opened.close();
  });
});

it('copies no old content once it is told to stop', async () => {
  const on = await files(Buffer.alloc(1_000_000, 'o'));
  const stop = new AbortController();
  const overlay = new Overlay({ part: on.part, old: { file: on.old, size: 1_000_000 }, signal: stop.signal });
  await overlay.write([Buffer.from('new')], 0);
  stop.abort();
  await expect(overlay.complete()).rejects.toMatchObject({ code: 'EINTR' });
  expect((await on.part.status()).size).toBe(3);
  await on.close();
});
