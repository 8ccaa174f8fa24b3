import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName } from '../../src/base/byte-name.ts';
import { spawnable } from '../../src/base/spawnable.ts';

/** What a program gets as its arguments. */
async function received(args: readonly string[]): Promise<Buffer> {
  const { program, args: words } = spawnable('printf', ['%s\\0', ...args]);
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  return Buffer.concat(chunks);
}

describe('spawnable', () => {
  it('leaves ordinary arguments alone', () => {
    expect(spawnable('cp', ['a b', '$x', 'ä'])).toEqual({ program: 'cp', args: ['a b', '$x', 'ä'] });
  });

  it('hands over every byte but NUL, whatever a shell makes of it', async () => {
    const byte = fc.integer({ min: 1, max: 255 });
    const argument = fc.array(byte, { maxLength: 20 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.array(argument, { minLength: 1, maxLength: 12 }), async (raw) => {
        const sent = [Buffer.of(0xff, 0x0a), ...raw];
        const expected = Buffer.concat(sent.flatMap((bytes) => [bytes, Buffer.of(0)]));
        expect(await received(sent.map(decodeName))).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});
