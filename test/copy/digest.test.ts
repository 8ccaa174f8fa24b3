import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyCopy } from '../../src/copy/digest.ts';
import type { Directory } from '../../src/files/file-system.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { tempDirectory } from '../support/temp.ts';

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();

/** A directory with these files, which says of each what `claimed` says. */
async function claiming(files: Record<string, string>, claimed: Uint8Array | undefined): Promise<Directory> {
  const dir = await tempDirectory();
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
  const directory = await localFileSystem().directory(dir);
  return new Proxy(directory, {
    get: (target, key) => {
      if (key === 'digest') return async () => claimed;
      const value = Reflect.get(target, key) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function verify(origin: string, copy: string, said: { origin?: string; copy?: string; streamed?: string }) {
  const hash = (text: string | undefined) => (text === undefined ? undefined : sha256(text));
  const source = { directory: await claiming({ f: origin }, hash(said.origin)), name: 'f' };
  const target = { directory: await claiming({ f: copy }, hash(said.copy)), name: 'f', shown: 'copy' };
  return await verifyCopy(source, target, hash(said.streamed));
}

describe('a copy that is compared with its source', () => {
  it('is read before a digest that a host has told is taken for its own', async () => {
    await verify('good', 'good', { copy: 'another file', streamed: 'good' });
    await verify('good', 'good', { origin: 'another file', streamed: 'good' });
    await verify('good', 'good', { origin: 'another file', copy: 'a third one' });
  });

  it('is wrong where its content is, whatever was told', async () => {
    for (const said of [{}, { streamed: 'good' }, { origin: 'good' }, { copy: 'bad' }, { copy: 'worse', origin: 'x' }])
      await expect(verify('good', 'bad', said)).rejects.toMatchObject({ code: 'ERR_VERIFY', path: 'copy' });
  });
});
