import { describe, expect, it } from 'vitest';
import { addKeys } from '../../../src/images/keys/add.ts';
import type { KeyObserver } from '../../../src/images/keys/events.ts';
import { initKeyStorage } from '../../../src/images/keys/init.ts';
import { revokeKeys } from '../../../src/images/keys/revoke.ts';
import { fakeCertificate, fakeImage, fakeRootKey, fakeVerifier } from '../../support/fake-proofs.ts';
import {
  add,
  contentOf,
  copyOf,
  fileOf,
  firstKeys,
  keysIn,
  makeKeyFolder,
  production,
  putFile,
  recorder,
  refusal,
  revocation,
  revoke,
  rewrite,
  withStorage,
} from '../../support/key-folder.ts';
import { PowerCutDisk } from '../../support/power-cut-disk.ts';

describe('K5', () => {
  const addedLines = [
    'Validating running image...',
    'Validating new special key...',
    'Adding the key to Primary',
    'Checking for duplicate keys',
    'Writing the key...e.Success',
    'Adding the key to Backup',
    'Checking for duplicate keys',
    'Writing the key...e.Success',
    'Done!',
  ];

  it('an added key is in both copies, and adding it again changes nothing', async () => {
    const folder = await makeKeyFolder();
    const first = await add(folder, 'special', production());
    expect(first).toEqual({ lines: addedLines, change: { changed: true, version: 'B' } });
    expect(keysIn(folder, 'primary')).toEqual(['production A', 'special A', 'special B']);
    expect(keysIn(folder, 'backup')).toEqual(keysIn(folder, 'primary'));
    const before = contentOf(folder);
    const again = await add(folder, 'special', production());
    expect(again.change.changed).toBe(false);
    expect(again.lines).toEqual([
      'Validating running image...',
      'Validating new special key...',
      'Adding the key to Primary',
      'Checking for duplicate keys',
      'Key with version B already present in Primary',
      'Adding the key to Backup',
      'Checking for duplicate keys',
      'Key with version B already present in Backup',
      'No change',
    ]);
    expect(contentOf(folder)).toBe(before);
  });

  it.each(['primary', 'backup'] as const)('a key that only %s lacks is added there', async (copy) => {
    const folder = await makeKeyFolder();
    const old = fileOf(folder, 'primary.keys') as Buffer;
    await add(folder, 'production', revocation());
    await putFile(folder, `${copy}.keys`, old);
    const { lines, change } = await add(folder, 'production', revocation());
    const present = copy === 'primary' ? 'Backup' : 'Primary';
    expect(change.changed).toBe(true);
    expect(lines).toContain(`Key with version B already present in ${present}`);
    expect(lines.filter((line) => line.startsWith('Writing'))).toEqual(['Writing the key...e.Success']);
    expect(fileOf(folder, 'primary.keys')).toEqual(fileOf(folder, 'backup.keys'));
  });

  it('one storage that stays open knows what it has written', async () => {
    const folder = await makeKeyFolder();
    await withStorage(folder, { change: true }, async (storage) => {
      const twice = async (work: (observer: KeyObserver) => Promise<unknown>): Promise<string[]> => {
        await work(() => {});
        const { lines, observer } = recorder();
        await work(observer);
        return lines.slice(-1);
      };
      expect(await twice((observer) => addKeys(storage, 'production', revocation(), { observer }))).toEqual([
        'No change',
      ]);
      expect(await twice((observer) => revokeKeys(storage, 'production', {}, { observer }))).toEqual(['No change']);
      expect(await twice((observer) => addKeys(storage, 'special', production('production B'), { observer }))).toEqual([
        'No change',
      ]);
    });
    expect(keysIn(folder, 'backup')).toEqual(['production A revoked', 'production B', 'special A', 'special B']);
    expect(copyOf(folder, 'backup').generation).toBe(4);
  });

  it('several keys of a version come together', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation(['production B of Ann', 'production B of Ben']));
    await withStorage(folder, {}, (storage) => expect(storage.keys('production', 'B')).toHaveLength(2));
  });
});

