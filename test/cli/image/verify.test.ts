import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workshop } from './support.ts';

const TRUST = '--cert keys/production-A.crt.pem';

describe('sealift image verify', () => {
  let shop: Workshop;
  let image: Buffer;

  beforeAll(async () => {
    shop = await Workshop.create();
    await shop.key('production', 'A');
    await shop.key('special', 'A');
    await shop.key('rollover', 'A');
    await shop.store();
    // Longer than what is held back of a stream.
    await writeFile(shop.path('app.js'), Buffer.alloc(300_000, 'payload '));
    await shop.signed('production-A', 'app.SPA', '--counter 7');
    image = await readFile(shop.path('app.SPA'));
    const bad = Buffer.from(image);
    bad[1000]! ^= 1;
    await writeFile(shop.path('bad.SPA'), bad);
    await mkdir(shop.path('folder'));
  });

  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
  });

  it('says the same of a file and of a pipe', async () => {
    const digest = createHash('sha512')
      .update(await readFile(shop.path('app.js')))
      .digest('hex');
    const file = JSON.parse(await shop.done(`verify app.SPA ${TRUST} --json`));
    const pipe = JSON.parse(await shop.done(`verify - ${TRUST} --json`, { input: image }));
    expect(pipe).toEqual({ ...file, image: '-' });
    expect(file.payloadDigest).toBe(digest);
    const text = await shop.done(`verify app.SPA ${TRUST} --md5`);
    const lines = (digest.toUpperCase().match(/.{32}/g) ?? []) as string[];
    const blank = ' '.repeat(22);
    expect(text).toBe(
      [
        'Starting image verification',
        'Hash Computation:    100% Done!',
        ...lines.map((line, index) => `${index === 0 ? 'Computed Hash   SHA2: ' : blank}${line}`),
        ...lines.map((line, index) => `${index === 0 ? 'Embedded Hash   SHA2: ' : blank}${line}`),
        `CCO Hash        MD5 : ${createHash('md5').update(image).digest('hex').toUpperCase()}`,
        `Signed with production key version A: production key A (certificate ${file.signers[0].serialNumber})`,
        'Digital signature successfully verified in file app.SPA',
        '',
      ].join('\n'),
    );
  });

  it('looks at each image, and ends with 1 where one is not good', async () => {
    const outcome = await shop.image(`verify app.SPA bad.SPA app.js nothing folder ${TRUST} --json`);
    expect(outcome.status).toBe(1);
    expect(
      outcome.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).code ?? 'good'),
    ).toEqual(['good', 'ERR_IMAGE_DIGEST', 'ERR_IMAGE_UNSIGNED', 'ENOENT', 'EISDIR']);
    const text = await shop.image(`verify bad.SPA ${TRUST}`);
    expect(text.stdout).toMatch(/^Computed Hash {3}SHA2: [0-9A-F]{32}\n( {22}[0-9A-F]{32}\n){3}Embedded Hash/);
    expect(text.stderr).toBe(
      'sealift: bad.SPA: the payload is not what was signed\nsealift: get the file once more\nsealift: error code ERR_IMAGE_DIGEST\n',
    );
  });

  it.each([
    ['another product', '--product NX1', 'ERR_IMAGE_PRODUCT'],
    ['another type', '--type special --type revocation', 'ERR_IMAGE_POLICY'],
    ['too few signers', '--min-signers 2', 'ERR_IMAGE_SIGNERS'],
    ['too low a counter', '--min-counter 8', 'ERR_IMAGE_COUNTER'],
    ['too large a payload', '--max-size 299999', 'ERR_IMAGE_POLICY'],
  ])('refuses %s', async (_what, option, code) => {
    for (const operand of ['app.SPA', '-']) {
      const { status, stdout } = await shop.image(`verify ${operand} ${TRUST} ${option} --json`, { input: image });
      expect([status, JSON.parse(stdout).code]).toEqual([1, code]);
    }
  });

  it('takes what the same policies allow', async () => {
    const options = '--product NX3900 --type production --min-signers 1 --min-counter 7 --max-size 300000 --quiet';
    expect(await shop.image(`verify app.SPA ${TRUST} ${options}`)).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('remembers which counter has run', async () => {
    await shop.signed('production-A', 'older.SPA', '--counter 6');
    await shop.done('verify older.SPA --store store');
    expect(await shop.done('store good store --running app.SPA')).toBe(
      'Security counter of production images raised to 7\n',
    );
    expect(await shop.done('store good store --running app.SPA')).toBe('No change\n');
    const refused = await shop.image('verify older.SPA --store store --json');
    expect([refused.status, JSON.parse(refused.stdout).code]).toEqual([1, 'ERR_IMAGE_COUNTER']);
    await shop.done('verify app.SPA --store store');
  });

  it('gives out a payload once it is verified, and nothing otherwise', async () => {
    const payload = await readFile(shop.path('app.js'));
    for (const operand of ['app.SPA', '-']) {
      await mkdir(shop.path('out'), { recursive: true });
      await shop.done(`verify ${operand} ${TRUST} --extract out/of.js -q`, { input: image });
      expect(await readFile(shop.path('out/of.js'))).toEqual(payload);
      await writeFile(shop.path('out/of.js'), 'before');
      const bad = await readFile(shop.path('bad.SPA'));
      const refused = await shop.image(`verify ${operand === '-' ? '-' : 'bad.SPA'} ${TRUST} --extract out/of.js`, {
        input: bad,
      });
      expect(refused.status).toBe(1);
      expect(await readdir(shop.path('out'))).toEqual(['of.js']);
      expect(await readFile(shop.path('out/of.js'), 'utf8')).toBe('before');
    }
  });

  it('asks for as many signers as the key storage was made with', async () => {
    await shop.done('keygen --type production --key-version A --out second --algorithm ecdsa-p256 --no-passphrase');
    const keys = '--rollover keys/rollover-A.crt.pem --production keys/production-A.crt.pem';
    await shop.done(`store init two ${keys} --production second/production-A.crt.pem --min-signers production=2`);
    const refused = await shop.image('verify app.SPA --store two --json');
    expect([refused.status, JSON.parse(refused.stdout).code]).toEqual([1, 'ERR_IMAGE_SIGNERS']);
    await shop.signed(
      'production-A',
      'both.SPA',
      '--key second/production-A.key.pem --cert second/production-A.crt.pem',
    );
    await shop.done('verify both.SPA --store two');
    const wrong = await shop.image(`store init three ${keys} --min-signers production`);
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('as production=2')]);
    const few = await shop.image(`store init three ${keys} --min-signers production=2`);
    expect([few.status, few.stderr]).toEqual([1, expect.stringContaining('production')]);
  });

  it('warns of a name that says something else, and trusts the envelope', async () => {
    await writeFile(shop.path('app.SSB'), image);
    const outcome = await shop.image(`verify app.SSB ${TRUST} -q`);
    expect(outcome).toEqual({
      status: 0,
      stdout: '',
      stderr: 'sealift: app.SSB: the name ends in .SSB, the image is signed as .SPA\n',
    });
  });

  it('says whose keys are not trusted', async () => {
    const other = await shop.image('verify app.SPA --cert keys/special-A.crt.pem');
    expect(other.stderr).toContain('signed with a production key version A that is not known here');
    expect(other.stderr).toContain('error code ERR_IMAGE_UNKNOWN_KEY');
  });

  it('refuses what is cut off, at the end of each part', async () => {
    for (const size of [0, 1, 95, 96, 300_000, image.length - 65, image.length - 64, image.length - 1]) {
      await writeFile(shop.path('cut.SPA'), image);
      await truncate(shop.path('cut.SPA'), size);
      const file = await shop.image(`verify cut.SPA ${TRUST} --json`);
      const pipe = await shop.image(`verify - ${TRUST} --json`, { input: image.subarray(0, size) });
      for (const { status, stdout } of [file, pipe]) {
        expect(status).toBe(1);
        expect(JSON.parse(stdout).code).toMatch(/^ERR_IMAGE_(UNSIGNED|FOOTER)$/);
      }
    }
  });

  it.each([
    ['verify app.SPA', '--store DIR, or by --cert FILE'],
    ['verify app.SPA --store store --cert keys/production-A.crt.pem', '--store DIR, or by --cert FILE'],
    [`verify ${TRUST}`, 'IMAGE is missing'],
    [`verify app.SPA ${TRUST} --type nothing`, '--type nothing: not one of production, special'],
    [`verify app.SPA ${TRUST} --min-signers 0`, '--min-signers 0: not a whole number from 1 to 8'],
    [`verify app.SPA app.SPA ${TRUST} --extract x`, '--extract takes one image at a time'],
    [`verify app.SPA ${TRUST} --extract -`, '--extract needs a file'],
    [`verify app.SPA ${TRUST} --extract - --json`, '--extract needs a file'],
    [
      'verify app.SPA --cert keys/production-A.crt.pem --nvram nvram',
      '--nvram: where a key storage keeps its counters',
    ],
    ['sign app.js', '--key is missing'],
    ['sign app.js --key a', '1 --key and 0 --cert'],
    ['keygen --type production --key-version AA --no-passphrase', '--key-version AA: not a letter from A to Z'],
    ['keygen --type nothing --key-version A', '--type nothing: not one of production, special, rollover'],
    ['keygen --key-version A', '--type is missing'],
    ['store', 'what to do is one of init, show, status, add, good, revoke'],
    ['store add rollover store --from x', 'the type of key is one of production, special'],
    ['store show store --from x', '--from: not an option of store show'],
    ['store init store --rollover keys/rollover-A.crt.pem', '--production is missing'],
    ['frobnicate', 'no such command'],
    ['verify app.SPA --frobnicate', "Unknown option '--frobnicate'"],
  ])('takes no wrong command line: %s', async (line, text) => {
    const outcome = await shop.image(line);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toContain(text);
    expect(outcome.stderr).toMatch(/see sealift image( \w+)? --help\n$/);
  });

  it('never replaces a key, nor signs an image again', async () => {
    const before = await stat(shop.path('keys/production-A.key.pem'));
    const again = await shop.image(
      'keygen --type production --key-version A --out keys --algorithm ed25519 --no-passphrase',
    );
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('keys are never replaced');
    expect((await stat(shop.path('keys/production-A.key.pem'))).mtimeMs).toBe(before.mtimeMs);
    const twice = await shop.image(
      'sign app.SPA --key keys/production-A.key.pem --cert keys/production-A.crt.pem --product X --version 1 -o twice.SPA',
    );
    expect(twice.stderr).toContain('app.SPA: it is a signed image already');
    await expect(stat(shop.path('twice.SPA'))).rejects.toThrow('ENOENT');
  });
});
