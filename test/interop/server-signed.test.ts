import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keptName } from '../../src/files/private-names.ts';
import { signedContent } from '../../src/images/signed-content.ts';
import { PASSWORD, type PeerServer, startPeerServer } from '../server/peer-clients.ts';
import { ConfiguredServer } from '../support/configured-server.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { type Outcome, runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { imageOf, makeStore, makeVendor, spoiled, type Vendor } from '../support/signed-images.ts';
import { createTempDirectory, tempDirectory } from '../support/temp.ts';

let vendor: Vendor;
beforeAll(async () => {
  vendor = await makeVendor();
});

/** How a client puts files into a folder of the server. */
interface Client {
  readonly name: string;
  put(peer: PeerServer, here: string, sources: readonly string[], target: string): Promise<Outcome>;
}

const openssh = (name: string, ...mode: string[]): Client => ({
  name,
  put: (peer, here, sources, target) =>
    runProgram(needsPeer('scp'), [...mode, '-F', peer.config, ...sources, `v4:${target}`], { cwd: here }),
});

const pscp = (name: string, mode: string): Client => ({
  name,
  put: async (peer, here, sources, target) => {
    const login = ['-P', String(peer.server.port), '-batch', '-hostkey', peer.fingerprint, '-pw', PASSWORD, '-q'];
    const args = [mode, ...login, ...sources, `alice@127.0.0.1:${target}`];
    const outcome = await runProgram(needsPeer('pscp'), args, { cwd: here, env: { ...process.env, HOME: here } });
    // What pscp says about the login has nothing to do with the copy.
    return { ...outcome, stderr: outcome.stderr.replace(/^.*eyboard-interactive .*\n/gm, '') };
  },
});

const clients: readonly Client[] = [
  openssh("OpenSSH's scp -O", '-O'),
  openssh("OpenSSH's scp", '-s'),
  {
    name: "OpenSSH's sftp",
    put: (peer, here, sources, target) =>
      runProgram(needsPeer('sftp'), ['-b', '-', '-F', peer.config, 'v4'], {
        cwd: here,
        input: sources.map((source) => `put "${source}" "${target}"\n`).join(''),
      }),
  },
  pscp('pscp -scp', '-scp'),
  pscp('pscp -sftp', '-sftp'),
  ...['-O', '-s', '--atomic', '--resume'].map((mode) => ({
    name: `sealift scp ${mode}`,
    put: (peer: PeerServer, here: string, sources: readonly string[], target: string): Promise<Outcome> =>
      runProgram(
        process.execPath,
        [sealiftLauncher, 'scp', mode, '-q', '-F', peer.config, ...sources, `v4:${target}`],
        { cwd: here },
      ),
  })),
];

const REASON = 'the payload is not what was signed';