describe('K6', () => {
  it.each([
    ['below the floor', ['production A of new'], 'versions below B are revoked'],
    ['with another key', ['production B of other'], 'this version is another key already'],
    ['with one more key', ['production B', 'production B of other'], 'this version is another key already'],
    ['with the key that is revoked', ['production C=production A'], 'it is the key of production version A'],
    ['with the rollover key', ['production C=rollover A'], 'it is the key of rollover version A'],
    ['of two versions', ['production C', 'production D'], 'keys of several versions'],
  ])('a key version %s is refused', async (_what, bundled, message) => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    await revoke(folder, 'production');
    const before = contentOf(folder);
    const refused = await refusal(() => add(folder, 'production', revocation(bundled)));
    expect(refused).toMatchObject({ code: 'ERR_KEY_VERSION', message: expect.stringContaining(message) });
    expect(contentOf(folder)).toBe(before);
  });
});

describe('a key that is there and revoked', () => {
  it('is not added again, also where it is no older than the floor', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    await rewrite(folder, 'backup', (file) => ({
      ...file,
      records: file.records.map((one) => (one.version === 'B' ? { ...one, state: 'revoked' as const } : one)),
    }));
    expect(await refusal(() => add(folder, 'production', revocation()))).toMatchObject({
      code: 'ERR_KEY_VERSION',
      message: 'cannot add production key version B: it is revoked',
    });
  });
});

describe('K7', () => {
  const special = fakeImage({ type: 'special', signers: ['special A'], bundled: ['production B', 'special B'] });
  const all = {
    production: production('production A', ['production B', 'special B']),
    special,
    revocation: revocation(['production B', 'special B']),
  };

  it.each([
    [
      'production',
      'production',
      'cannot add production key: running image is a production image (revocation image required)',
    ],
    [
      'production',
      'special',
      'cannot add production key: running image is a special image (revocation image required)',
    ],
    ['special', 'special', 'cannot add special key: running image is a special image (production image required)'],
    [
      'special',
      'revocation',
      'cannot add special key: running image is a revocation image (production image required)',
    ],
  ] as const)('key add %s from a %s image is an error', async (type, image, message) => {
    const folder = await makeKeyFolder();
    const before = contentOf(folder);
    expect(await refusal(() => add(folder, type, all[image]))).toMatchObject({ code: 'ERR_KEY_WRONG_IMAGE', message });
    expect(contentOf(folder)).toBe(before);
  });

  it.each([
    ['production', 'special'],
    ['production', 'revocation'],
    ['special', 'special'],
    ['special', 'revocation'],
  ] as const)('key revoke %s from a %s image is an error', async (type, image) => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    await add(folder, 'special', production());
    const before = contentOf(folder);
    const running = { name: 'flash0:/x', type: image, signedWith: [{ type: 'production' as const, version: 'B' }] };
    expect(await refusal(() => revoke(folder, type, { running }))).toMatchObject({
      code: 'ERR_KEY_WRONG_IMAGE',
      message: `cannot revoke ${type} key: running image is a ${image} image (production image required)`,
    });
    expect(contentOf(folder)).toBe(before);
  });

  it('an image that only says it is a revocation image adds nothing', async () => {
    const folder = await makeKeyFolder();
    const forged = fakeImage({ type: 'revocation', signers: ['rollover B'], bundled: ['production B'] });
    expect((await refusal(() => add(folder, 'production', forged))).code).toBe('ERR_IMAGE_UNKNOWN_KEY');
    const lying = { ...production('production A', ['production B']), info: revocation().info };
    expect((await refusal(() => add(folder, 'production', lying))).code).toMatch(/^ERR_(KEY_PROOF|IMAGE_UNKNOWN_KEY)$/);
  });

  it('a platform without key revocation refuses all four commands', async () => {
    const folder = await makeKeyFolder();
    const profile = { keyRevocation: false };
    await withStorage(folder, { change: true }, async (storage) => {
      for (const work of [
        () => addKeys(storage, 'production', revocation(), { profile }),
        () => addKeys(storage, 'special', production(), { profile }),
        () => revokeKeys(storage, 'production', {}, { profile }),
        () => revokeKeys(storage, 'special', {}, { profile }),
      ])
        expect(await refusal(work)).toMatchObject({
          code: 'ERR_IMAGE_POLICY',
          message: 'this platform has no key revocation and replacement',
        });
    });
  });
});

