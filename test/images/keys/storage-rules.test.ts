import { describe, expect, it } from 'vitest';
import { addKeys } from '../../../src/images/keys/add.ts';
import { initKeyStorage } from '../../../src/images/keys/init.ts';
import type { ProvenEnvelope } from '../../../src/images/keys/proof-verifier.ts';
import { type KeyFile, type KeyRecord, sha256Hex } from '../../../src/images/keys/records.ts';
import { fakeCertificate, fakeImage, fakeRootKey, fakeVerifier } from '../../support/fake-proofs.ts';
import {
  add,
  contentOf,
  copyOf,
  fileOf,
  firstKeys,
  type KeyFolder,
  keysIn,
  makeKeyFolder,
  production,
  putFile,
  refusal,
  revocation,
  revoke,
  rewrite,
  states,
  withStorage,
} from '../../support/key-folder.ts';
import { PowerCutDisk } from '../../support/power-cut-disk.ts';

describe('K1', () => {
  const damages: Readonly<Record<string, (folder: KeyFolder, name: string) => Promise<void>>> = {
    missing: ({ directory }, name) => directory.remove(name),
    empty: (folder, name) => putFile(folder, name, new Uint8Array()),
    garbage: (folder, name) => putFile(folder, name, Buffer.alloc(5000, 0xa5)),
    'of another magic': (folder, name) =>
      putFile(folder, name, Buffer.from((fileOf(folder, name) as Buffer).toString().replace('KEYS 1', 'KEYS 2'))),
    cut: (folder, name) => putFile(folder, name, (fileOf(folder, name) as Buffer).subarray(0, -1)),
    'with something behind it': (folder, name) =>
      putFile(folder, name, Buffer.concat([fileOf(folder, name) as Buffer, Buffer.from('\n')])),
    'with one bit changed': (folder, name) => {
      const bytes = Buffer.from(fileOf(folder, name) as Buffer);
      bytes[200] = (bytes[200] as number) ^ 1;
      return putFile(folder, name, bytes);
    },
    'written by others': (folder, name) => folder.directory.setAttributes(name, { mode: 0o664 }),
    'of another owner': async (folder, name) => {
      const file = await folder.directory.open(name, { access: 'write' });
      await file.setOwner(1234, 0);
    },
    'a symbolic link': async ({ directory }, name) => {
      await directory.rename(name, 'elsewhere');
      await directory.makeLink(name, 'elsewhere');
    },
    'a hard link': ({ directory }, name) => directory.makeHardLink(name, 'elsewhere'),
    'a directory': async ({ directory }, name) => {
      await directory.remove(name);
      await directory.makeDirectory(name, 0o755);
    },
  };
  const cases = Object.keys(damages).flatMap((damage) => [[damage, 'primary'] as const, [damage, 'backup'] as const]);

  it.each(cases)('a copy that is %s (%s): the other one is used, said, and repairs it', async (damage, copy) => {
    const folder = await makeKeyFolder();
    const good = fileOf(folder, 'primary.keys') as Buffer;
    await damages[damage]?.(folder, `${copy}.keys`);
    const read = await withStorage(folder, {}, (storage) => storage);
    expect(read.keys('production', 'A')).toHaveLength(1);
    expect(read.problems).toEqual([expect.objectContaining({ kind: 'copy', copy })]);
    await withStorage(folder, { change: true }, () => {});
    expect(fileOf(folder, 'primary.keys')).toEqual(good);
    expect(fileOf(folder, 'backup.keys')).toEqual(good);
    expect(await withStorage(folder, {}, ({ problems }) => problems)).toEqual([]);
  });

  it('both copies bad: no storage, only rollover keys, and the production key of a revocation image starts it again with nothing older', async () => {
    const folder = await makeKeyFolder();
    await putFile(folder, 'primary.keys', Buffer.from('x'));
    await folder.directory.remove('backup.keys');
    expect(await refusal(() => withStorage(folder, {}, () => {}))).toMatchObject({
      code: 'ERR_KEY_STORAGE',
      message: expect.stringContaining('neither copy can be used'),
      cure: expect.stringContaining('revocation image'),
    });
    await withStorage(folder, { recover: true }, (storage) => {
      expect(storage.isRecovery).toBe(true);
      expect(storage.keys('rollover', 'A')).toHaveLength(1);
      expect(storage.keys('production', 'A')).toEqual([]);
      expect(storage.keys('special', 'A')).toEqual([]);
    });
    expect((await refusal(() => add(folder, 'special', production(), { recover: true }))).code).toBe(
      'ERR_IMAGE_UNKNOWN_KEY',
    );
    await add(folder, 'production', revocation(), { recover: true });
    expect(await states(folder)).toEqual(['production B valid']);
    expect(copyOf(folder, 'primary').floors).toEqual({ production: 'B' });
    await add(folder, 'special', production('production B'));
    expect(await states(folder)).toEqual(['production B valid', 'special B valid']);
  });

  it('a folder that others may write is refused, with the cure', async () => {
    const folder = await makeKeyFolder();
    await folder.directory.setOwnMode(0o775);
    expect(await refusal(() => withStorage(folder, {}, () => {}))).toEqual({
      code: 'ERR_KEY_STORAGE',
      message: 'keys: others than its owner may write it',
      cure: 'chmod go-w keys',
    });
  });

  it.each(['root.json', 'nvram.json'])('a %s that others may write is refused, with the cure', async (name) => {
    const folder = await makeKeyFolder();
    await folder.directory.setAttributes(name, { mode: 0o646 });
    expect(await refusal(() => withStorage(folder, {}, () => {}))).toMatchObject({
      code: 'ERR_KEY_STORAGE',
      cure: `chmod go-w keys/${name}`,
    });
  });

  it('a folder without a root is no key storage, and one that has lost it is not made anew', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    await folder.directory.remove('root.json');
    expect((await refusal(() => withStorage(folder, {}, () => {}))).message).toContain('there is no root.json');
    const again = (): Promise<void> =>
      initKeyStorage(folder.directory, firstKeys.map(fakeRootKey), { verifier: fakeVerifier });
    expect((await refusal(again)).message).toBe('keys: has lost its root.json');
  });
});

