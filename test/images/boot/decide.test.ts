import { execFileSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openBootStorage } from '../../../src/images/boot/boot-storage.ts';
import { bootDecisionLines } from '../../../src/images/boot/boot-text.ts';
import { isLoaderNewEnough } from '../../../src/images/boot/loader-version.ts';
import { beginTry, forgetTries, reportGood } from '../../../src/images/boot/tries.ts';
import { encodeFooter } from '../../../src/images/footer.ts';
import { addKeys } from '../../../src/images/keys/add.ts';
import { raiseCounters } from '../../../src/images/keys/counters.ts';
import { MAX_TRIES_ENTRIES } from '../../../src/images/keys/nvram-file.ts';
import { openKeyStorage } from '../../../src/images/keys/open.ts';
import { revokeKeys } from '../../../src/images/keys/revoke.ts';
import type { VerifiedImage } from '../../../src/images/types.ts';
import { verifyImageFile } from '../../../src/images/verify-file.ts';
import { BootDevice, type DeviceKeys, makeDeviceKeys, outcome } from '../../support/boot-device.ts';
import { signed } from '../../support/image-keys.ts';
import { putFile } from '../../support/key-folder.ts';
import { memoryImage } from '../../support/memory-image.ts';
import { tempDirectory } from '../../support/temp.ts';

let keys: DeviceKeys;
beforeAll(async () => {
  keys = await makeDeviceKeys();
});

/** The bytes that were handed over, where they are in memory. */
function bytesOf(decision: Awaited<ReturnType<BootDevice['decide']>>): string {
  if (decision.kind !== 'start' || decision.payload.kind !== 'memory') throw new Error('nothing in memory');
  return Buffer.from(decision.payload.bytes).toString();
}

function imageOf(decision: Awaited<ReturnType<BootDevice['decide']>>): VerifiedImage {
  if (decision.kind !== 'start') throw new Error('nothing starts');
  return decision.image;
}

/** Adds production key B and revokes A. */
async function replaceProductionKey(device: BootDevice): Promise<void> {
  await device.put('rev.SRA', [keys.rollover], 'revocation', { newKeys: [keys.productionB] });
  await device.change(async (storage) => {
    const file = await device.flash.open('rev.SRA', { access: 'read' });
    await addKeys(storage, 'production', await verifyImageFile(file, { lookup: storage }));
  });
  await device.change((storage) => revokeKeys(storage, 'production'));
}

describe('the first image of the list that may start', () => {
  it('starts, with the bytes that were verified, and each before it has its reason', async () => {
    const device = await BootDevice.make(keys);
    await device.put('other.SPA', [keys.productionA], 'production', { product: 'NX9000' });
    const payload = await device.put('good.SPA', [keys.productionA]);
    await device.put('also.SPA', [keys.productionA]);
    const decision = await device.decide(['missing.SPA', 'other.SPA', 'good.SPA', 'also.SPA']);
    expect(outcome(decision)).toBe('missing.SPA: ENOENT, other.SPA: ERR_IMAGE_PRODUCT, good.SPA');
    expect(bytesOf(decision)).toBe(payload.toString());
    expect(bootDecisionLines(decision)).toEqual([
      'Verification FAILED for flash0:/missing.SPA, REASON: No such file or directory',
      'Verification FAILED for flash0:/other.SPA, REASON: it is for NX9000, not for NX3900',
      'Digitally Signed Release Software with key version A',
    ]);
  });

  it('is a special one only where the policy says so, and never a file of the loader', async () => {
    const device = await BootDevice.make(keys);
    await device.put('dev.SSA', [keys.specialA], 'special');
    await device.put('loader.SPA', [keys.productionA], 'rommon.production');
    await device.put('loader.SSA', [keys.specialA], 'rommon.special');
    expect(outcome(await device.decide(['loader.SPA', 'loader.SSA', 'dev.SSA']))).toBe(
      'loader.SPA: ERR_IMAGE_POLICY, loader.SSA: ERR_IMAGE_POLICY, dev.SSA: ERR_IMAGE_POLICY, none',
    );
    const decision = await device.decide(['loader.SPA', 'loader.SSA', 'dev.SSA'], { policy: { special: true } });
    expect(outcome(decision)).toBe('loader.SPA: ERR_IMAGE_POLICY, loader.SSA: ERR_IMAGE_POLICY, dev.SSA');
    expect(bootDecisionLines(decision).at(-1)).toBe('Digitally Signed Development Software with key version A');
  });

  it('has as many signers as the policy asks for', async () => {
    const device = await BootDevice.make(keys);
    await device.put('one.SPA', [keys.productionA]);
    const decision = await device.decide(['one.SPA'], { policy: { minSigners: 2 } });
    expect(outcome(decision)).toBe('one.SPA: ERR_IMAGE_SIGNERS, none');
  });

  it('finds the loader new enough', async () => {
    const device = await BootDevice.make(keys);
    await device.put('next.SPA', [keys.productionA], 'production', { minLoader: '2.1' });
    expect(outcome(await device.decide(['next.SPA']))).toBe('next.SPA: ERR_IMAGE_POLICY, none');
    expect(outcome(await device.decide(['next.SPA'], { loaderVersion: '2.10' }))).toBe('next.SPA');
    const pairs = [
      ['2.1', '2.1.0'],
      ['2.1.0', '2.1'],
      ['10', '9.9'],
      ['2.1.1', '2.1'],
      ['rev7', 'rev7'],
    ] as const;
    for (const [loader, needed] of pairs) expect(isLoaderNewEnough(loader, needed)).toBe(true);
    for (const [loader, needed] of [
      ['2.1', '2.1.1'],
      ['9', '10'],
      ['rev8', 'rev7'],
      ['2', ''],
    ] as const)
      expect(isLoaderNewEnough(loader, needed)).toBe(false);
  });
});