describe('K8', () => {
  const signed = (version: string, type: 'production' | 'special' = 'production', name = 'flash0:/x.SPA') => ({
    name,
    type,
    signedWith: [{ type, version }],
  });

  it('without a newer key nothing is revoked', async () => {
    const folder = await makeKeyFolder();
    for (const type of ['production', 'special'] as const)
      expect(await refusal(() => revoke(folder, type))).toMatchObject({
        code: 'ERR_KEY_NO_NEWER',
        message: `cannot revoke: no newer ${type} key in storage`,
      });
  });

  it.each([
    [
      'running image',
      { running: signed('A') },
      'it verifies the running image',
      'reload an image signed with production key version B',
    ],
    [
      'autoboot image',
      { autoboot: signed('A') },
      'it verifies the autoboot image flash0:/x.SPA',
      'copy an image signed with production key version B and change boot system',
    ],
    [
      'upgradable ROMmon',
      { rommon: { ...signed('A'), name: 'RM2.srec.SPA' } },
      'it verifies the upgradable ROMmon RM2.srec.SPA',
      'upgrade rom-monitor file <url of a ROMmon signed with production key version B>',
    ],
  ])('what the %s needs is not revoked', async (_what, context, message, cure) => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    const before = contentOf(folder);
    expect(await refusal(() => revoke(folder, 'production', context))).toEqual({
      code: 'ERR_KEY_IN_USE',
      message: `cannot revoke production key version A: ${message}`,
      cure,
    });
    expect(contentOf(folder)).toBe(before);
  });

  it.each([
    ['a reload is scheduled', { isReloadScheduled: true }],
    ['the image was started by a warm reload', { wasWarmReload: true }],
  ])('while %s nothing is revoked', async (_what, context) => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    expect((await refusal(() => revoke(folder, 'production', context))).code).toBe('ERR_KEY_IN_USE');
  });

  it('an image that no key of the storage has signed is not left without a key', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    expect(await refusal(() => revoke(folder, 'production', { autoboot: signed('C') }))).toMatchObject({
      code: 'ERR_KEY_IN_USE',
      message: 'cannot revoke production key: no valid key verifies the autoboot image flash0:/x.SPA',
    });
  });

  it('an image that was signed with the new key too keeps nothing from being revoked', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    const both = { ...signed('A'), signedWith: [...signed('A').signedWith, ...signed('B').signedWith] };
    await revoke(folder, 'production', { running: both, autoboot: both });
    expect(keysIn(folder, 'backup')).toEqual(['production A revoked', 'production B', 'special A']);
  });

  it('a revocation says the lines of the device, revokes every older version, and is done once', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'special', production());
    await add(folder, 'special', production('production A', ['special D']));
    const context = { running: signed('A'), rommon: { ...signed('D', 'special'), type: 'rommon.special' as const } };
    const { lines } = await revoke(folder, 'special', context);
    expect(lines).toEqual([
      'Finding the new special key in the key storage',
      'Validating running image...',
      'Revoking keys with version less than D',
      'Validating upgradable rommon...',
      'Scanning the keys in Primary',
      'Revoking the key with version A...e.Success',
      'Revoking the key with version B...e.Success',
      'Scanning the keys in Backup',
      'Revoking the key with version A...e.Success',
      'Revoking the key with version B...e.Success',
      'Done!',
      '%DIGISIGN-4-DEV_IMAGE: Upgradable rommon software signed using special key version D',
    ]);
    const before = contentOf(folder);
    expect((await revoke(folder, 'special')).lines.at(-1)).toBe('No change');
    expect(contentOf(folder)).toBe(before);
  });

  it('a special key that a revoked production key brought is not used until a valid one brings it again', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'special', production());
    await add(folder, 'production', revocation());
    const { lines } = await revoke(folder, 'production');
    expect(lines).toContain(
      'Special key with version B came with an image of a revoked key: not used until a production image adds it again',
    );
    expect(keysIn(folder, 'primary')).toEqual(['production A revoked', 'production B', 'special A']);
    expect((await refusal(() => add(folder, 'special', production()))).code).toBe('ERR_IMAGE_REVOKED_KEY');
    await add(folder, 'special', production('production B'));
    expect(keysIn(folder, 'primary')).toContain('special B');
  });
});

