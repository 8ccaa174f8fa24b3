import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram, sealiftLauncher } from '../../support/sealift.ts';
import { Workshop } from './support.ts';

const SIGNER = '--key keys/production-A.key.pem --cert keys/production-A.crt.pem';
const ROLLOVER = '--key keys/rollover-A.key.pem --cert keys/rollover-A.crt.pem';
const ROOT = '--rollover keys/rollover-A.crt.pem --production keys/production-A.crt.pem';
const WHAT = '--product NX3900 --version 1.0.0';

describe('sealift image, where something is not as it should be', () => {
  let shop: Workshop;

  beforeAll(async () => {
    shop = await Workshop.create();
    for (const type of ['production', 'special', 'rollover'] as const) await shop.key(type, 'A');
    await shop.key('production', 'B');
    await shop.done('keygen --type special --key-version Y --out locked --algorithm ed25519 --passphrase-file app.js');
    await shop.signed('production-A', 'app.SPA', '--counter 9');
    await shop.done(`sign app.js ${SIGNER} ${WHAT} --type rommon.production -o rommon.SPA`);
    await shop.done(`revocation --new-key keys/production-B.crt.pem ${ROLLOVER} -o rev.SRA`);
  });

  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
  });

  it('begins the numbers of no other key storage anew', async () => {
    await mkdir(shop.path('nvram'));
    await shop.done(`store init one --nvram nvram ${ROOT}`);
    await rm(shop.path('one'), { recursive: true });
    // What is left of an attempt that was cut off is in nobody's way.
    await shop.done(`store init one --nvram nvram ${ROOT}`);
    await shop.done('store good one --nvram nvram --running app.SPA');
    const before = await readFile(shop.path('nvram/nvram.json'), 'utf8');
    const refused = await shop.image(`store init other --nvram nvram ${ROOT}`);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('nvram/nvram.json: has the numbers of a key storage already');
    expect(await readFile(shop.path('nvram/nvram.json'), 'utf8')).toBe(before);
    // Nothing is left of what could not be made.
    expect(await readdir(shop.folder)).not.toContain('other');
  });

  it('says, when it verifies, what is wrong with the key storage', async () => {
    await mkdir(shop.path('elsewhere'));
    await shop.done(`store init apart --nvram elsewhere ${ROOT}`);
    const outcome = await shop.image('verify app.SPA --store apart -q');
    expect(outcome).toEqual({
      status: 0,
      stdout: '',
      stderr: 'sealift: apart: nvram.json: is missing: an old state that is put back would not be noticed\n',
    });
    expect((await shop.image('verify app.SPA --store apart --nvram elsewhere -q')).stderr).toBe('');
  });

  it('takes no system image for a ROM monitor, nor the other way round', async () => {
    await shop.done(`store init roles ${ROOT}`);
    await shop.done('store add production roles --from rev.SRA');
    await shop.signed('production-B', 'app.SPB');
    for (const [option, file, is, wanted] of [
      ['rommon', 'app.SPB', 'production', 'a ROM monitor'],
      ['autoboot', 'rommon.SPA', 'rommon.production', 'a system image'],
      ['running', 'rommon.SPA', 'rommon.production', 'a system image'],
    ]) {
      const refused = await shop.image(`store revoke production roles --${option} ${file}`);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toBe(
        `sealift: ${file}: it is an image of type ${is}, and --${option} names ${wanted}\nsealift: error code ERR_IMAGE_POLICY\n`,
      );
    }
    const status = await shop.image('store status roles --autoboot app.SPB --rommon app.SPB');
    expect(status.status).toBe(1);
    expect(status.stdout).toContain('UPGRADE REQUIRED');
  });

  it('revokes nothing while too few of the new keys have signed what has to start', async () => {
    const certificates: Record<string, string> = {};
    const pair = (version: string): readonly string[] => [`two/1/production-${version}`, `two/2/production-${version}`];
    for (const version of ['A', 'B'])
      for (const one of pair(version)) {
        const folder = one.slice(0, one.lastIndexOf('/'));
        await shop.done(
          `keygen --type production --key-version ${version} --out ${folder} --algorithm ed25519 --no-passphrase`,
        );
        certificates[one] = `${one}.crt.pem`;
      }
    const listed = (option: string, keys: readonly string[]): string =>
      keys.map((key) => `--${option} ${certificates[key]}`).join(' ');
    await shop.done(
      `store init pairs --rollover keys/rollover-A.crt.pem ${listed('production', pair('A'))} --min-signers production=2`,
    );
    await shop.done(`revocation ${listed('new-key', pair('B'))} ${ROLLOVER} -o pair.SRA`);
    await shop.done('store add production pairs --from pair.SRA');
    const sign = async (keys: readonly string[], out: string, type: string): Promise<void> => {
      const signers = keys.map((key) => `--key ${key}.key.pem --cert ${key}.crt.pem`).join(' ');
      await shop.done(`sign app.js ${signers} ${WHAT} --type ${type} -o ${out}`);
    };
    const [first = ''] = pair('B');
    await sign([...pair('A'), first], 'half.SPB', 'production');
    await sign([...pair('A'), first], 'half-rommon.SPB', 'rommon.production');
    await shop.done('verify half.SPB --store pairs');
    for (const use of ['--running half.SPB', '--autoboot half.SPB', '--rommon half-rommon.SPB']) {
      const refused = await shop.image(`store revoke production pairs ${use}`);
      expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('error code ERR_KEY_IN_USE')]);
    }
    const status = await shop.image('store status pairs --autoboot half.SPB --rommon half-rommon.SPB');
    expect([status.status, status.stdout]).toEqual([1, expect.stringContaining('NOT READY - 2 actions')]);
    await sign([...pair('A'), ...pair('B')], 'whole.SPB', 'production');
    await shop.done('store revoke production pairs --running whole.SPB');
    await shop.done('verify whole.SPB --store pairs');
    expect((await shop.image('verify half.SPB --store pairs')).stderr).toContain('ERR_IMAGE_SIGNERS');
  });

  it('revokes no production key that has vouched for the special key of the ROM monitor', async () => {
    await shop.key('special', 'B');
    await shop.done(`store init chain ${ROOT} --special keys/special-A.crt.pem`);
    await shop.done(`sign app.js ${SIGNER} ${WHAT} --bundle keys/special-B.crt.pem -o brings.SPA`);
    await shop.done('store add special chain --from brings.SPA');
    await shop.done('store add production chain --from rev.SRA');
    const special = '--key keys/special-B.key.pem --cert keys/special-B.crt.pem';
    await shop.done(`sign app.js ${special} ${WHAT} --type rommon.special -o rommon.SSB`);
    const refused = await shop.image('store revoke production chain --rommon rommon.SSB');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('no key that stays valid verifies the upgradable ROMmon rommon.SSB');
    await shop.done('verify rommon.SSB --store chain');
    // The new production key vouches for it too: then it outlives the old one.
    await shop.signed('production-B', 'again.SPB', '--bundle keys/special-B.crt.pem');
    const renewed = await shop.done('store add special chain --from again.SPB');
    expect(renewed).toMatch(/Key with version B already present in Primary\nWriting the key...e.Success\n/);
    expect(await shop.done('store add special chain --from again.SPB')).toMatch(/\nNo change\n$/);
    expect(await shop.done('store add special chain --from brings.SPA')).toMatch(/\nNo change\n$/);
    const revoked = await shop.done('store revoke production chain --rommon rommon.SSB');
    expect(revoked).not.toContain('came with an image');
    await shop.done('verify rommon.SSB --store chain');
  });

  it('uses no special key any more that came with an image of a revoked key', async () => {
    await shop.done(`store init broken ${ROOT} --special keys/special-A.crt.pem`);
    for (const line of ['special broken --from brings.SPA', 'production broken --from rev.SRA'])
      await shop.done(`store add ${line}`);
    // Nobody has said that the ROM monitor needs it.
    expect(await shop.done('store revoke production broken')).toContain(
      'Special key with version B came with an image',
    );
    expect((await shop.image('verify rommon.SSB --store broken')).status).toBe(1);
    await shop.done('store add special broken --from again.SPB');
    await shop.done('verify rommon.SSB --store broken');
  });

  it('makes no key without its certificate', async () => {
    await mkdir(shop.path('half'));
    await writeFile(shop.path('half/special-Z.crt.pem'), '');
    const line = 'keygen --type special --key-version Z --out half --algorithm ed25519';
    // It says so before it asks for a passphrase.
    const refused = await shop.image(line);
    expect(refused.stderr).toContain('half/special-Z.crt.pem: File exists\nsealift: keys are never replaced');
    expect(await readdir(shop.path('half'))).toEqual(['special-Z.crt.pem']);
  });

  it('takes a passphrase for each key, or one for all', async () => {
    for (const [folder, text] of [
      ['locked1', 'first'],
      ['locked2', 'second'],
    ] as const) {
      await writeFile(shop.path(`${folder}.txt`), `${text}\n`);
      await shop.done(
        `keygen --type production --key-version A --out ${folder} --algorithm ed25519 --passphrase-file ${folder}.txt`,
      );
    }
    const signers = ['locked1', 'locked2']
      .map((one) => `--key ${one}/production-A.key.pem --cert ${one}/production-A.crt.pem`)
      .join(' ');
    const line = `sign app.js ${signers} ${WHAT} -o both.SPA`;
    await shop.done(`${line} --passphrase-file locked1.txt --passphrase-file locked2.txt`);
    expect((await shop.image(`${line} --passphrase-file locked1.txt`)).stderr).toContain(
      'locked2/production-A.key.pem: the private key cannot be decrypted',
    );
    const three = '--passphrase-file locked1.txt '.repeat(3).trim();
    expect((await shop.image(`${line} ${three}`)).stderr).toContain('one for all keys, or one for each');
  });

  it.each([
    [
      'sign app.js --key keys/production-B.key.pem --cert keys/production-A.crt.pem -o no.SPA',
      1,
      'keys/production-B.key.pem: it is not the key of the certificate keys/production-A.crt.pem',
    ],
    [
      'sign app.js --key locked/special-Y.key.pem --cert locked/special-Y.crt.pem --passphrase-file /dev/zero -o no.SPA',
      1,
      '/dev/zero: File too large',
    ],
    [
      'export-attrs app.js --cert keys/production-A.crt.pem --new-key keys/production-B.crt.pem -o no.SPA',
      2,
      '--new-key: an image of type production brings keys by --bundle, if any',
    ],
    ['sign app.js --key keys/production-A.key.pem --cert ', 2, '--cert: its value is empty'],
    [`sign app.js ${SIGNER} -o a\u001bb`, 2, '--name is missing, and a\\033b is no name that could be signed'],
    [
      'verify app.SPA --cert keys/production-A.crt.pem --digest md5',
      2,
      '--digest md5: not one of sha256, sha384, sha512',
    ],
    [`sign app.js ${SIGNER} --name a/b -o no.SPA`, 1, 'app.js: image information: name is not the name of a file'],
  ])('names what is wrong: %s', async (line, status, text) => {
    const outcome = await shop.image(line.startsWith('verify') ? line : `${line} ${WHAT}`);
    expect(outcome).toMatchObject({ status, stdout: '' });
    expect(outcome.stderr.split('\n')[0]).toBe(`sealift: ${text}`);
    expect(existsSync(shop.path('no.SPA'))).toBe(false);
  });

  it.skipIf(!existsSync('/proc/self'))('comes to an end where no folder can be made', async () => {
    for (const line of [
      `store init /proc/no/store ${ROOT}`,
      'keygen --type special --key-version X --out /proc/no --no-passphrase --algorithm ed25519',
    ]) {
      const outcome = await shop.image(line, { timeoutMs: 15_000 });
      expect(outcome).toMatchObject({ status: 1, stdout: '' });
      expect(outcome.stderr).toMatch(/^sealift: \/proc\/no(\/store)?: No such file or directory\n$/);
    }
    await shop.done(`store init deep/in/store ${ROOT}`);
  });

  it.skipIf(process.platform === 'win32')(
    'says what stands in the place of the lock, and moves a folder aside',
    async () => {
      await shop.done(`store init odd ${ROOT}`);
      for (const make of [
        () => mkdir(shop.path('odd/lock')),
        () => symlink('root.json', shop.path('odd/lock')),
        () => Promise.resolve(execFileSync('mkfifo', [shop.path('odd/lock')])),
      ]) {
        await make();
        const refused = await shop.image('store add production odd --from rev.SRA');
        expect(refused).toMatchObject({ status: 1, stdout: '' });
        expect(refused.stderr).toContain('sealift: odd/lock is no lock: remove it\n');
        await rm(shop.path('odd/lock'), { recursive: true });
      }
      await mkdir(shop.path('odd/primary.keys.new/full'), { recursive: true });
      expect(await shop.done('store add production odd --from rev.SRA')).toMatch(/Done!\n$/);
    },
  );

  it('has not verified what is called as an option for help', async () => {
    await writeFile(shop.path('--help'), 'no image');
    const outcome = await shop.image('verify --cert keys/production-A.crt.pem -- --help');
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toContain('--help: no signature envelope');
  });

  it('says of a stream what cannot be read, as it does of a file', async () => {
    const script = `"${process.execPath}" "${sealiftLauncher}" image verify - --cert keys/production-A.crt.pem --json 0>/dev/null`;
    const { status, stdout } = await runProgram('sh', ['-c', script], { cwd: shop.folder });
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      image: '-',
      good: false,
      code: 'EBADF',
      reason: 'standard input: Bad file descriptor',
    });
  });

  it.each([
    'verify app.SPA --cert made.crt',
    'sign app.js --key made.key --cert made.crt --product X --version 1 --type production -o no.SPA',
    'export-attrs app.js --cert made.crt --product X --version 1 --type production -o no.SPA',
    'store init no --rollover made.crt --production made.crt',
    `revocation --new-key made.crt ${ROLLOVER} -o no.SRA`,
  ])('says what a certificate lacks that was made elsewhere: %s', async (line) => {
    if (!existsSync(shop.path('made.crt'))) {
      const words = 'req -x509 -newkey rsa:2048 -nodes -keyout made.key -out made.crt -subj /CN=x -days 10';
      execFileSync('openssl', words.split(' '), { cwd: shop.folder, stdio: 'ignore' });
    }
    const outcome = await shop.image(line);
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^sealift: made.crt: the certificate does not say the type and version of its key\nsealift: make it with/,
    );
  });

  it('opens files whose names are not text', async () => {
    const name = Buffer.from([0x61, 0xff, 0x2e, 0x53, 0x50, 0x41]);
    await copyFile(shop.path('app.SPA'), Buffer.concat([Buffer.from(`${shop.folder}/`), name]));
    const script = `"${process.execPath}" "${sealiftLauncher}" image verify "$(printf 'a\\377.SPA')" --cert keys/production-A.crt.pem --json`;
    const said = JSON.parse(execFileSync('sh', ['-c', script], { cwd: shop.folder, encoding: 'utf8' }));
    expect(said).toMatchObject({ good: true, image: 'a\ufffd.SPA', imageBase64: name.toString('base64') });
  });
});
