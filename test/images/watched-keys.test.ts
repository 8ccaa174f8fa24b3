import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ImageError } from '../../src/base/errors.ts';
import { localFileSystem } from '../../src/files/local.ts';
import { initKeyStorage } from '../../src/images/keys/init.ts';
import { openKeyStorage } from '../../src/images/keys/open.ts';
import type { RootKey } from '../../src/images/keys/root-file.ts';
import type { ImageSigner } from '../../src/images/sign.ts';
import { signedContent } from '../../src/images/signed-content.ts';
import { WatchedKeys } from '../../src/images/watched-keys.ts';
import { signed } from '../support/image-keys.ts';
import { imageOf, makeStore, makeVendor } from '../support/signed-images.ts';
import { tempDirectory } from '../support/temp.ts';

let folder: string;
let told: string[];
let reads: number;

beforeEach(async () => {
  folder = join(await tempDirectory('watched'), 'store');
  await mkdir(folder);
  await writeFile(join(folder, 'keys'), 'one');
  told = [];
  reads = 0;
});

/** Keys that are the content of a file; `bad` is damaged. */
function watched(): WatchedKeys<string> {
  return new WatchedKeys([folder], {
    open: async (directory) => {
      reads++;
      const file = await directory.open('keys', { access: 'read' });
      const buffer = Buffer.alloc(100);
      const text = buffer.toString('utf8', 0, await file.read(buffer, 0));
      await file.close();
      if (text.startsWith('bad')) throw new ImageError('store', 'ERR_KEY_STORAGE', text);
      return text;
    },
    onTrouble: (error) => told.push((error as Error).message.replace(folder, 'FOLDER')),
    onRecovery: () => told.push('recovered'),
  });
}

/** Puts another file in the place of one, as a key storage does. */
async function replace(text: string): Promise<void> {
  await writeFile(join(folder, 'new'), text);
  await rename(join(folder, 'new'), join(folder, 'keys'));
}

describe('the keys of a folder', () => {
  it('are read once, until something in it changes', async () => {
    const keys = watched();
    expect(await keys.current()).toBe('one');
    expect(await Promise.all([keys.current(), keys.current()])).toEqual(['one', 'one']);
    expect(reads).toBe(1);
    await replace('two');
    expect(await keys.current()).toBe('two');
    await writeFile(join(folder, 'another'), '');
    await keys.current();
    await chmod(join(folder, 'another'), 0o600);
    await keys.current();
    expect(reads).toBe(4);
  });

  it('are never those of before where they cannot be read: that is told once for each reason, and its end too', async () => {
    const keys = watched();
    await keys.current();
    await replace('bad: a');
    await expect(keys.current()).rejects.toMatchObject({ code: 'ERR_KEY_STORAGE' });
    await expect(keys.current()).rejects.toMatchObject({ code: 'ERR_KEY_STORAGE' });
    await replace('bad: b');
    await expect(keys.current()).rejects.toMatchObject({ code: 'ERR_KEY_STORAGE' });
    await rm(folder, { recursive: true });
    await expect(keys.current()).rejects.toMatchObject({ code: 'ERR_KEY_STORAGE' });
    await mkdir(folder);
    await replace('three');
    expect(await keys.current()).toBe('three');
    const nothing = 'FOLDER: No such file or directory';
    expect(told).toEqual(['store: bad: a', 'store: bad: b', nothing, 'recovered']);
  });

  it('are read anew for who asks after a change, also while somebody reads', async () => {
    const keys = watched();
    const first = keys.current();
    await replace('two');
    const second = keys.current();
    expect(['one', 'two']).toContain(await first);
    expect(await second).toBe('two');
  });

  it('are no folder that holds much else', async () => {
    for (let at = 0; at <= 1001; at++) await writeFile(join(folder, String(at)), '');
    await expect(watched().current()).rejects.toMatchObject({
      code: 'ERR_KEY_STORAGE',
      reason: 'holds more than 1000 entries, which a key storage does not',
    });
  });
});

