import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeOutput } from '../../../src/cli/image/output.ts';
import { tempDirectory } from '../../support/temp.ts';

it('an output holds what was given, also from a reader whose buffers go round', async () => {
  const path = join(await tempDirectory('output'), 'image');
  const hash = createHash('sha256');
  // As readAhead: a chunk stays unchanged until the next but one is asked for.
  async function* content(): AsyncGenerator<Uint8Array> {
    const buffers = [0, 1, 2].map(() => Buffer.alloc(300_000));
    for (let at = 0; at < 40; at++) {
      const buffer = buffers[at % 3] as Buffer;
      buffer.fill(at);
      hash.update(buffer);
      yield buffer;
      (buffers[(at + 2) % 3] as Buffer).fill(0xff);
    }
  }
  await writeOutput(path, content());
  expect(
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  ).toBe(hash.digest('hex'));
});