describe('U1', () => {
  it('an image of an older key version starts while its key is valid, and not once it is revoked', async () => {
    const device = await BootDevice.make(keys);
    await device.put('old.SPA', [keys.productionA]);
    await device.put('both.SPB', [keys.productionA, keys.productionB]);
    expect(outcome(await device.decide(['old.SPA']))).toBe('old.SPA');
    await replaceProductionKey(device);
    expect(outcome(await device.decide(['old.SPA', 'both.SPB']))).toBe('old.SPA: ERR_IMAGE_REVOKED_KEY, both.SPB');
  });
});

describe('U2', () => {
  it('an image with a lower security counter than one that has reported that it is good is refused', async () => {
    const device = await BootDevice.make(keys);
    await device.put('v5.SPA', [keys.productionA], 'production', { counter: 5 });
    await device.put('v4.SPA', [keys.productionA], 'production', { counter: 4 });
    const image = imageOf(await device.decide(['v5.SPA']));
    await device.change((storage) => beginTry(storage, image));
    // It was started, and that is all: the way back is still open.
    expect(outcome(await device.decide(['v4.SPA']))).toBe('v4.SPA');
    await device.change((storage) => reportGood(storage, image));
    expect(outcome(await device.decide(['v4.SPA', 'v5.SPA']))).toBe('v4.SPA: ERR_IMAGE_COUNTER, v5.SPA');
    // Numbers of one type of image are not those of another.
    await device.put('dev.SSA', [keys.specialA], 'special', { counter: 0 });
    expect(outcome(await device.decide(['dev.SSA'], { policy: { special: true } }))).toBe('dev.SSA');
  });
});

describe('U3', () => {
  it('a stolen key that uses up all numbers uses up those of its own version', async () => {
    const device = await BootDevice.make(keys);
    await device.put('max.SPA', [keys.productionA], 'production', { counter: 2 ** 32 - 1 });
    await device.put('next.SPA', [keys.productionA], 'production', { counter: 6 });
    const image = imageOf(await device.decide(['max.SPA']));
    await device.change((storage) => raiseCounters(storage, image));
    expect(outcome(await device.decide(['next.SPA']))).toBe('next.SPA: ERR_IMAGE_COUNTER, none');
    await replaceProductionKey(device);
    await device.put('next.SPB', [keys.productionB], 'production', { counter: 1 });
    expect(outcome(await device.decide(['max.SPA', 'next.SPB']))).toBe('max.SPA: ERR_IMAGE_REVOKED_KEY, next.SPB');
  });

  it('counters never fall', async () => {
    const device = await BootDevice.make(keys);
    await device.put('v5.SPA', [keys.productionA], 'production', { counter: 5 });
    await device.put('v4.SPA', [keys.productionA], 'production', { counter: 4 });
    const [v5, v4] = [imageOf(await device.decide(['v5.SPA'])), imageOf(await device.decide(['v4.SPA']))];
    await device.change((storage) => raiseCounters(storage, v5));
    await device.change(async (storage) => expect(await raiseCounters(storage, v4)).toBe(false));
    expect((await openKeyStorage(device.keys)).counter('production', 'A')).toBe(5);
  });
});