describe('making a storage', () => {
  it('is done once', async () => {
    const folder = await makeKeyFolder();
    const before = contentOf(folder);
    const again = (): Promise<void> =>
      initKeyStorage(folder.directory, firstKeys.map(fakeRootKey), { verifier: fakeVerifier });
    expect((await refusal(again)).message).toBe('keys: is a key storage already');
    expect(contentOf(folder)).toBe(before);
    expect(folder.disk.image().get('keys/root.json')?.mode).toBe(0o444);
    expect([...folder.disk.image().keys()].sort()).toEqual([
      'keys/backup.keys',
      'keys/nvram.json',
      'keys/primary.keys',
      'keys/root.json',
    ]);
  });

  it.each([
    ['no rollover key', ['production A'], 'needs a rollover key'],
    ['no production key', ['rollover A', 'special A'], 'needs a production key'],
    ['a key twice', ['rollover A', 'production A', 'production A'], 'is given twice'],
    ['a version that is no letter', ['rollover A', 'production AA'], 'no letter from A to Z'],
  ])('is refused with %s', async (_what, keys, message) => {
    const directory = new PowerCutDisk().directory('keys');
    const init = (): Promise<void> => initKeyStorage(directory, keys.map(fakeRootKey), { verifier: fakeVerifier });
    expect(await refusal(init)).toMatchObject({ code: 'ERR_KEY_VERSION', message: expect.stringContaining(message) });
  });
});

it('a storage is not made larger than it can be read', async () => {
  const directory = new PowerCutDisk().directory('keys');
  const large = (name: string, index: number) => ({
    ...fakeRootKey(name),
    certificate: Buffer.concat([fakeCertificate(`${name} ${index} `), Buffer.alloc(15_900, 'x')]),
  });
  const keys = ['rollover A', ...Array.from({ length: 207 }, () => 'production A')].map(large);
  expect(await refusal(() => initKeyStorage(directory, keys, { verifier: fakeVerifier }))).toMatchObject({
    code: 'ERR_KEY_STORAGE',
    message: 'keys: there is no room for so many keys',
  });
});