describePeer(['scp', 'ssh', 'sftp', 'ssh-keygen', 'pscp'], 'a root that takes signed images only', () => {
  let peer: PeerServer;
  let images: string;
  let here: string;
  let store: Awaited<ReturnType<typeof createTempDirectory>>;
  let good: Buffer;
  beforeAll(async () => {
    store = await createTempDirectory('store');
    await makeStore(join(store.path, 'keys'), vendor);
    good = await imageOf(vendor, randomBytes(3_000_000));
    const accept = signedContent({
      store: join(store.path, 'keys'),
      policy: { product: 'NX3900', types: ['production'] },
    });
    peer = await startPeerServer({}, undefined, (root) => {
      for (const name of ['images', 'any']) mkdirSync(join(root, name));
      return [
        { name: 'images', path: join(root, 'images'), accept, quota: 100_000_000 },
        { name: 'any', path: join(root, 'any') },
      ];
    });
    images = join(peer.root, 'images');
  });
  afterAll(async () => {
    await peer[Symbol.asyncDispose]();
    await store.remove();
  });
  beforeEach(async () => {
    here = await tempDirectory('here');
    for (const name of await readdir(images)) await rm(join(images, name), { recursive: true });
    peer.events.length = 0;
    await writeFile(join(here, 'good.SPA'), good);
    await writeFile(join(here, 'bad.SPA'), spoiled(good, 1_000_000));
  });

  describe.each(clients.map((client) => [client.name, client] as const))('with %s', (_, client) => {
    it('takes a good image, and replaces it by another one', async () => {
      expect(await client.put(peer, here, ['good.SPA'], '/images/')).toMatchObject({ status: 0, stderr: '' });
      expect((await readFile(join(images, 'good.SPA'))).equals(good)).toBe(true);
      const other = await imageOf(vendor, randomBytes(100_000));
      await writeFile(join(here, 'good.SPA'), other);
      expect(await client.put(peer, here, ['good.SPA'], '/images/good.SPA')).toMatchObject({ status: 0, stderr: '' });
      expect((await readFile(join(images, 'good.SPA'))).equals(other)).toBe(true);
      expect(await readdir(images)).toEqual(['good.SPA']);
      const ends = peer.events.filter((event) => event.type === 'transfer-ended' || event.type === 'file-moved');
      expect(ends.some((event) => 'signer' in event && event.signer === 'production A')).toBe(true);
    });

    it('refuses one that is not, says why, and leaves nothing of it', async () => {
      await writeFile(join(images, 'old.SPA'), 'old');
      const fresh = await client.put(peer, here, ['bad.SPA'], '/images/');
      // pscp does not look at the answer to CLOSE.
      const failure = client.name === 'pscp -sftp' ? 0 : 1;
      expect(fresh.status).toBe(failure);
      expect(fresh.stdout + fresh.stderr).toContain(REASON);
      const over = await client.put(peer, here, ['bad.SPA'], '/images/old.SPA');
      expect(over.status).toBe(failure);
      expect(over.stdout + over.stderr).toContain(REASON);
      // pscp does not wait for the end of its session.
      await expect.poll(() => readdir(images), { timeout: 10_000 }).toEqual(['old.SPA']);
      expect(await readFile(join(images, 'old.SPA'), 'utf8')).toBe('old');
      const refused = peer.events.filter((event) => event.type === 'content-refused');
      expect(refused).toMatchObject([
        { code: 'ERR_IMAGE_DIGEST', reason: REASON, connection: { user: 'alice' } },
        { code: 'ERR_IMAGE_DIGEST', reason: REASON },
      ]);
    });
  });

  it('takes the good ones of several files', async () => {
    for (const mode of ['-O', '-s']) {
      await writeFile(join(here, 'also.SPA'), await imageOf(vendor, randomBytes(1000)));
      const sources = ['good.SPA', 'bad.SPA', 'also.SPA'];
      const outcome = await runProgram(needsPeer('scp'), [mode, '-F', peer.config, ...sources, 'v4:/images/'], {
        cwd: here,
      });
      expect(outcome.status).toBeGreaterThan(0);
      expect(outcome.stderr).toContain(REASON);
      // By SFTP OpenSSH's scp gives up with the first one that fails.
      expect((await readdir(images)).sort()).toEqual(
        mode === '-O' ? ['also.SPA', 'good.SPA'] : expect.arrayContaining(['good.SPA']),
      );
      for (const name of await readdir(images)) await rm(join(images, name));
    }
  });

  it('takes no images for another product, of another type, or of another vendor', async () => {
    const stranger = await makeVendor();
    await writeFile(join(here, 'product.SPA'), await imageOf(vendor, randomBytes(10), { product: 'NX1' }));
    await writeFile(join(here, 'special.SSA'), await imageOf(vendor, randomBytes(10), { type: 'special' }));
    await writeFile(join(here, 'foreign.SPA'), await imageOf(stranger, randomBytes(10)));
    await writeFile(join(here, 'unsigned'), 'x');
    for (const [name, why] of [
      ['product.SPA', 'NX1'],
      ['special.SSA', 'special'],
      ['foreign.SPA', 'not known here'],
      ['unsigned', 'signature'],
    ] as const) {
      const outcome = await runProgram(needsPeer('scp'), ['-F', peer.config, name, 'v4:/images/'], { cwd: here });
      expect(outcome.status).toBeGreaterThan(0);
      expect(outcome.stderr).toContain(why);
    }
    expect(await readdir(images)).toEqual([]);
  });

  it('goes on with an upload that broke off, and verifies the whole', async () => {
    const half = good.subarray(0, 1_500_000);
    // What the server keeps of a client that went away.
    const begin = (content: Buffer): Promise<void> => writeFile(join(images, keptName('image.SPA', 'alice')), content);
    const reput = (): Promise<Outcome> =>
      runProgram(needsPeer('sftp'), ['-b', '-', '-F', peer.config, 'v4'], {
        cwd: here,
        input: 'reput good.SPA /images/image.SPA\n',
      });
    await begin(Buffer.from(half));
    expect((await reput()).status).toBe(0);
    expect((await readFile(join(images, 'image.SPA'))).equals(good)).toBe(true);
    await rm(join(images, 'image.SPA'));
    await begin(spoiled(half, 7));
    const outcome = await reput();
    expect(outcome.stderr).toContain(REASON);
    expect(await readdir(images)).toEqual([]);
  });

  it('gives everything back, and lets nothing in by a rename or a link', async () => {
    await writeFile(join(peer.root, 'any', 'evil'), 'evil');
    await writeFile(join(images, 'before'), 'was here before');
    const outcome = await runProgram(needsPeer('sftp'), ['-b', '-', '-F', peer.config, 'v4'], {
      cwd: here,
      input: [
        'get /images/before before',
        '-rename /any/evil /images/evil',
        '-ln /any/evil /images/evil2',
        '-ln -s /etc/passwd /images/evil3',
        '-ln /images/before /images/evil4',
        '-rename /images/before /images/evil5',
        '-cp /images/before /images/evil6',
        'put good.SPA /images/good.SPA',
        'rename /images/good.SPA /images/renamed.SPA',
        'ln /images/renamed.SPA /images/linked.SPA',
        'cp /images/renamed.SPA /images/copied.SPA',
        'mkdir /images/sub',
        'rename /images/linked.SPA /images/sub/moved.SPA',
        'rm /images/copied.SPA',
      ].join('\n'),
    });
    expect(outcome.status).toBe(0);
    expect(await readFile(join(here, 'before'), 'utf8')).toBe('was here before');
    expect((await readdir(images, { recursive: true })).sort()).toEqual([
      'before',
      'renamed.SPA',
      'sub',
      'sub/moved.SPA',
    ]);
    expect(outcome.stderr).toContain('/images/evil5: ');
  });
});

