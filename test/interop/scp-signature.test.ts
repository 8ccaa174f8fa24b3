import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts';
import { describePeer } from '../support/peers.ts';
import { type Outcome, runSealift } from '../support/sealift.ts';
import { imageOf, makeStore, makeVendor, spoiled, type Vendor } from '../support/signed-images.ts';
import { type ClientFiles, type RunningSshd, startSshd } from '../support/sshd.ts';
import { createTempDirectory, tempDirectory } from '../support/temp.ts';

const REASON = 'the payload is not what was signed';

describePeer(['sshd', 'ssh', 'ssh-keygen', 'sftp-server'], 'sealift scp --verify=signature', () => {
  let sshd: RunningSshd;
  let bare: RunningSshd;
  let client: ClientFiles;
  let bareClient: ClientFiles;
  let proxy: CuttingProxy;
  let vendor: Vendor;
  let good: Buffer;
  let store: string;
  let keep: Awaited<ReturnType<typeof createTempDirectory>>;
  let dir: string;
  beforeAll(async () => {
    keep = await createTempDirectory('store');
    store = join(keep.path, 'store');
    vendor = await makeVendor();
    await makeStore(store, vendor);
    good = await imageOf(vendor, randomBytes(2_000_000));
    sshd = await startSshd();
    client = await sshd.client();
    bare = await startSshd({ config: ['Subsystem sftp /bin/false'] });
    bareClient = await bare.client();
    proxy = await startCuttingProxy(sshd.port);
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await sshd.stop();
    await bare.stop();
    await keep.remove();
  });
  beforeEach(async () => {
    dir = await tempDirectory('signature');
    for (const name of ['from', 'to']) await mkdir(join(dir, name));
    await writeFile(join(dir, 'from', 'good.SPA'), good);
    await writeFile(join(dir, 'from', 'bad.SPA'), spoiled(good, 1_999_999));
  });

  const scp = (args: readonly string[], config = client.configFile): Promise<Outcome> =>
    runSealift(['scp', '-q', '-F', config, '--verify=signature', '--keys', store, ...args]);
  const landed = (): Promise<string[]> => readdir(join(dir, 'to'));

  it.each([
    ['up', 'ssh', ''],
    ['up', 'builtin', '-O'],
    ['down', 'builtin', ''],
    ['down', 'builtin', '-O'],
  ])('%s by the transport %s %s: what is good lands, of what is not nothing is left', async (way, transport, mode) => {
    const options = [`--transport=${transport}`, ...(mode === '' ? [] : [mode])];
    const place = (host: boolean, path: string): string => `${host ? 'server:' : ''}${dir}/${path}`;
    const copy = (name: string, target: string): Promise<Outcome> =>
      scp([...options, place(way === 'down', `from/${name}`), place(way === 'up', `to/${target}`)]);
    expect(await copy('good.SPA', 'image.SPA')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await readFile(join(dir, 'to', 'image.SPA'))).equals(good)).toBe(true);
    for (const target of ['image.SPA', 'other.SPA']) {
      const refused = await copy('bad.SPA', target);
      expect(refused).toMatchObject({ status: 1, stdout: '' });
      // The cure stands below.
      expect(refused.stderr).toMatch(new RegExp(`^sealift: .*${REASON}\nsealift: get the file once more\n`));
    }
    expect(await landed()).toEqual(['image.SPA']);
    expect((await readFile(join(dir, 'to', 'image.SPA'))).equals(good)).toBe(true);
  });

  it('goes on with the other files of a tree, tells who has signed, and what is odd about a name', async () => {
    await mkdir(join(dir, 'from', 'deep'));
    await writeFile(
      join(dir, 'from', 'deep', 'special.SPA'),
      await imageOf(vendor, randomBytes(9), { type: 'special' }),
    );
    await writeFile(join(dir, 'from', 'deep', 'unsigned'), 'x');
    const outcome = await scp(['-r', '--progress=json', '--verify', `server:${dir}/from`, `${dir}/to/tree`]);
    expect(outcome.status).toBe(1);
    expect((await readdir(join(dir, 'to', 'tree'), { recursive: true })).sort()).toEqual([
      'deep',
      'deep/special.SPA',
      'good.SPA',
    ]);
    const events = outcome.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Event]));
    const file = (name: string): Event | undefined =>
      events.find((event) => event['event'] === 'file' && event['name'] === name);
    expect(file('good.SPA')).toMatchObject({
      result: 'copied',
      signature: {
        imageType: 'production',
        product: 'NX3900',
        version: '1.0.0',
        signers: [{ keyType: 'production', keyVersion: 'A' }],
      },
    });
    expect(file('special.SPA')).toMatchObject({ signature: { imageType: 'special', warnings: [expect.any(String)] } });
    expect(file('bad.SPA')).toMatchObject({ result: 'failed' });
    expect(file('bad.SPA')).not.toHaveProperty('signature');
    const codes = events.flatMap((event) => (event['event'] === 'error' ? [event['code']] : []));
    expect(new Set(codes)).toEqual(new Set(['ERR_IMAGE_DIGEST', 'ERR_IMAGE_UNSIGNED']));
    expect(outcome.stderr).toMatch(/sealift: special\.SPA: .*SPA/);
    const told = await scp(['-v', `server:${dir}/from/good.SPA`, `${dir}/to/`]);
    expect(told.stderr).toContain('good.SPA: production image for NX3900, version 1.0.0, signed by production A');
  });

  it('takes the product that is asked for', async () => {
    const fits = await scp(['--product', 'NX3900', `${dir}/from/good.SPA`, `server:${dir}/to/`]);
    expect(fits.status).toBe(0);
    const other = await scp(['--product=NX1', `${dir}/from/good.SPA`, `server:${dir}/to/other.SPA`]);
    expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining('NX') });
    expect(await landed()).toEqual(['good.SPA']);
  });

  it('between two places of a host, two hosts, and on this machine', async () => {
    const config = join(dir, 'config');
    const renamed = (await readFile(bareClient.configFile, 'utf8')).replace(/^Host server$/m, 'Host bare');
    await writeFile(config, `${await readFile(client.configFile, 'utf8')}\n${renamed}`, { mode: 0o600 });
    for (const [from, to] of [
      ['server:', 'server:'],
      ['server:', 'bare:'],
      ['bare:', 'server:'],
      ['', ''],
    ] as const) {
      const copy = (name: string): Promise<Outcome> =>
        scp(['--transport=builtin', `${from}${dir}/from/${name}`, `${to}${dir}/to/`], config);
      expect(await copy('good.SPA')).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(await copy('bad.SPA')).toMatchObject({ status: 1, stderr: expect.stringContaining(REASON) });
      expect(await landed()).toEqual(['good.SPA']);
      await rm(join(dir, 'to', 'good.SPA'));
    }
    const neither = await scp(['--transport=builtin', `bare:${dir}/from/good.SPA`, `bare:${dir}/to/`], config);
    expect(neither.status).toBeGreaterThan(0);
    expect(neither.stderr).toContain('has its name before it is verified');
    expect(await landed()).toEqual([]);
  });

  it('is refused where the target would be written where it stands, before anything is', async () => {
    await symlink('nowhere', join(dir, 'to', 'link'));
    for (const target of ['/dev/null', `${dir}/to/link`]) {
      const refused = await scp([`server:${dir}/from/good.SPA`, target]);
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('would be written where it stands') });
    }
    for (const target of ['server:/dev/null']) {
      const refused = await scp([`${dir}/from/good.SPA`, target]);
      expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('would be written where it stands') });
    }
    expect(await landed()).toEqual(['link']);
  });

  it.each(['up', 'down'])(
    'goes on %s where a connection was cut, and verifies the whole',
    { timeout: 60_000 },
    async (way) => {
      const through = [
        '-o',
        `Port=${proxy.port}`,
        '-o',
        `HostKeyAlias=[${sshd.host}]:${sshd.port}`,
        '--transport=builtin',
      ];
      const copy = (name: string): Promise<Outcome> =>
        scp([
          ...through,
          '-p',
          '--resume',
          ...(way === 'up'
            ? [`${dir}/from/${name}`, `server:${dir}/to/`]
            : [`server:${dir}/from/${name}`, `${dir}/to/`]),
        ]);
      for (const name of ['good.SPA', 'bad.SPA']) {
        const begun = async (): Promise<number> => {
          const [part] = (await landed()).filter((entry) => entry.includes(name) && entry.endsWith('.sealift-part'));
          return part === undefined ? 0 : (await stat(join(dir, 'to', part))).size;
        };
        // What was on its way when the connection was reset may be lost altogether.
        for (let cut = 1_000_000; cut < 1_800_000 && (await begun()) === 0; cut += 100_000) {
          proxy.cutAfter = cut;
          expect((await copy(name)).status).toBe(255);
        }
        expect(await begun()).toBeGreaterThan(0);
        proxy.cutAfter = Number.POSITIVE_INFINITY;
        const again = await copy(name);
        expect(again.status).toBe(name === 'good.SPA' ? 0 : 1);
      }
      expect(await landed()).toEqual(['good.SPA']);
      expect((await readFile(join(dir, 'to', 'good.SPA'))).equals(good)).toBe(true);
    },
  );

  it('is a mistake without keys, and keys are one without it', async () => {
    const operands = [`${dir}/from/good.SPA`, `server:${dir}/to/`];
    for (const [args, why] of [
      [['--verify=signature'], '--verify=signature needs --keys STORE'],
      [['--keys', store], '--keys means something only with --verify=signature'],
      [['--product', 'NX'], '--product means something only with --verify=signature'],
      [['--verify=md5'], '--verify=md5: must be sha256'],
      [['--verify='], 'requires a value'],
      [['-R', '--verify=signature', '--keys', store], 'not with -R'],
    ] as const) {
      const outcome = await runSealift(['scp', ...args, ...operands]);
      expect(outcome).toMatchObject({ status: 1, stderr: expect.stringContaining(why) });
    }
    const missing = await runSealift(['scp', '--verify=signature', '--keys', join(dir, 'nothing'), ...operands]);
    expect(missing).toMatchObject({ status: 1, stderr: expect.stringContaining(join(dir, 'nothing')) });
    expect(await landed()).toEqual([]);
  });

  it('changes nothing with --dry-run', async () => {
    const outcome = await scp(['--dry-run', `${dir}/from/bad.SPA`, `server:${dir}/to/`]);
    expect(outcome).toMatchObject({ status: 0, stdout: expect.stringContaining('1 file would be copied') });
    expect(await landed()).toEqual([]);
  });
});

type Event = Readonly<Record<string, unknown>>;