describe('K2', () => {
  const alter =
    (change: (record: KeyRecord) => KeyRecord) =>
    (file: KeyFile): KeyFile => ({
      ...file,
      records: file.records.map((record) =>
        record.type === 'production' && record.version === 'B' ? change(record) : record,
      ),
    });
  const attacks: Readonly<Record<string, readonly [(record: KeyRecord) => KeyRecord, string]>> = {
    'another version': [(record) => ({ ...record, version: 'C' }), 'its proof is of another key'],
    'another type': [(record) => ({ ...record, type: 'special' }), 'no key is known'],
    'another public key': [
      (record) => ({ ...record, spki: Buffer.from('key of mine') }),
      'not the one of its certificate',
    ],
    'another certificate': [
      (record) => ({ ...record, certificate: fakeCertificate('production X') }),
      'its certificate has another SHA-256',
    ],
    'another certificate of the same key': [
      (record) => ({ ...record, certificate: fakeCertificate('production B (again)') }),
      'its certificate has another SHA-256',
    ],
    'the proof of nobody': [(record) => ({ ...record, proof: Buffer.from('nonsense') }), 'is no envelope'],
    'the root as its proof': [(record) => ({ ...record, proof: 'root' }), 'the root does not have it'],
    'a proof by a production key': [
      (record) => ({ ...record, proof: production('production A', ['production B']).envelope }),
      'no key is known',
    ],
    'a proof by a rollover key of their own': [
      (record) => ({
        ...record,
        proof: fakeImage({ type: 'revocation', signers: ['rollover B'], bundled: ['production B'] }).envelope,
      }),
      'no key is known',
    ],
    'the proof of another key': [
      (record) => ({ ...record, proof: revocation(['production B of other']).envelope }),
      'its proof is of another key',
    ],
  };

  it.each(Object.keys(attacks))('a record with %s is ignored in both copies, and said', async (name) => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    const [attack, reason] = attacks[name] as (typeof attacks)[string];
    for (const copy of ['primary', 'backup'] as const) await rewrite(folder, copy, alter(attack));
    await withStorage(folder, {}, (storage) => {
      const alarms = storage.problems.filter(({ kind }) => kind === 'unproven');
      expect(alarms.map(({ copy }) => copy)).toEqual(['primary', 'backup']);
      for (const { text } of alarms) expect(text).toContain(reason);
      expect(storage.state.records.map(({ type, version }) => type + version)).toEqual(['productionA', 'specialA']);
    });
  });

  it('a proof is the right image of the right signer, whatever the verifier takes', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    const { info } = revocation();
    const key = { version: 'A', spki: Buffer.from('x'), state: 'valid' } as const;
    const verifiers: Readonly<Record<string, ProvenEnvelope>> = {
      'its proof is no revocation image': {
        info: { ...info, type: 'production' },
        signers: [{ key: { ...key, type: 'rollover' } }],
      },
      'no rollover key has signed its proof': { info, signers: [{ key: { ...key, type: 'production' } }] },
    };
    for (const [reason, proven] of Object.entries(verifiers)) {
      const verifier = { ...fakeVerifier, verifyEnvelope: () => proven };
      const { problems } = await withStorage(folder, { verifier }, (storage) => storage);
      expect(problems.map(({ text }) => text.split(': ').at(-1))).toEqual([reason, reason]);
    }
  });

  it('of two keys that came under one letter by different images the first counts', async () => {
    const [folder, other] = [await makeKeyFolder(), await makeKeyFolder()];
    await add(folder, 'production', revocation(['production B', 'production B of both']));
    await add(other, 'production', revocation(['production B of other']));
    await putFile(folder, 'backup.keys', fileOf(other, 'primary.keys') as Buffer);
    await withStorage(folder, { change: true }, (storage) => {
      expect(storage.problems.filter(({ kind }) => kind === 'unproven')).toEqual([
        expect.objectContaining({
          copy: 'backup',
          text: expect.stringContaining('another key has this version already'),
        }),
      ]);
      expect(storage.keys('production', 'B')).toHaveLength(2);
    });
    expect(keysIn(folder, 'backup')).toEqual(['production A', 'production B', 'production B', 'special A']);
  });

  it('a record that was made valid again in one copy stays revoked by the other', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    await revoke(folder, 'production');
    const heal = (file: KeyFile): KeyFile => ({
      ...file,
      floors: {},
      records: file.records.map((one) => ({ ...one, state: 'valid' as const })),
    });
    await rewrite(folder, 'primary', heal);
    expect(await states(folder)).toContain('production A revoked');
    // In both: the numbers that only grow know of the floor.
    await rewrite(folder, 'backup', heal);
    expect((await refusal(() => states(folder))).message).toContain('a floor was higher');
  });

  it('a key whose algorithm is not known here is kept and not used', async () => {
    const folder = await makeKeyFolder();
    const elsewhere = {
      ...fakeVerifier,
      publicKeyOf: (one: Uint8Array): Uint8Array =>
        Buffer.from(one).includes('unknown') ? Buffer.from('key of later') : fakeVerifier.publicKeyOf(one),
    };
    await add(folder, 'production', revocation(['production B of unknown algorithm']), { verifier: elsewhere });
    await withStorage(folder, { change: true }, (storage) => {
      expect(storage.problems.map(({ kind }) => kind)).toEqual(['unchecked', 'unchecked']);
      expect(storage.keys('production', 'B')).toEqual([]);
    });
    expect(keysIn(folder, 'primary')).toContain('production B');
    expect((await refusal(() => add(folder, 'production', revocation()))).message).toContain(
      'this version is another key already',
    );
  });
});

