import { readFile, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Workshop } from './support.ts';

describe('sealift image, as it is promised', () => {
  it('makes keys, signs, verifies, inspects, and replaces a production key', async () => {
    await using shop = await Workshop.create();
    for (const [type, version] of ['production A', 'production B', 'special A', 'rollover A'].map((key) =>
      key.split(' '),
    ))
      await shop.done(`keygen --type ${type} --key-version ${version} --out keys/ --no-passphrase`);
    const key = await readFile(shop.path('keys/production-A.key.pem'), 'utf8');
    expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect((await stat(shop.path('keys/production-A.key.pem'))).mode & 0o777).toBe(0o600);
    const signing = '--product NX3900 --version 1.0.0';
    await shop.done(
      `sign app.js --key keys/production-A.key.pem --cert keys/production-A.crt.pem ${signing} -o app.SPA`,
    );
    await shop.done(
      'store init store/ --rollover keys/rollover-A.crt.pem --production keys/production-A.crt.pem --special keys/special-A.crt.pem',
    );
    expect(await shop.image('verify app.SPA --store store/')).toMatchObject({ status: 0, stderr: '' });
    const display = await shop.done('inspect app.SPA');
    expect(display.split('\n').slice(0, 9)).toEqual([
      'File Name                     : app.SPA',
      'Image type                    : Release',
      '    Signer Information',
      '        Common Name           : production key A',
      '        Organization Unit     :',
      '        Organization Name     :',
      expect.stringMatching(/^ {4}Certificate Serial Number : [0-9A-F]{8}$/),
      '    Hash Algorithm            : SHA512',
      '    Signature Algorithm       : 3072-bit RSA',
    ]);
    const said = JSON.parse(await shop.done('inspect app.SPA --json'));
    expect(said).toMatchObject({ image: 'app.SPA', type: 'production', product: 'NX3900', version: '1.0.0', size: 21 });
    await shop.done(
      'revocation --new-key keys/production-B.crt.pem --key keys/rollover-A.key.pem --cert keys/rollover-A.crt.pem -o rev.SRA',
    );
    await shop.done('store add production store/ --from rev.SRA');
    await shop.done('store revoke production store/');
    const shown = JSON.parse(await shop.done('store show store/ --json'));
    expect(shown.floors).toEqual({ production: 'B' });
    const refused = await shop.image('verify app.SPA --store store/ --json');
    expect(refused.status).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({ good: false, code: 'ERR_IMAGE_REVOKED_KEY' });
    await shop.signed('production-B', 'app.SPB');
    expect((await shop.image('verify app.SPB --store store/')).status).toBe(0);
  });

  it.each(['rsa-2048', 'rsa-4096', 'ecdsa-p256', 'ecdsa-p384', 'ed25519'])('signs with %s', async (algorithm) => {
    await using shop = await Workshop.create();
    await shop.key('special', 'Z', algorithm);
    await shop.done('sign app.js --key keys/special-Z.key.pem --cert keys/special-Z.crt.pem --product X --version 1');
    const good = JSON.parse(await shop.done('verify app.SSZ --cert keys/special-Z.crt.pem --json'));
    expect(good).toMatchObject({ good: true, info: { type: 'special', keyVersion: 'Z', name: 'app.SSZ' } });
  });

  it('asks for two keys of one version where two are wanted', async () => {
    await using shop = await Workshop.create();
    await shop.key('production', 'A', 'ecdsa-p256');
    await shop.done('keygen --type production --key-version A --out more --algorithm ed25519 --no-passphrase');
    const second = '--key more/production-A.key.pem --cert more/production-A.crt.pem';
    await shop.signed('production-A', 'one.SPA');
    await shop.signed('production-A', 'two.SPA', second);
    const both = '--cert keys/production-A.crt.pem --cert more/production-A.crt.pem --min-signers 2 --json';
    expect(JSON.parse(await shop.done(`verify two.SPA ${both}`)).signers).toHaveLength(2);
    const refused = await shop.image(`verify one.SPA ${both}`);
    expect([refused.status, JSON.parse(refused.stdout).code]).toEqual([1, 'ERR_IMAGE_SIGNERS']);
  });

  it('encrypts keys, and asks for what decrypts them', async () => {
    await using shop = await Workshop.create();
    await writeFile(shop.path('pass'), 'correct horse\nnot this\n');
    await shop.done('keygen --type production --key-version A --out keys --algorithm ed25519 --passphrase-file pass');
    expect(await readFile(shop.path('keys/production-A.key.pem'), 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY/);
    await shop.signed('production-A', 'app.SPA', '--passphrase-file pass');
    await writeFile(shop.path('wrong'), 'staple\n');
    const line =
      'sign app.js --key keys/production-A.key.pem --cert keys/production-A.crt.pem --product X --version 1 -o no.SPA';
    const refused = await shop.image(`${line} --passphrase-file wrong`);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('keys/production-A.key.pem: the private key cannot be decrypted');
    await expect(stat(shop.path('no.SPA'))).rejects.toThrow('ENOENT');
    // The first line of standard input, where that is no terminal.
    await shop.done('keygen --type special --key-version A --out keys --algorithm ed25519', { input: 'typed\n' });
    await writeFile(shop.path('typed'), 'typed');
    await shop.signed('special-A', 'app.SSA', '--passphrase-file typed');
  });
});