describePeer(['scp', 'ssh'], 'sealift serve with a root that takes signed images only', () => {
  it('refuses, accounts, follows the key storage, and serves the rest while it is gone', {
    timeout: 60_000,
  }, async () => {
    const server = await ConfiguredServer.create();
    const { folder } = server;
    for (const name of ['images', 'any']) await mkdir(join(folder, name));
    await makeStore(join(folder, 'store'), vendor);
    const roots = [
      '  - {name: images, path: ./images, accept: signed, keys: ./store, product: NX3900}',
      '  - {name: any, path: ./any}',
    ].join('\n');
    await writeFile(
      server.config,
      `state: ./state\nlisten: 127.0.0.1:0\nroots:\n${roots}\nusers:\n  - {name: alice, authorized-keys-file: key.pub}\n`,
    );
    const good = await imageOf(vendor, randomBytes(500_000));
    await writeFile(join(folder, 'good.SPA'), good);
    await writeFile(join(folder, 'bad.SPA'), spoiled(good));
    expect(await runSealift(['serve', '--check', '-c', server.config])).toMatchObject({ status: 0, stderr: '' });
    await server.start();
    const put = (name: string, target: string): Promise<Outcome> => server.scp('alice', join(folder, name), target);
    const images = (): Promise<string[]> => readdir(join(folder, 'images'));

    expect(await put('good.SPA', '/images/good.SPA')).toMatchObject({ status: 0, stderr: '' });
    const refused = await put('bad.SPA', '/images/bad.SPA');
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining(REASON) });
    expect(await images()).toEqual(['good.SPA']);
    expect(await server.logged('content-refused')).toMatchObject([
      { level: 'warn', path: '/images/bad.SPA', code: 'ERR_IMAGE_DIGEST', reason: REASON, user: 'alice' },
    ]);

    // Another vendor's storage takes its place, and is gone then.
    await rename(join(folder, 'store'), join(folder, 'old-store'));
    await makeStore(join(folder, 'store'), await makeVendor());
    expect(await put('good.SPA', '/images/again.SPA')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not known here'),
    });
    await rm(join(folder, 'store'), { recursive: true });
    const gone = await put('good.SPA', '/images/again.SPA');
    expect(gone).toMatchObject({ status: 1, stderr: expect.stringContaining('/images/again.SPA: the key storage') });
    // Where the server keeps its keys is no concern of a client's.
    expect(gone.stderr).not.toContain(folder);
    expect(await server.logged('alarm')).toMatchObject([
      { level: 'error', root: 'images', message: expect.stringContaining('store') },
    ]);
    expect(await put('good.SPA', '/any/good.SPA')).toMatchObject({ status: 0 });
    const check = await runSealift(['serve', '--check', '-c', server.config]);
    expect(check).toMatchObject({ status: 1, stderr: expect.stringContaining('sealift.yaml:4:58: roots[0].keys: ') });
    // It starts all the same, with a configuration that is read again.
    server.signal('SIGHUP');
    await server.logged('reloaded');
    expect(await server.logged('alarm', 2)).toHaveLength(2);
    await rename(join(folder, 'old-store'), join(folder, 'store'));
    expect(await put('good.SPA', '/images/again.SPA')).toMatchObject({ status: 0, stderr: '' });
    await server.logged('alarm-over');
    expect((await images()).sort()).toEqual(['again.SPA', 'good.SPA']);

    server.signal('SIGTERM');
    await server.exit;
    const records = (await readFile(join(folder, 'state', 'accounting.jsonl'), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ record, kind }) => record === 'stop' && kind === 'transfer');
    expect(records[0]).toMatchObject({ path: '/images/good.SPA', status: 'complete', signer: 'production A' });
    expect(records[1]).toMatchObject({
      path: '/images/bad.SPA',
      status: 'failed',
      error: expect.stringContaining(REASON),
    });
    expect(records[1]).not.toHaveProperty('signer');
  });
});
