import { describe, expect, it } from 'vitest';
import type { ImageInUse } from '../../../src/images/keys/in-use.ts';
import { type UpgradeContext, type UpgradeStatus, upgradeStatus } from '../../../src/images/keys/upgrade-status.ts';
import { upgradeStatusLines } from '../../../src/images/keys/upgrade-text.ts';
import type { ImageType, KeyType } from '../../../src/images/types.ts';
import {
  add,
  fileOf,
  type KeyFolder,
  makeKeyFolder,
  putFile,
  revocation,
  revoke,
  withStorage,
} from '../../support/key-folder.ts';

function image(name: string, type: ImageType, keyType: KeyType, version: string): ImageInUse {
  return { name, type, signedWith: [{ type: keyType, version }] };
}

const running = image('flash0:/nx3900-rev.SRA', 'revocation', 'rollover', 'A');
const autobootA = image('flash0:/nx3900-mz.SPA', 'production', 'production', 'A');
const autobootB = image('usbflash0:/nx3900-mz.SPB', 'production', 'production', 'B');
const rommonA = image('NX3900_RM2.srec.SPA', 'rommon.production', 'production', 'A');
const rommonB = image('NX3900_RM2.srec.SPB', 'rommon.production', 'production', 'B');

function statusOf(folder: KeyFolder, context: UpgradeContext): Promise<UpgradeStatus> {
  return withStorage(folder, {}, (storage) => upgradeStatus(storage, context));
}

describe('U4: a step that is missing is said, with what to do', () => {
  it('before the key is added', async () => {
    const folder = await makeKeyFolder();
    const status = await statusOf(folder, { running, bundledVersion: 'B', autoboot: autobootA, rommon: rommonA });
    expect(upgradeStatusLines(status)).toEqual([
      'New production key version          : B',
      'Key in Primary storage              : No',
      'Key in Backup storage               : No',
      'Autoboot image                      : flash0:/nx3900-mz.SPA',
      '    Signed with                     : production key version A        REPLACE REQUIRED',
      'Upgradable ROMmon                   : NX3900_RM2.srec.SPA',
      '    Signed with                     : production key version A        UPGRADE REQUIRED',
      'Running image                       : flash0:/nx3900-rev.SRA (revocation, rollover key version A)',
      'Old key(s) still in storage         : production A',
      'Status                              : NOT READY - 3 actions',
      '  1. software authenticity key add production, from the revocation image that brings version B',
      '  2. copy /verify <url of an image signed with production key version B> and change boot system to it',
      '  3. upgrade rom-monitor file <url of a ROMmon signed with production key version B>',
    ]);
  });

  it('before the ROMmon is upgraded, as the specification shows it', async () => {
    const folder = await makeKeyFolder();
    await add(folder, 'production', revocation());
    const status = await statusOf(folder, { running, bundledVersion: 'B', autoboot: autobootB, rommon: rommonA });
    expect(upgradeStatusLines(status)).toEqual([
      'New production key version          : B',
      'Key in Primary storage              : Yes',
      'Key in Backup storage               : Yes',
      'Autoboot image                      : usbflash0:/nx3900-mz.SPB',
      '    Signed with                     : production key version B        OK',
      'Upgradable ROMmon                   : NX3900_RM2.srec.SPA',
      '    Signed with                     : production key version A        UPGRADE REQUIRED',
      'Running image                       : flash0:/nx3900-rev.SRA (revocation, rollover key version A)',
      'Old key(s) still in storage         : production A',
      'Status                              : NOT READY - 1 action',
      '  1. upgrade rom-monitor file <url of a ROMmon signed with production key version B>',
    ]);
    expect(status.isReady).toBe(false);
  });

  it.each(['primary', 'backup'] as const)('when only %s lacks the key, and that the copies differ', async (copy) => {
    const folder = await makeKeyFolder();
    const old = fileOf(folder, 'primary.keys') as Buffer;
    await add(folder, 'production', revocation());
    await putFile(folder, `${copy}.keys`, old);
    const status = await statusOf(folder, { running, bundledVersion: 'B', autoboot: autobootB, rommon: rommonB });
    expect(status.isIn).toEqual({ primary: copy !== 'primary', backup: copy !== 'backup' });
    expect(status.actions).toHaveLength(1);
    expect(upgradeStatusLines(status)).toContainEqual(
      expect.stringMatching(/^Storage {29}: production key B: .*missing in/),
    );
  });

  it('what is not known is not ready', async () => {
    const folder = await makeKeyFolder();
    const status = await statusOf(folder, {});
    expect(status.actions).toHaveLength(2);
    expect(upgradeStatusLines(status)).toContain('Upgradable ROMmon                   : not known');
  });
});

it('a device is ready when the new key has signed all that starts, and stays so when the old one is revoked', async () => {
  const folder = await makeKeyFolder();
  await add(folder, 'production', revocation());
  const context = { running: autobootB, autoboot: autobootB, rommon: rommonB };
  const ready = await statusOf(folder, context);
  expect([ready.isReady, ready.oldVersions]).toEqual([true, ['A']]);
  await revoke(folder, 'production', context);
  const after = await statusOf(folder, context);
  expect([after.isReady, after.oldVersions]).toEqual([true, []]);
  expect(upgradeStatusLines(after).at(-1)).toBe('Status                              : READY');
  expect(after).toMatchObject({
    newVersion: 'B',
    isReady: true,
    actions: [],
    isIn: { primary: true, backup: true },
  });
  // What a revoked key has signed does not start any more.
  expect((await statusOf(folder, { ...context, autoboot: autobootA })).isReady).toBe(false);
});

it('a special ROMmon is no hindrance to new production keys, unless its key is revoked', async () => {
  const folder = await makeKeyFolder();
  await add(folder, 'production', revocation());
  const rommon = image('NX3900_PRIV_RM2.srec.SSA', 'rommon.special', 'special', 'A');
  expect((await statusOf(folder, { autoboot: autobootB, rommon })).isReady).toBe(true);
});

it('names of images cannot begin a line', async () => {
  const folder = await makeKeyFolder();
  const autoboot = { ...autobootA, name: 'x\nStatus : READY\u001b[1m' };
  const lines = upgradeStatusLines(await statusOf(folder, { autoboot }));
  expect(lines.filter((line) => line.startsWith('Status'))).toHaveLength(1);
  expect(lines.join('')).not.toContain('\u001b');
});
