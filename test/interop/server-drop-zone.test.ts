import { mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PASSWORD, type PeerServer, silent, startPeerServer } from '../server/peer-clients.ts';
import { describePeer, itPeer, needsPeer } from '../support/peers.ts';
import { type Outcome, runProgram, sealiftLauncher } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

/** How a client puts something into a folder of the server. */
interface Client {
  readonly name: string;
  /** @param target a path on the server */
  put(peer: PeerServer, here: string, sources: readonly string[], target: string, options: Options): Promise<Outcome>;
}

interface Options {
  readonly recursive?: boolean;
  readonly preserve?: boolean;
}

const flags = ({ recursive, preserve }: Options): string[] => [
  ...(recursive === true ? ['-r'] : []),
  ...(preserve === true ? ['-p'] : []),
];

const openssh = (name: string, ...mode: string[]): Client => ({
  name,
  put: (peer, here, sources, target, options) =>
    runProgram(needsPeer('scp'), [...mode, '-F', peer.config, ...flags(options), ...sources, `v4:${target}`], {
      cwd: here,
    }),
});

const sftp: Client = {
  name: 'sftp put',
  put: (peer, here, sources, target, options) =>
    runProgram(needsPeer('sftp'), ['-b', '-', '-F', peer.config, 'v4'], {
      cwd: here,
      input: sources.map((source) => `put ${flags(options).join(' ')} "${source}" "${target}"\n`).join(''),
    }),
};

const pscp = (name: string, mode: string): Client => ({
  name,
  put: async (peer, here, sources, target, options) => {
    const login = ['-P', String(peer.server.port), '-batch', '-hostkey', peer.fingerprint, '-pw', PASSWORD, '-q'];
    const env = { ...process.env, HOME: here };
    const args = [mode, ...login, ...flags(options), ...sources, `alice@127.0.0.1:${target}`];
    const outcome = await runProgram(needsPeer('pscp'), args, { cwd: here, env });
    // What pscp says about the login has nothing to do with the copy.
    return { ...outcome, stderr: outcome.stderr.replace(/^.*eyboard-interactive .*\n/gm, '') };
  },
});

const sealift = (name: string, ...mode: string[]): Client => ({
  name,
  put: (peer, here, sources, target, options) =>
    runProgram(
      process.execPath,
      [sealiftLauncher, 'scp', ...mode, '-q', '-F', peer.config, ...flags(options), ...sources, `v4:${target}`],
      { cwd: here },
    ),
});

const clients: readonly Client[] = [
  openssh("OpenSSH's scp -O", '-O'),
  openssh("OpenSSH's scp", '-s'),
  sftp,
  pscp('pscp -scp', '-scp'),
  pscp('pscp -sftp', '-sftp'),
  sealift('sealift scp -O', '-O'),
  sealift('sealift scp', '-s'),
];