describe('U7 and U8', () => {
  it.each(['../x', '/etc/passwd', '..', '', 'a/b', 'a\0b'])('%j is no name of an image', async (name) => {
    const device = await BootDevice.make(keys);
    expect(() => device.entry(name)).toThrow('unexpected filename');
  });

  it('links, FIFOs, folders and empty files do not start, and nothing hangs', async () => {
    const path = await tempDirectory('flash');
    const device = await BootDevice.make(keys, path);
    await device.put('good.SPA', [keys.productionA]);
    await symlink(join(path, 'good.SPA'), join(path, 'link.SPA'));
    execFileSync('mkfifo', [join(path, 'fifo.SPA')]);
    await writeFile(join(path, 'empty.SPA'), '');
    await writeFile(join(path, 'plain.SPA'), 'no image at all');
    await device.flash.makeDirectory('folder.SPA', 0o755);
    expect(
      outcome(await device.decide(['link.SPA', 'fifo.SPA', 'empty.SPA', 'plain.SPA', 'folder.SPA', 'good.SPA'])),
    ).toBe(
      'link.SPA: ELOOP, fifo.SPA: ERR_NOT_REGULAR_FILE, empty.SPA: ERR_IMAGE_UNSIGNED, plain.SPA: ERR_IMAGE_UNSIGNED, folder.SPA: ERR_NOT_REGULAR_FILE, good.SPA',
    );
    await device.flash.close();
  });
});

describe('U9', () => {
  it('what is written to the file while it is read, or put in its place, is not what starts', async () => {
    const device = await BootDevice.make(keys);
    const payload = await device.put('x.SPA', [keys.productionA], 'production', {
      payload: Buffer.alloc(3_000_000, 'x'),
    });
    const evil = Buffer.alloc(3_000_000, 'evil');
    let reads = 0;
    const decision = await device.decide([
      {
        name: 'x.SPA',
        async open() {
          const file = await device.flash.open('x.SPA', { access: 'read' });
          await device.flash.rename('x.SPA', 'gone');
          await putFile({ directory: device.flash }, 'x.SPA', evil);
          const status = await file.status();
          return {
            path: 'x.SPA',
            status: () => Promise.resolve(status),
            close: () => file.close(),
            // Every part is changed as soon as it has been read.
            async read(buffer, position) {
              const count = await file.read(buffer, position);
              const writer = await device.flash.open('gone', { access: 'write' });
              if (reads++ > 0) await writer.write([evil.subarray(0, count)], position);
              return count;
            },
          };
        },
      },
    ]);
    expect(reads).toBeGreaterThan(3);
    expect(bytesOf(decision) === payload.toString()).toBe(true);
  });

  it('what stands between payload and envelope does not start, though the digest of the rest is right', async () => {
    const device = await BootDevice.make(keys);
    const payload = Buffer.from('payload');
    const { envelope } = await signed(payload, [keys.productionA]);
    const footer = encodeFooter({ payloadBytes: payload.length + 4, envelopeBytes: envelope.length });
    await putFile(
      { directory: device.flash },
      'x.SPA',
      Buffer.concat([payload, Buffer.from('more'), envelope, footer]),
    );
    expect(outcome(await device.decide(['x.SPA']))).toBe('x.SPA: ERR_IMAGE_DIGEST, none');
  });

  it('a file that changes before it is read does not start', async () => {
    const device = await BootDevice.make(keys);
    await device.put('x.SPA', [keys.productionA], 'production', { payload: Buffer.alloc(3_000_000, 'x') });
    const entry = device.entry('x.SPA');
    const decision = await device.decide([
      {
        ...entry,
        async open() {
          const file = await entry.open();
          let reads = 0;
          return {
            path: file.path,
            status: () => file.status(),
            close: () => file.close(),
            async read(buffer, position) {
              const count = await file.read(buffer, position);
              if (reads++ === 2) buffer[7] = (buffer[7] as number) ^ 1;
              return count;
            },
          };
        },
      },
    ]);
    expect(outcome(decision)).toBe('x.SPA: ERR_IMAGE_DIGEST, none');
  });
});

