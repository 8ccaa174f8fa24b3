import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { ImageError } from '../../src/base/errors.ts';
import { type ContentCheck, type ContentPass, type VerifiedContent, verdictOf } from '../../src/files/content-check.ts';
import { type CountedKeys, imageCheck } from '../../src/images/image-check.ts';
import type { DigestName, ImagePolicy } from '../../src/images/types.ts';
import { describedAs, lookupOf, signed, trusted } from '../support/image-keys.ts';
import { makeVendor, spoiled, type Vendor } from '../support/signed-images.ts';

let vendor: Vendor;
beforeAll(async () => {
  vendor = await makeVendor();
});

function show(pass: ContentPass, content: Uint8Array): void {
  for (let at = 0; at < content.length; at += 50_000) pass.write(content.subarray(at, at + 50_000));
}

async function judge(check: ContentCheck, content: Uint8Array, name = 'app.SPA'): Promise<VerifiedContent> {
  const pass = check.begin(name);
  show(pass, content);
  return await verdictOf(pass, `/in/${name}`, async (other) => show(other, content));
}

const checkBy = (keys: CountedKeys, policy?: ImagePolicy): ContentCheck =>
  imageCheck({ keys: async () => keys, policy });
const known = (): CountedKeys => lookupOf([vendor.production, vendor.special].map((key) => trusted(key)));

describe('the check for signed images', () => {
  it('finds an image good that a known key has signed, and tells what it is', async () => {
    const { file } = await signed(randomBytes(300_000), [vendor.production]);
    expect(await judge(checkBy(known()), file)).toEqual({
      type: 'production',
      product: 'NX3900',
      version: '1.0.0',
      signers: [{ type: 'production', version: 'A' }],
      warnings: [],
    });
  });

  it('tells of a name that says something else', async () => {
    const { file } = await signed(randomBytes(10), [vendor.production]);
    expect((await judge(checkBy(known()), file, 'app.SSA')).warnings).toEqual([expect.stringContaining('SSA')]);
  });

  it('refuses the rest, each with its code, as a failure of the file', async () => {
    const { file } = await signed(randomBytes(200_000), [vendor.production]);
    const stranger = await makeVendor();
    const foreign = (await signed(randomBytes(10), [stranger.production])).file;
    const cases: [content: Uint8Array, policy: ImagePolicy | undefined, code: string][] = [
      [spoiled(file), undefined, 'ERR_IMAGE_DIGEST'],
      [spoiled(file, 199_999), undefined, 'ERR_IMAGE_DIGEST'],
      [file.subarray(0, file.length - 1), undefined, 'ERR_IMAGE_FOOTER'],
      [Buffer.alloc(0), undefined, 'ERR_IMAGE_UNSIGNED'],
      [foreign, undefined, 'ERR_IMAGE_UNKNOWN_KEY'],
      [file, { product: 'NX1' }, 'ERR_IMAGE_PRODUCT'],
      [file, { types: ['special'] }, 'ERR_IMAGE_POLICY'],
      [file, { maxSize: 1000 }, 'ERR_IMAGE_POLICY'],
    ];
    for (const [content, policy, code] of cases) {
      const refusal = await judge(checkBy(known(), policy), content).catch((error: unknown) => error);
      if (refusal instanceof ImageError) expect(refusal.code).toBe(code);
      else expect(refusal).toMatchObject({ code, path: '/in/app.SPA', operation: 'verify' });
    }
  });

  it.each(['sha256', 'sha384'] as const)(
    'looks again where the digest is %s, and refuses then what is wrong',
    async (digest: DigestName) => {
      const { file } = await signed(randomBytes(150_000), [vendor.production], { digest });
      expect(await judge(checkBy(known()), file)).toMatchObject({ type: 'production' });
      await expect(judge(checkBy(known()), spoiled(file))).rejects.toMatchObject({ code: 'ERR_IMAGE_DIGEST' });
    },
  );

  it('goes by the keys as they are when all has come', async () => {
    const { file } = await signed(randomBytes(10), [vendor.production]);
    let keys: CountedKeys = known();
    const check = imageCheck({ keys: async () => keys });
    await check.ready();
    const pass = check.begin('app.SPA');
    show(pass, file);
    keys = lookupOf([trusted(vendor.production, { state: 'revoked' })]);
    await expect(pass.end()).rejects.toMatchObject({ code: 'ERR_IMAGE_REVOKED_KEY' });
    keys = lookupOf([trusted(vendor.production)], { production: 'B' });
    await expect(judge(check, file)).rejects.toMatchObject({ code: 'ERR_IMAGE_REVOKED_KEY' });
  });

  it('asks for as many signers as the keys or the policy do, whichever is more', async () => {
    const two = [vendor.production, (await makeVendor()).production];
    const [one, both] = [await signed(randomBytes(10), two.slice(0, 1)), await signed(randomBytes(10), two)];
    const check = (policy?: ImagePolicy): ContentCheck =>
      checkBy({ ...lookupOf(two.map((key) => trusted(key))), minSigners: () => 2 }, policy);
    for (const policy of [undefined, { minSigners: 1 }]) {
      await expect(judge(check(policy), one.file)).rejects.toMatchObject({ code: 'ERR_IMAGE_SIGNERS' });
      expect((await judge(check(policy), both.file)).signers).toHaveLength(2);
    }
    await expect(judge(check({ minSigners: 3 }), both.file)).rejects.toMatchObject({ code: 'ERR_IMAGE_SIGNERS' });
  });

  it('is not ready, and refuses, while there are no keys', async () => {
    const { file } = await signed(randomBytes(10), [vendor.production]);
    const check = imageCheck({ keys: () => Promise.reject(new ImageError('store', 'ERR_KEY_STORAGE', 'is damaged')) });
    await expect(check.ready()).rejects.toMatchObject({ code: 'ERR_KEY_STORAGE' });
    await expect(judge(check, file)).rejects.toMatchObject({
      code: 'ERR_KEY_STORAGE',
      message: expect.stringContaining('/in/app.SPA: the key storage'),
    });
  });

  it('refuses a lower security counter than the keys have seen, or the policy asks for', async () => {
    const { file } = await signed(randomBytes(10), [vendor.production], {
      description: describedAs('production', { counter: 5 }),
    });
    const seen = (counter: number): CountedKeys => ({ ...known(), counter: () => counter });
    expect(await judge(checkBy(seen(5)), file)).toMatchObject({ type: 'production' });
    await expect(judge(checkBy(seen(6)), file)).rejects.toMatchObject({ code: 'ERR_IMAGE_COUNTER' });
    await expect(judge(checkBy(seen(0), { minCounter: () => 6 }), file)).rejects.toMatchObject({
      code: 'ERR_IMAGE_COUNTER',
    });
  });
});