describePeer(['scp', 'ssh', 'sftp', 'ssh-keygen', 'pscp'], 'a drop zone and a root that is read only', () => {
  let peer: PeerServer;
  let inbox: string;
  let here: string;
  beforeAll(async () => {
    peer = await startPeerServer({}, undefined, (root) => {
      for (const name of ['inbox', 'flash']) mkdirSync(join(root, name));
      return [
        { name: 'inbox', path: join(root, 'inbox'), mode: 'drop', quota: 1_000_000 },
        { name: 'flash', path: join(root, 'flash'), mode: 'read-only', prefix: 'flash:' },
      ];
    });
    inbox = join(peer.root, 'inbox');
    await writeFile(join(peer.root, 'flash', 'image'), 'image');
  });
  afterAll(async () => {
    await peer[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    here = await tempDirectory('here');
    for (const name of await readdir(inbox)) await rm(join(inbox, name), { recursive: true });
    await writeFile(join(here, 'f'), 'content', { mode: 0o640 });
    await utimes(join(here, 'f'), 1_000_000_000, 1_100_000_000);
    await mkdir(join(here, 'tree', 'inner'), { recursive: true });
    await writeFile(join(here, 'tree', 'inner', 'g'), 'inner');
    await writeFile(join(here, 'tree', 'h'), 'h');
  });

  itPeer('rclone', 'takes a tree from rclone, which sets times by another connection than it writes by', async () => {
    const config = ['--config', join(here, 'none.conf'), '--sftp-shell-type', 'none', '-q'];
    const login = ['--sftp-host', '127.0.0.1', '--sftp-port', String(peer.server.port), '--sftp-user', 'alice'];
    const keys = ['--sftp-key-file', peer.identity, '--sftp-known-hosts-file', peer.knownHosts];
    for (let index = 0; index < 30; index++) await writeFile(join(here, 'tree', `file ${index}`), `${index}`);
    const args = [...config, ...login, ...keys, '--transfers', '8', 'copy', 'tree', ':sftp:/inbox/r'];
    const env = { ...process.env, HOME: here };
    expect(await runProgram(needsPeer('rclone'), args, { cwd: here, env })).toEqual(silent);
    const sent = await readdir(join(here, 'tree'), { recursive: true });
    expect((await readdir(join(inbox, 'r'), { recursive: true })).sort()).toEqual(sent.sort());
    const mtimes = [join(here, 'tree', 'h'), join(inbox, 'r', 'h')].map(async (path) => (await stat(path)).mtimeMs);
    const [here1 = 0, there = 1] = await Promise.all(mtimes);
    expect(Math.floor(there / 1000)).toBe(Math.floor(here1 / 1000));
  });

  describe.each(clients.map((client) => [client.name, client] as const))('with %s', (_, client) => {
    const put = (sources: readonly string[], target: string, options: Options = {}): Promise<Outcome> =>
      client.put(peer, here, sources, target, options);

    it('takes a file into the folder, under a name, and with its times', async () => {
      expect(await put(['f'], '/inbox/')).toMatchObject({ status: 0, stderr: '' });
      expect(await put(['f'], '/inbox/named')).toMatchObject({ status: 0, stderr: '' });
      expect(await put(['f'], '/inbox/kept', { preserve: true })).toMatchObject({ status: 0, stderr: '' });
      expect((await readdir(inbox)).sort()).toEqual(['f', 'kept', 'named']);
      for (const name of ['f', 'kept', 'named']) expect(await readFile(join(inbox, name), 'utf8')).toBe('content');
      expect((await stat(join(inbox, 'kept'))).mtimeMs).toBe(1_100_000_000_000);
    });

    it('takes a tree', async () => {
      expect(await put(['tree'], '/inbox/', { recursive: true })).toMatchObject({ status: 0, stderr: '' });
      expect((await readdir(inbox, { recursive: true })).sort()).toEqual([
        'tree',
        'tree/h',
        'tree/inner',
        'tree/inner/g',
      ]);
    });

    it('keeps what is there, and says so', async () => {
      await writeFile(join(inbox, 'f'), 'old');
      const refused = await put(['f'], '/inbox/f');
      expect(refused.status).toBeGreaterThan(0);
      expect(refused.stderr + refused.stdout).toMatch(/permission denied/i);
      expect(await readFile(join(inbox, 'f'), 'utf8')).toBe('old');
      expect(await readdir(inbox)).toEqual(['f']);
    });

    it('takes nothing into a root that is read only', async () => {
      const refused = await put(['f'], '/flash/f');
      expect(refused.status).toBeGreaterThan(0);
      expect(refused.stderr + refused.stdout).toMatch(/read-only|failure/i);
      expect(await readdir(join(peer.root, 'flash'))).toEqual(['image']);
    });

    it('refuses what does not fit, and leaves nothing of it', async () => {
      await writeFile(join(here, 'big'), Buffer.alloc(2_000_000));
      const refused = await put(['big'], '/inbox/big');
      expect(refused.status).toBeGreaterThan(0);
      expect(refused.stderr + refused.stdout).toMatch(/quota|failure/i);
      // pscp does not wait for the end of its session.
      await expect.poll(() => readdir(inbox), { timeout: 10_000 }).toEqual([]);
      expect(await put(['f'], '/inbox/f')).toMatchObject({ status: 0, stderr: '' });
    });
  });

  it('gives nothing back, and the read-only root gives everything', async () => {
    await writeFile(join(inbox, 'f'), 'old');
    for (const mode of ['-O', '-s']) {
      const get = (path: string): Promise<Outcome> =>
        runProgram(needsPeer('scp'), [mode, '-F', peer.config, `v4:${path}`, join(here, 'got')], { cwd: here });
      expect((await get('/inbox/f')).status).toBeGreaterThan(0);
      for (const path of ['/flash/image', 'flash:image', 'flash:/image']) {
        expect(await get(path)).toMatchObject({ status: 0, stderr: '' });
        expect(await readFile(join(here, 'got'), 'utf8')).toBe('image');
        await rm(join(here, 'got'));
      }
    }
    const listing = await runProgram(needsPeer('sftp'), ['-b', '-', '-F', peer.config, 'v4'], {
      cwd: here,
      input: 'ls\nls flash:\ncd flash\nget image\n-ls /inbox\n',
    });
    expect(listing.status).toBe(0);
    expect(listing.stdout).toMatch(/flash +inbox/);
    expect(listing.stdout).toContain('image');
    expect(listing.stdout).not.toMatch(/\bf\b *\n/);
  });
});
