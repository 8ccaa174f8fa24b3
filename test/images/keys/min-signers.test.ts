import { beforeAll, describe, expect, it } from 'vitest';
import { addKeys } from '../../../src/images/keys/add.ts';
import { initKeyStorage } from '../../../src/images/keys/init.ts';
import { openKeyStorage } from '../../../src/images/keys/open.ts';
import { storageLines, viewStorage } from '../../../src/images/keys/show-storage.ts';
import type { KeyStorage } from '../../../src/images/keys/storage.ts';
import type { ImageSigner } from '../../../src/images/sign.ts';
import type { KeyType } from '../../../src/images/types.ts';
import { verifyImageFile } from '../../../src/images/verify-file.ts';
import { fakeRootKey, fakeVerifier } from '../../support/fake-proofs.ts';
import { describedAs, makeSigner, signed } from '../../support/image-keys.ts';
import { add, makeKeyFolder, refusal, revocation, rewrite, withStorage } from '../../support/key-folder.ts';
import { memoryImage } from '../../support/memory-image.ts';
import { PowerCutDisk } from '../../support/power-cut-disk.ts';

const signers: Record<string, ImageSigner> = {};
beforeAll(async () => {
  for (const name of [
    'rollover A 1',
    'rollover A 2',
    'production A 1',
    'production A 2',
    'production B 1',
    'production B 2',
  ]) {
    const [type, version] = name.split(' ') as [KeyType, string];
    signers[name] = await makeSigner('ed25519', type, version);
  }
});

const key = (name: string): ImageSigner => signers[name] as ImageSigner;

/** A storage where two of each have to sign. */
async function makeStorage(): Promise<PowerCutDisk> {
  const disk = new PowerCutDisk();
  const root = ['rollover A 1', 'rollover A 2', 'production A 1', 'production A 2'].map((name) => {
    const [type, version] = name.split(' ') as [KeyType, string];
    return { type, version, certificate: key(name).certificate.bytes };
  });
  await initKeyStorage(disk.directory('keys'), root, { minSigners: { rollover: 2, production: 2 } });
  return disk;
}

async function addFrom(storage: KeyStorage, by: readonly string[], brings: readonly string[]): Promise<unknown> {
  const { file } = await signed(Buffer.from('x'), by.map(key), {
    description: describedAs('revocation'),
    newKeys: brings.map(key),
  });
  return await addKeys(storage, 'production', await verifyImageFile(memoryImage(file), { lookup: storage }));
}

describe('a storage that asks for two signers', () => {
  it('takes what two keys of a version have signed, and not what one has, whatever the policy says', async () => {
    const storage = await openKeyStorage((await makeStorage()).directory('keys'));
    const verify = async (by: readonly string[], minSigners?: number): Promise<number> => {
      const { file } = await signed(Buffer.from('x'), by.map(key));
      return (await verifyImageFile(memoryImage(file), { lookup: storage, policy: { minSigners } })).signers.length;
    };
    expect(await verify(['production A 1', 'production A 2'])).toBe(2);
    expect(await refusal(() => verify(['production A 1'], 1))).toMatchObject({ code: 'ERR_IMAGE_SIGNERS' });
    expect(storageLines(viewStorage(storage))).toContain('Signers of rollover keys  : 2');
  });

  it('adds no key that one rollover key alone has vouched for, and no version with one key alone', async () => {
    const directory = (await makeStorage()).directory('keys');
    const storage = await openKeyStorage(directory, { change: true });
    const both = ['rollover A 1', 'rollover A 2'];
    expect((await refusal(() => addFrom(storage, ['rollover A 1'], ['production B 1', 'production B 2']))).code).toBe(
      'ERR_IMAGE_SIGNERS',
    );
    expect(await refusal(() => addFrom(storage, both, ['production B 1']))).toMatchObject({
      code: 'ERR_KEY_VERSION',
      message: 'cannot add production key version B: 2 keys have to sign, the image brings 1',
    });
    await addFrom(storage, both, ['production B 1', 'production B 2']);
    await storage[Symbol.asyncDispose]();
    const again = await openKeyStorage(directory);
    expect([again.problems, again.keys('production', 'B').length]).toEqual([[], 2]);
  });

  it('believes no record whose proof one key has signed', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    // The same files under a root that asks for two.
    const strict = new PowerCutDisk().directory('keys');
    const root = ['rollover A', 'rollover A of Ben', 'production A', 'special A'].map(fakeRootKey);
    await initKeyStorage(strict, root, { verifier: fakeVerifier, minSigners: { rollover: 2 } });
    const bytes = await strict.open('root.json', { access: 'read' });
    const content = Buffer.alloc((await bytes.status()).size);
    await bytes.read(content, 0);
    await folder.directory.remove('root.json');
    const file = await folder.directory.open('root.json', { access: 'write', create: 'new', mode: 0o444 });
    await file.write([content], 0);
    await withStorage(folder, {}, (storage) => {
      expect(storage.problems.map(({ kind }) => kind)).toEqual(['unproven', 'unproven']);
      expect(storage.keys('production', 'B')).toEqual([]);
    });
    // Also where the verifier counts nothing.
    await rewrite(folder, 'primary', (one) => one);
    const verifier = {
      ...fakeVerifier,
      verifyEnvelope: (envelope: Uint8Array) =>
        fakeVerifier.verifyEnvelope(envelope, {
          keys: (type, version) => [{ type, version, spki: Buffer.from(`key ${type} ${version}`), state: 'valid' }],
          floor: () => undefined,
        }),
    };
    const { problems } = await withStorage(folder, { verifier }, (storage) => storage);
    expect(problems.map(({ text }) => text.split(': ').at(-1))).toEqual(
      Array(2).fill('2 rollover keys must have signed its proof'),
    );
  });

  it('is not made with fewer keys than have to sign', async () => {
    const init = (minSigners: Record<string, number>) => () =>
      initKeyStorage(
        new PowerCutDisk().directory('keys'),
        ['rollover A', 'production A', 'production B'].map(fakeRootKey),
        {
          verifier: fakeVerifier,
          minSigners,
        },
      );
    expect(await refusal(init({ production: 2 }))).toMatchObject({
      code: 'ERR_KEY_VERSION',
      message: '2 production keys of one version have to sign, 1 are given',
    });
    await expect(init({ production: 0 })()).rejects.toThrow(RangeError);
    // There are none of this type, and when one comes it must be two.
    await init({ special: 2 })();
  });
});
