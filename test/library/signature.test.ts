import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type CopyEvent, connect, type Host, signedImages } from '../../src/index.ts';
import { makeHostKey, PASSWORD, startTestServer } from '../server/support.ts';
import { lookupOf, trusted } from '../support/image-keys.ts';
import { imageOf, makeStore, makeVendor, spoiled, type Vendor } from '../support/signed-images.ts';
import { tempDirectory } from '../support/temp.ts';

const REASON = 'the payload is not what was signed';

let vendor: Vendor;
let good: Buffer;
beforeAll(async () => {
  vendor = await makeVendor();
  good = await imageOf(vendor, randomBytes(400_000));
});

let dir: string;
let store: string;
beforeEach(async () => {
  dir = await tempDirectory('library');
  store = join(dir, 'store');
  await makeStore(store, vendor);
  for (const name of ['here', 'there']) await mkdir(join(dir, name));
  for (const name of ['here', 'there']) {
    await writeFile(join(dir, name, 'good.SPA'), good);
    await writeFile(join(dir, name, 'bad.SPA'), spoiled(good));
  }
});

/** A server of the library on the folder `there`, and a connection to it. */
async function hostWith(options: Parameters<typeof startTestServer>[0] = {}): Promise<Host> {
  const key = makeHostKey();
  const { port } = await startTestServer({ root: join(dir, 'there'), hostKeys: [key], ...options });
  const host = await connect({
    host: '127.0.0.1',
    port,
    user: 'alice',
    password: PASSWORD,
    hostKeys: [key.fingerprint],
  });
  onTestFinished(() => host.close());
  return host;
}

describe('verifySignature of the library', () => {
  it('lets signed images land and nothing else, both ways, and tells who has signed', async () => {
    const host = await hostWith();
    const verifySignature = { keys: store, policy: { product: 'NX3900' } };
    await host.upload(join(dir, 'here', 'good.SPA'), '/up.SPA', { verifySignature });
    await expect(host.upload(join(dir, 'here', 'bad.SPA'), '/no.SPA', { verifySignature })).rejects.toMatchObject({
      result: { errors: [{ code: 'ERR_IMAGE_DIGEST', reason: REASON }] },
    });
    const events: CopyEvent[] = [];
    const copy = host.download(['/good.SPA', '/bad.SPA'], join(dir, 'here', 'down'), {
      verifySignature: { keys: lookupOf([trusted(vendor.production)]) },
      mkdir: true,
      onError: 'continue',
    });
    for await (const event of copy) events.push(event);
    expect((await copy).errors).toMatchObject([{ code: 'ERR_IMAGE_DIGEST' }]);
    expect(events.filter((event) => event.type === 'file-end')).toMatchObject([
      { outcome: 'copied', verified: { product: 'NX3900', signers: [{ type: 'production', version: 'A' }] } },
      { outcome: 'failed' },
    ]);
    expect(await readdir(join(dir, 'here', 'down'))).toEqual(['good.SPA']);
    expect((await readdir(join(dir, 'there'))).sort()).toEqual(['bad.SPA', 'good.SPA', 'up.SPA']);
  });

  it('copies nothing where the key storage cannot be used', async () => {
    const host = await hostWith();
    const verifySignature = { keys: join(dir, 'here') };
    await expect(host.upload(join(dir, 'here', 'good.SPA'), '/up.SPA', { verifySignature })).rejects.toMatchObject({
      code: 'ERR_KEY_STORAGE',
    });
    expect((await readdir(join(dir, 'there'))).sort()).toEqual(['bad.SPA', 'good.SPA']);
  });

  it('works on a host that has only the SCP protocol', async () => {
    const host = await hostWith({ services: { sftp: false } });
    const verifySignature = { keys: store };
    await host.upload(join(dir, 'here', 'good.SPA'), '/up.SPA', { verifySignature });
    for (const copy of [
      host.upload(join(dir, 'here', 'bad.SPA'), '/no.SPA', { verifySignature }),
      host.download('/bad.SPA', join(dir, 'here', 'no.SPA'), { verifySignature }),
    ])
      await expect(copy).rejects.toMatchObject({ result: { failed: 1 } });
    await host.download('/good.SPA', join(dir, 'here', 'down.SPA'), { verifySignature });
    expect((await readFile(join(dir, 'here', 'down.SPA'))).equals(good)).toBe(true);
    expect((await readdir(join(dir, 'here'))).sort()).toEqual(['bad.SPA', 'down.SPA', 'good.SPA']);
    expect((await readdir(join(dir, 'there'))).sort()).toEqual(['bad.SPA', 'good.SPA', 'up.SPA']);
  });
});

describe('signedImages', () => {
  it('makes a root of a server take signed images only', async () => {
    const told: unknown[] = [];
    const accept = signedImages({ keys: store, onTrouble: (error) => told.push(error) });
    expect(() => accept.begin('x')).toThrow(TypeError);
    await mkdir(join(dir, 'images'));
    const host = await hostWith({ roots: [{ name: 'images', path: join(dir, 'images'), accept }], root: undefined });
    await host.upload(join(dir, 'here', 'good.SPA'), '/');
    await expect(host.upload(join(dir, 'here', 'bad.SPA'), '/')).rejects.toMatchObject({
      result: { errors: [{ message: expect.stringContaining(REASON) }] },
    });
    expect(await readdir(join(dir, 'images'))).toEqual(['good.SPA']);
    expect(told).toEqual([]);
  });
});
