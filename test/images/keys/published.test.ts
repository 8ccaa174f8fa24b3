import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { localFileSystem } from '../../../src/files/local.ts';
import { addKeys } from '../../../src/images/keys/add.ts';
import { initKeyStorage } from '../../../src/images/keys/init.ts';
import { openKeyStorage } from '../../../src/images/keys/open.ts';
import { exampleImage } from '../../support/example-image.ts';
import { certificateFor, describedAs, signed } from '../../support/image-keys.ts';
import { makeStore, makeVendor } from '../../support/signed-images.ts';
import { tempDirectory } from '../../support/temp.ts';

const refusal = { code: 'ERR_KEY_VERSION', reason: expect.stringMatching(/its private half is published/) };

it('I20: a key storage does not begin with a key that everybody has', async () => {
  const base = await tempDirectory('published');
  const { signer } = await exampleImage();
  const { rollover } = await makeVendor();
  const directory = await localFileSystem().directory(base);
  const keys = [
    { type: 'rollover', version: 'A', certificate: rollover.certificate.bytes },
    { type: 'production', version: 'A', certificate: signer.certificate.bytes },
  ] as const;
  await expect(initKeyStorage(directory, keys, {})).rejects.toMatchObject(refusal);
  await directory.close();
  expect(await readdir(base)).toEqual([]);
});

it('I20: no image brings one', async () => {
  const store = join(await tempDirectory('published'), 'store');
  const vendor = await makeVendor();
  await makeStore(store, vendor);
  const { privateKey } = (await exampleImage()).signer;
  const certificate = certificateFor(privateKey, { type: 'production', version: 'B' });
  const image = await signed(Buffer.from('x'), [vendor.rollover], {
    description: describedAs('revocation'),
    newKeys: [{ certificate }],
  });
  const directory = await localFileSystem().directory(store);
  const storage = await openKeyStorage(directory, { change: true });
  try {
    const from = { info: image.info, envelope: image.envelope, bundledCertificates: [certificate.bytes] };
    await expect(addKeys(storage, 'production', from)).rejects.toMatchObject(refusal);
    expect(storage.newest('production')).toBe('A');
  } finally {
    await storage[Symbol.asyncDispose]();
    await directory.close();
  }
});