describe('K3', () => {
  it('an old pair of files is refused, and a newer production key gets out of it', async () => {
    const folder = await makeKeyFolder();
    const old = fileOf(folder, 'primary.keys') as Buffer;
    await add(folder, 'production', revocation());
    await revoke(folder, 'production');
    await putFile(folder, 'primary.keys', old);
    // One old copy is outvoted.
    expect(await states(folder)).toContain('production A revoked');
    await putFile(folder, 'backup.keys', old);
    const refused = await refusal(() => withStorage(folder, { change: true }, () => {}));
    expect(refused).toMatchObject({
      code: 'ERR_KEY_STORAGE',
      message: expect.stringContaining('generation 1, and it was 3'),
    });
    expect(refused.cure).toContain('put the newer files back');
    // The revocation image of then is not enough where a newer floor is known; the one for B is, since B is the floor.
    expect((await refusal(() => add(folder, 'production', revocation(['production A']), { recover: true }))).code).toBe(
      'ERR_KEY_VERSION',
    );
    await add(folder, 'production', revocation(), { recover: true });
    expect(await states(folder)).toEqual(['production B valid']);
  });

  it('the numbers may be kept elsewhere', async () => {
    const disk = new PowerCutDisk();
    const [directory, nvram] = [disk.directory('keys'), disk.directory('nvram')];
    await initKeyStorage(directory, firstKeys.map(fakeRootKey), { verifier: fakeVerifier, nvram });
    expect([...disk.image().keys()]).toContain('nvram/nvram.json');
    await withStorage({ directory }, { change: true, nvram }, (storage) =>
      addKeys(storage, 'production', revocation()),
    );
    expect(disk.image().get('nvram/nvram.json')?.content.toString()).toContain('"generation":2');
    await nvram.setOwnMode(0o777);
    expect((await refusal(() => states({ directory }, { nvram }))).cure).toBe('chmod go-w nvram');
    await nvram.setOwnMode(0o755);
    await nvram.remove('nvram.json');
    const storage = await withStorage({ directory }, { nvram }, (one) => one);
    expect(storage.problems).toEqual([
      { kind: 'nvram', text: 'nvram.json: is missing: an old state that is put back would not be noticed' },
    ]);
  });
});

describe('K4', () => {
  it('copies that differ are merged most restrictively, said, and made equal', async () => {
    const folder = await makeKeyFolder();
    const old = fileOf(folder, 'primary.keys') as Buffer;
    await add(folder, 'special', production());
    await revoke(folder, 'special');
    await putFile(folder, 'backup.keys', old);
    await rewrite(folder, 'backup', (file) => ({ ...file, floors: { production: 'A' } }));
    await withStorage(folder, { change: true }, (storage) => {
      expect(storage.problems.map(({ text }) => text)).toEqual([
        'generation 3 in primary, 1 in backup',
        'floor of production keys: none in primary, A in backup',
        'floor of special keys: B in primary, none in backup',
        'special key A: revoked in primary, valid in backup',
        'special key B: valid in primary, missing in backup',
      ]);
      expect(storage.state.floors).toEqual({ production: 'A', special: 'B' });
    });
    expect(fileOf(folder, 'primary.keys')).toEqual(fileOf(folder, 'backup.keys'));
    expect(keysIn(folder, 'backup')).toEqual(['production A', 'special A revoked', 'special B']);
  });
});

describe('K13', () => {
  it('who may write the files and not the root can neither add a key nor bring one back', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    await revoke(folder, 'production');
    const forged: KeyRecord = {
      type: 'production',
      version: 'C',
      certificate: fakeCertificate('production C'),
      sha256: '',
      spki: fakeVerifier.publicKeyOf(fakeCertificate('production C')),
      state: 'valid',
      proof: fakeImage({ type: 'revocation', signers: ['rollover Z'], bundled: ['production C'] }).envelope,
    };
    for (const copy of ['primary', 'backup'] as const)
      await rewrite(folder, copy, (file) => ({
        ...file,
        records: [
          ...file.records.map((one) => ({ ...one, state: 'valid' as const })),
          { ...forged, sha256: sha256Hex(forged.certificate) },
        ],
      }));
    await withStorage(folder, {}, (storage) => {
      expect(storage.keys('production', 'C')).toEqual([]);
      expect(storage.keys('production', 'A').map(({ state }) => state)).toEqual(['revoked']);
    });
  });

  it('a storage that is open for reading writes nothing', async () => {
    const folder = await makeKeyFolder();
    await putFile(folder, 'backup.keys', Buffer.from('x'));
    const begin = folder.disk.calls.length;
    await withStorage(folder, {}, async (storage) => {
      await expect(addKeys(storage, 'production', revocation())).rejects.toThrow('open for reading only');
    });
    const calls = folder.disk.calls
      .slice(begin)
      .filter((call) => !/^(status|fstat|read|close|open \S+ read)/.test(call));
    expect(calls).toEqual([]);
  });
});