describe('K9', () => {
  it('there is no way to revoke or to add a rollover key', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    await revoke(folder, 'production');
    // A rollover key in a key file is no key.
    const text = (fileOf(folder, 'primary.keys') as Buffer).toString().replace('"type":"special"', '"type":"rollover"');
    await putFile(folder, 'primary.keys', Buffer.from(text));
    await withStorage(folder, {}, (storage) => {
      expect(storage.problems.map(({ copy }) => copy)).toEqual(['primary']);
      expect(storage.keys('rollover', 'A').map(({ state }) => state)).toEqual(['valid']);
      expect(storage.floor('rollover')).toBeUndefined();
    });
  });
});

describe('K10', () => {
  it.each([
    ['none of the type', ['production B'], 'ERR_KEY_NOT_BUNDLED'],
    ['an unreadable one', ['special C='], 'ERR_IMAGE_CERTIFICATE'],
    ['an older one than there is', ['special A of later'], 'ERR_KEY_VERSION'],
  ])('an image that brings %s is refused while its key is validated', async (_what, bundled, code) => {
    const folder = await makeKeyFolder();
    await add(folder, 'special', production());
    const before = contentOf(folder);
    const { lines, observer } = recorder();
    const work = () =>
      withStorage(folder, { change: true }, (storage) =>
        addKeys(storage, 'special', production('production A', bundled), { observer }),
      );
    expect((await refusal(work)).code).toBe(code);
    expect(lines.at(-1)).toBe('Validating new special key...');
    expect(contentOf(folder)).toBe(before);
  });

  it('a version between two that are there is refused', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'special', production('production A', ['special C']));
    expect(await refusal(() => add(folder, 'special', production()))).toMatchObject({
      code: 'ERR_KEY_VERSION',
      message: 'cannot add special key version B: version C is in the storage already',
    });
  });

  it('a certificate that says that it is for something else is refused, also where a storage is made', async () => {
    const folder = await makeKeyFolder();
    const verifier = { ...fakeVerifier, purposeOf: () => ({ type: 'special', version: 'Q' }) as const };
    const message = expect.stringContaining('its certificate says that it is special key version Q') as unknown;
    expect(await refusal(() => add(folder, 'special', production(), { verifier }))).toMatchObject({
      code: 'ERR_KEY_VERSION',
      message,
    });
    const init = () => initKeyStorage(new PowerCutDisk().directory('keys'), firstKeys.map(fakeRootKey), { verifier });
    expect(await refusal(init)).toMatchObject({ code: 'ERR_KEY_VERSION', message });
  });

  it('an image without the certificate that it names is refused', async () => {
    const folder = await makeKeyFolder();
    const image = { ...production(), bundledCertificates: [fakeCertificate('special C')] };
    expect((await refusal(() => add(folder, 'special', image))).code).toBe('ERR_KEY_PROOF');
  });
});
