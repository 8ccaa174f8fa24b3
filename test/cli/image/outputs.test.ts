import { execFileSync } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import {
  chmod,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sealiftLauncher } from '../../support/sealift.ts';
import { Workshop } from './support.ts';

const TRUST = '--cert keys/production-A.crt.pem';
const SIGNER = `--key keys/production-A.key.pem ${TRUST}`;
const ROLLOVER = '--key keys/rollover-A.key.pem --cert keys/rollover-A.crt.pem';
const WHAT = '--product NX3900 --version 1.0.0';

const isRoot = process.getuid?.() === 0;

describe('what sealift image writes, and where', () => {
  let shop: Workshop;

  beforeAll(async () => {
    shop = await Workshop.create();
    for (const type of ['production', 'special', 'rollover'] as const) await shop.key(type, 'A');
    await shop.signed('production-A', 'app.SPA');
    await shop.done(`export-attrs app.js ${TRUST} ${WHAT} -o app.attrs`);
    // Three times what is collected before a write begins, and each piece another one.
    await writeFile(shop.path('large'), Buffer.from(new Uint32Array(2 ** 20 + 2 ** 19).map((_, i) => i).buffer));
    await shop.done(`sign large ${SIGNER} ${WHAT} -o large.SPA`);
    const bad = await readFile(shop.path('large.SPA'));
    bad[bad.length - 300_000]! ^= 1;
    await writeFile(shop.path('bad.SPA'), bad);
    await mkdir(shop.path('folder'));
  });

  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
  });

  async function fifo(name: string): Promise<string> {
    execFileSync('mkfifo', [shop.path(name)]);
    return shop.path(name);
  }

  /** What comes out of a FIFO first, taken in small pieces, so much more slowly than files are read. */
  async function slowly(handle: FileHandle, size: number): Promise<Buffer> {
    const all = Buffer.alloc(size);
    for (let at = 0; at < size; ) at += (await handle.read(all, at, Math.min(4096, size - at))).bytesRead;
    return all;
  }

  it.skipIf(process.platform === 'win32')('signs what it writes, however slowly that is taken', async () => {
    const whole = await readFile(shop.path('large'));
    const out = await fifo('slow');
    for (const line of [
      `sign large ${SIGNER} ${WHAT} --name x.SPA -o slow`,
      `bundle large.SPA --new-key keys/special-A.crt.pem ${SIGNER} -o slow`,
    ]) {
      // Opened for both, a FIFO has a reader, and opening it does not wait for one.
      const handle = await open(out, 'r+');
      const [image] = await Promise.all([slowly(handle, whole.length), shop.done(line)]);
      expect(image.equals(whole)).toBe(true);
      await handle.close();
    }
  });

  it.each([
    ['the key', `sign app.js ${SIGNER} ${WHAT} -o keys/production-A.key.pem`],
    ['a certificate', `sign app.js ${SIGNER} ${WHAT} -o keys/production-A.crt.pem`],
    ['the payload', `sign app.js ${SIGNER} ${WHAT} -o app.js`],
    ['a link to the key', `sign app.js ${SIGNER} ${WHAT} -o link`],
    ['another name of the key', `sign app.js ${SIGNER} ${WHAT} -o second`],
    [
      'the key of a revocation image',
      `revocation --new-key keys/production-A.crt.pem ${ROLLOVER} -o keys/rollover-A.key.pem`,
    ],
    ['the image that is bundled', `bundle app.SPA --new-key keys/special-A.crt.pem ${SIGNER} -o app.SPA`],
    [
      'the certificate of the new key',
      `bundle app.SPA --new-key keys/special-A.crt.pem ${SIGNER} -o keys/special-A.crt.pem`,
    ],
    ['what attributes are made for', `export-attrs app.js ${TRUST} ${WHAT} -o app.js`],
    ['a signature', `attach-signature app.js --attrs app.attrs --signature app.js ${TRUST} -o app.attrs`],
    ['the image that is verified', `verify app.SPA ${TRUST} --extract app.SPA`],
    ['the image that is inspected', 'inspect app.SPA --envelope app.SPA'],
  ])('never replaces %s', async (_what, line) => {
    if (!existsSync(shop.path('link'))) {
      await symlink('keys/production-A.key.pem', shop.path('link'));
      await link(shop.path('keys/production-A.key.pem'), shop.path('second'));
    }
    const before = await contents();
    const outcome = await shop.image(line);
    expect(outcome).toMatchObject({ status: 1, stdout: '' });
    expect(outcome.stderr).toContain('too, and would be replaced\nsealift: take another name for the output\n');
    expect(await contents()).toEqual(before);
  });

  async function contents(): Promise<readonly (readonly [string, string])[]> {
    const names = await readdir(shop.folder, { recursive: true, withFileTypes: true });
    const files = names.filter((one) => one.isFile()).map((one) => `${one.parentPath}/${one.name}`);
    return await Promise.all(
      files.sort().map(async (name) => [name, (await readFile(name)).toString('base64')] as const),
    );
  }

  it.skipIf(process.platform === 'win32')('shows nobody a payload before it is verified', async () => {
    const out = await fifo('shown');
    const refused = await shop.image(`verify bad.SPA ${TRUST} --extract shown`);
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stderr).toContain('shown: not a file: it would be seen before it is whole');
    expect((await shop.image(`verify large.SPA ${TRUST} --extract /dev/stdout -q`)).stdout).toBe('');
    expect((await stat(out)).isFIFO()).toBe(true);
  });

  it.skipIf(isRoot || process.platform === 'win32')('writes no file where it stands', async () => {
    await mkdir(shop.path('closed'));
    await writeFile(shop.path('closed/there'), 'before');
    await chmod(shop.path('closed'), 0o555);
    for (const line of [
      `verify bad.SPA ${TRUST} --extract closed/there`,
      `sign app.js ${SIGNER} ${WHAT} -o closed/there`,
    ]) {
      expect((await shop.image(line)).stderr).toContain('its folder takes no new file');
      expect(await readFile(shop.path('closed/there'), 'utf8')).toBe('before');
    }
    await chmod(shop.path('closed'), 0o755);
  });

  it('goes where a link leads, and makes nothing behind one that leads nowhere', async () => {
    await writeFile(shop.path('folder/there'), 'before');
    await symlink('folder/there', shop.path('leads'));
    await shop.done(`sign app.js ${SIGNER} ${WHAT} --name x.SPA -o leads`);
    await shop.done(`verify folder/there ${TRUST}`);
    await rm(shop.path('folder/there'));
    for (const line of [
      `sign app.js ${SIGNER} ${WHAT} --name x.SPA -o leads`,
      `verify app.SPA ${TRUST} --extract leads`,
    ])
      expect((await shop.image(line)).stderr).toContain('leads: is a link to a file that does not exist');
    expect(await readdir(shop.path('folder'))).toEqual([]);
  });

  it('writes nothing but the image to standard output', async () => {
    execFileSync(
      'openssl',
      ['pkeyutl', '-sign', '-rawin', '-inkey', 'keys/production-A.key.pem', '-in', 'app.attrs', '-out', 'app.sig'],
      { cwd: shop.folder },
    );
    for (const line of [
      `attach-signature app.js --attrs app.attrs --signature app.sig ${TRUST} -o -`,
      `sign app.js ${SIGNER} ${WHAT} --name app.SPA -o -`,
    ]) {
      const script = `"${process.execPath}" "${sealiftLauncher}" image ${line} > piped.SPA`;
      execFileSync('sh', ['-c', script], { cwd: shop.folder });
      await shop.done(`verify piped.SPA ${TRUST}`);
    }
    const script = `"${process.execPath}" "${sealiftLauncher}" image inspect app.SPA --envelope - | openssl cms -cmsout -noout -inform DER -in /dev/stdin`;
    execFileSync('sh', ['-c', script], { cwd: shop.folder });
    expect(await readdir(shop.folder)).not.toContain('-');
  });

  it.skipIf(!existsSync('/dev/full'))('says where its output was lost', async () => {
    for (const line of [
      `verify app.SPA ${TRUST} --json`,
      'inspect app.SPA',
      `sign app.js ${SIGNER} ${WHAT} --name x -o -`,
    ]) {
      const script = `"${process.execPath}" "${sealiftLauncher}" image ${line} > /dev/full`;
      const outcome = await run(script);
      expect(outcome).toEqual([1, 'sealift: standard output: No space left on device\n']);
    }
    const early = await run(
      `"${process.execPath}" "${sealiftLauncher}" image sign large ${SIGNER} ${WHAT} --name x -o - | head -c 10`,
    );
    expect(early[1]).toBe('sealift: standard output: Broken pipe\n');
  });

  async function run(script: string): Promise<[number | null, string]> {
    const { runProgram } = await import('../../support/sealift.ts');
    const { status, stderr } = await runProgram('sh', ['-c', script], { cwd: shop.folder });
    return [status, stderr];
  }

  it.skipIf(process.platform === 'win32')('can be ended while it waits for a FIFO, and leaves nothing', async () => {
    await fifo('silent');
    for (const line of [
      `sign silent ${SIGNER} ${WHAT} -o folder/x.SPA`,
      `verify silent ${TRUST}`,
      `sign /dev/zero ${SIGNER} ${WHAT} -o folder/y.SPA`,
    ]) {
      const abort = new AbortController();
      const started = new Promise<void>((resolve) => {
        // A command that writes has begun when its file is there; one that reads is given the moment that the other needed.
        if (!line.includes('folder/')) setTimeout(resolve, 500);
        else watch(shop.path('folder'), { signal: abort.signal }, () => resolve());
      });
      let pid = 0;
      const outcome = shop.image(line, { onStart: (own) => (pid = own), timeoutMs: 15_000 });
      await started;
      abort.abort();
      process.kill(pid, 'SIGINT');
      expect((await outcome).status).toBe(1);
      expect(await readdir(shop.path('folder'))).toEqual([]);
    }
  });
});