describe('the check by a key storage', () => {
  it('takes what its keys vouch for, and goes by another storage in its place from then on', async () => {
    const base = await tempDirectory('stores');
    const store = join(base, 'store');
    const [mine, other] = await Promise.all([makeVendor(), makeVendor()]);
    await makeStore(store, mine);
    const image = await imageOf(mine, Buffer.from('payload'));
    const problems: string[] = [];
    const check = signedContent({ store, onProblem: (text) => problems.push(text) });
    const judge = async (): Promise<unknown> => {
      const pass = check.begin('app.SPA');
      pass.write(image);
      return await pass.end().catch((error: unknown) => error);
    };
    await check.ready();
    expect(await judge()).toMatchObject({ type: 'production' });
    expect(problems).toEqual([]);
    await writeFile(join(store, 'backup.keys'), 'damaged');
    expect(await judge()).toMatchObject({ type: 'production' });
    expect(await judge()).toMatchObject({ type: 'production' });
    expect(problems).toEqual([expect.stringContaining('backup.keys')]);
    await rename(store, join(base, 'old'));
    await makeStore(store, other);
    expect(await judge()).toMatchObject({ code: 'ERR_IMAGE_UNKNOWN_KEY' });
    await rm(join(store, 'root.json'), { force: true });
    await expect(check.ready()).rejects.toMatchObject({ code: 'ERR_KEY_STORAGE' });
  });

  it('asks for as many signers as the storage does', async () => {
    const store = await tempDirectory('stores');
    await chmod(store, 0o755);
    const [vendor, other] = await Promise.all([makeVendor(), makeVendor()]);
    const two = [vendor.production, other.production];
    const root = (type: 'rollover' | 'production', { certificate }: ImageSigner): RootKey => {
      return { type, version: 'A', certificate: certificate.bytes };
    };
    const directory = await localFileSystem().directory(store);
    const keys = [root('rollover', vendor.rollover), ...two.map((key) => root('production', key))];
    await initKeyStorage(directory, keys, { minSigners: { production: 2 } });
    await directory.close();
    const check = signedContent({ store });
    const judge = async (signers: readonly ImageSigner[]): Promise<unknown> => {
      const pass = check.begin('app.SPA');
      pass.write((await signed(Buffer.from('payload'), signers)).file);
      return await pass.end().catch((error: unknown) => error);
    };
    expect(await judge(two.slice(0, 1))).toMatchObject({ code: 'ERR_IMAGE_SIGNERS' });
    expect(await judge(two)).toMatchObject({ type: 'production' });
  });

  it('goes by the counters that are kept elsewhere, as they are', async () => {
    const base = await tempDirectory('stores');
    const [store, nvram] = [join(base, 'store'), join(base, 'nvram')];
    const vendor = await makeVendor();
    await makeStore(store, vendor, nvram);
    const image = await imageOf(vendor, Buffer.from('payload'));
    const problems: string[] = [];
    const check = signedContent({ store, nvram, onProblem: (text) => problems.push(text) });
    const judge = async (): Promise<unknown> => {
      const pass = check.begin('app.SPA');
      pass.write(image);
      return await pass.end().catch((error: unknown) => error);
    };
    expect(await judge()).toMatchObject({ type: 'production' });
    const files = localFileSystem();
    const [directory, counters] = [await files.directory(store), await files.directory(nvram)];
    const storage = await openKeyStorage(directory, { nvram: counters, change: true });
    await storage.adopt(storage.state, { counters: { production: { A: 2 } } });
    await storage[Symbol.asyncDispose]();
    for (const one of [directory, counters]) await one.close();
    expect(await judge()).toMatchObject({ code: 'ERR_IMAGE_COUNTER' });
    expect(problems).toEqual([]);
    await rm(nvram, { recursive: true });
    expect(await judge()).toMatchObject({ code: 'ERR_KEY_STORAGE' });
  });
});