describe('U10', () => {
  it.each(['1970-01-01', '2038-01-19', '2100-01-01'])(
    'on %s the same images start, with a warning at most',
    async (day) => {
      const device = await BootDevice.make(keys);
      await device.put('x.SPA', [keys.productionA]);
      const decision = await device.decide(['x.SPA'], { now: new Date(day) });
      expect(outcome(decision)).toBe('x.SPA');
      expect(imageOf(decision).warnings).toHaveLength(day < '2026' ? 1 : 0);
    },
  );
});

describe('U12', () => {
  it('a loader starts a newer one that verifies, and the old one again when that fails', async () => {
    const device = await BootDevice.make(keys);
    await device.put('forged.srec.SPA', [keys.productionB], 'rommon.production');
    await device.put('dev.srec.SSA', [keys.specialA], 'rommon.special');
    await device.put('system.SPA', [keys.productionA]);
    await device.put('new.srec.SPA', [keys.productionA], 'rommon.production', { counter: 2 });
    await device.put('old.srec.SPA', [keys.productionA], 'rommon.production', { counter: 1 });
    const list = ['forged.srec.SPA', 'dev.srec.SSA', 'system.SPA', 'new.srec.SPA', 'old.srec.SPA'];
    const policy = { role: 'loader', maxTries: 1 } as const;
    const refused =
      'forged.srec.SPA: ERR_IMAGE_UNKNOWN_KEY, dev.srec.SSA: ERR_IMAGE_POLICY, system.SPA: ERR_IMAGE_POLICY';
    const first = await device.decide(list, { policy });
    expect(outcome(first)).toBe(`${refused}, new.srec.SPA`);
    await device.change((storage) => beginTry(storage, imageOf(first)));
    expect(outcome(await device.decide(list, { policy }))).toBe(
      `${refused}, new.srec.SPA: ERR_IMAGE_POLICY, old.srec.SPA`,
    );
    expect(outcome(await device.decide(['dev.srec.SSA'], { policy: { ...policy, special: true } }))).toBe(
      'dev.srec.SSA',
    );
  });
});

describe('U13', () => {
  it('where every entry is bad none starts, and all reasons are said', async () => {
    const device = await BootDevice.make(keys);
    await device.put('b.SPB', [keys.productionB]);
    await putFile({ directory: device.flash }, 'c\u001b[2J.SPA', Buffer.from('x'));
    const decision = await device.decide(['a.SPA', 'b.SPB', 'c\u001b[2J.SPA']);
    expect(outcome(decision)).toBe(
      'a.SPA: ENOENT, b.SPB: ERR_IMAGE_UNKNOWN_KEY, c\u001b[2J.SPA: ERR_IMAGE_UNSIGNED, none',
    );
    const lines = bootDecisionLines(decision);
    expect(lines.at(-1)).toBe('autoboot: boot failed');
    expect(lines.join('')).not.toContain('\u001b');
    expect(outcome(await device.decide([]))).toBe('none');
  });

  it('where no copy of the keys can be used only a revocation image starts', async () => {
    const device = await BootDevice.make(keys);
    await device.put('x.SPA', [keys.productionA]);
    await device.put('dev.SSA', [keys.specialA], 'special');
    await device.put('rev.SRA', [keys.rollover], 'revocation', { newKeys: [keys.productionB] });
    const whole = await openBootStorage(device.keys);
    expect([whole.trouble, whole.storage.isRecovery]).toEqual([undefined, false]);
    await whole.storage[Symbol.asyncDispose]();
    for (const name of ['primary.keys', 'backup.keys'])
      await putFile({ directory: device.keys }, name, Buffer.from('x'));
    const { storage, trouble } = await openBootStorage(device.keys);
    expect(trouble).toMatchObject({ code: 'ERR_KEY_STORAGE' });
    expect(outcome(await device.decide(['x.SPA', 'dev.SSA', 'rev.SRA'], { storage, policy: { special: true } }))).toBe(
      'x.SPA: ERR_IMAGE_UNKNOWN_KEY, dev.SSA: ERR_IMAGE_UNKNOWN_KEY, rev.SRA',
    );
  });

  it('a storage that cannot be written is used as it is', async () => {
    const device = await BootDevice.make(keys);
    device.disk.failAt = (call) => (/^open .* write$/.test(call) ? 'EROFS' : undefined);
    const { storage, trouble } = await openBootStorage(device.keys);
    expect(trouble?.message).toContain('Read-only file system');
    expect(storage.keys('production', 'A')).toHaveLength(1);
  });
});

describe('U14', () => {
  it('an image that was started and never said that it is good makes room for the next one', async () => {
    const device = await BootDevice.make(keys);
    await device.put('new.SPA', [keys.productionA], 'production', { counter: 2 });
    await device.put('old.SPA', [keys.productionA], 'production', { counter: 1 });
    const list = ['new.SPA', 'old.SPA'];
    for (let start = 1; start <= 3; start++) {
      const decision = await device.decide(list);
      expect(outcome(decision)).toBe('new.SPA');
      expect(await device.change((storage) => beginTry(storage, imageOf(decision)))).toBe(start);
    }
    const fallback = await device.decide(list);
    expect(outcome(fallback)).toBe('new.SPA: ERR_IMAGE_POLICY, old.SPA');
    expect(bootDecisionLines(fallback)[0]).toContain('it was started 3 times and did not report that it is good');
    await device.change((storage) => beginTry(storage, imageOf(fallback)));
    await device.change((storage) => reportGood(storage, imageOf(fallback)));
    // Under another name it is the same image.
    await device.flash.rename('new.SPA', 'renamed.SPA');
    expect(outcome(await device.decide(['renamed.SPA', 'old.SPA']))).toBe('renamed.SPA: ERR_IMAGE_POLICY, old.SPA');
    const image = imageOf(await device.decide(['renamed.SPA'], { policy: { maxTries: 4 } }));
    await device.change((storage) => forgetTries(storage, image));
    expect(outcome(await device.decide(['renamed.SPA']))).toBe('renamed.SPA');
  });

  it('a start that follows a report counts from one again, and the images that are counted are bounded', async () => {
    const device = await BootDevice.make(keys);
    await device.put('x.SPA', [keys.productionA]);
    const image = imageOf(await device.decide(['x.SPA']));
    for (let start = 0; start < 5; start++) {
      await device.change(async (storage) => expect(await beginTry(storage, image)).toBe(1));
      await device.change((storage) => reportGood(storage, image));
    }
    await device.change(async (storage) => {
      await beginTry(storage, image);
      await beginTry(storage, image);
      for (let other = 0; other < 50; other++)
        await beginTry(storage, { ...image, payloadDigest: Buffer.alloc(64, other) });
    });
    const { tries } = await openKeyStorage(device.keys);
    expect(Object.keys(tries)).toHaveLength(MAX_TRIES_ENTRIES);
    expect(tries[Buffer.from(image.payloadDigest).toString('hex')]).toBe(2);
  });
});

it('an image that another verifier accepts is what is handed over, byte by byte', async () => {
  const device = await BootDevice.make(keys);
  await device.put('x.SPA', [keys.productionA]);
  const decision = await device.decide(['x.SPA']);
  const file = await device.flash.open('x.SPA', { access: 'read' });
  const bytes = Buffer.alloc((await file.status()).size);
  await file.read(bytes, 0);
  const verified = await verifyImageFile(memoryImage(bytes), { lookup: await openKeyStorage(device.keys) });
  expect(Buffer.from(verified.payloadDigest).equals(imageOf(decision).payloadDigest)).toBe(true);
  expect(bytes.toString('latin1').startsWith(bytesOf(decision))).toBe(true);
});
