import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { keptName } from '../../src/files/private-names.ts';
import { ConfiguredServer } from '../support/configured-server.ts';
import { describePeer, itPeer } from '../support/peers.ts';
import { runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { freePort } from '../support/sshd.ts';

let server: ConfiguredServer;

beforeEach(async () => {
  server = await ConfiguredServer.create();
});

/** A file that takes some seconds at the rate that `slow` sets. */
async function makeFile(name: string, megabytes: number): Promise<string> {
  const path = join(server.folder, name);
  await writeFile(path, randomBytes(megabytes * 1024 * 1024));
  return path;
}

/** 4 MiB/s, for copies that are cut. */
const slow = ['-l', '33554'];

/** 1 MiB/s, for copies that go on while much else happens. */
const slower = ['-l', '8388'];

/** Waits until so many transfers move content. */
async function moving(count: number): Promise<void> {
  for (;;) {
    const { stdout } = await server.ask('transfers', '--json');
    const { transfers } = JSON.parse(stdout) as { transfers: { bytes: number }[] };
    if (transfers.length === count && transfers.every(({ bytes }) => bytes > 0)) return;
  }
}

describe('sealift serve --check', () => {
  it('says that a configuration is good, or everything that is wrong', async () => {
    expect(await server.ask('--check')).toEqual({ status: 0, stdout: `${server.config}: good\n`, stderr: '' });
    await server.configure('workers: 0\nbogus: 1\n');
    const refused = await server.ask('--check');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toBe(
      `${server.config}:8:10: workers: 0 is out of range; allowed: 1 to 64\n${server.config}:9:1: bogus: unknown key; known here: state, listen, host-keys, banner, banner-file, services, durable, roots, users, users-file, rights, aaa, limits, algorithms, log, accounting, metrics, workers, grace\n`,
    );
    const json = JSON.parse((await server.ask('--check', '--json')).stdout) as { ok: boolean; problems: unknown[] };
    expect(json).toMatchObject({ ok: false, problems: [{ line: 8, column: 10, key: 'workers' }, { line: 9 }] });
    expect(existsSync(join(server.folder, 'state'))).toBe(false);
    const started = await runSealift(['serve', '-c', server.config]);
    expect(started).toMatchObject({ status: 1, stdout: '', stderr: refused.stderr });
  });
});

describePeer(['scp'], 'a server by its configuration', () => {
  it('goes on with every transfer while the configuration is read ten times, good and bad', async () => {
    await server.start();
    const file = await makeFile('big', 12);
    const copies = ['a', 'b', 'c'].map((name) => server.scp('alice', file, name, slower));
    await moving(3);
    for (let round = 1; round <= 5; round++) {
      await server.configure(`workers: ${'x'.repeat(round)}\n`);
      server.signal('SIGHUP');
      await server.logged('reload-refused', round);
      await server.configure(`limits: {sessions-per-user: ${10 + round}}\n`, ['bob']);
      server.signal('SIGHUP');
      await server.logged('reloaded', round);
    }
    expect(server.log.filter(({ event }) => event === 'transfer-ended')).toEqual([]);
    expect((await server.scp('alice', file, 'd')).stderr).toContain('Permission denied');
    expect(await server.scp('bob', server.config, 'e')).toMatchObject({ status: 0 });
    for (const copy of await Promise.all(copies)) expect(copy).toMatchObject({ status: 0, stderr: '' });
    const content = await readFile(file);
    for (const name of ['a', 'b', 'c'])
      expect((await readFile(join(server.folder, 'in', name))).equals(content)).toBe(true);
    expect(server.log.filter(({ event }) => event === 'transfer-ended').every(({ status }) => status === 0)).toBe(true);
    expect((await server.ask('status')).stdout).toMatch(/last reload +good/);
  }, 180_000);

  it.each([1, 2])(
    'opens its records anew at SIGHUP, also where the configuration is refused, with %i workers',
    async (workers) => {
      await server.configure(`workers: ${workers}\n`);
      await server.start();
      const records = join(server.folder, 'state', 'accounting.jsonl');
      await rename(records, `${records}.1`);
      await server.configure('nonsense: 1\n');
      server.signal('SIGHUP');
      await server.logged('reload-refused');
      for (const name of ['a', 'b'])
        expect(await server.scp('alice', server.config, name)).toMatchObject({ status: 0 });
      expect((await readFile(records, 'utf8')).match(/"record":"start","kind":"transfer"/g)).toHaveLength(2);
      expect(await readFile(`${records}.1`, 'utf8')).toBe('');
    },
  );

  it('gives each user the rights of the rules, keeps a record of everything, and writes what a killed one owes', async () => {
    await server.configure(
      'rights:\n - {users: [alice], paths: [/in], allow: [write, mkdir]}\n - {users: [bob], allow: [list, read]}\n',
    );
    await mkdir(join(server.folder, 'in', 'in'));
    await server.start();
    expect(await server.scp('alice', server.config, 'in/new')).toMatchObject({ status: 0 });
    expect((await server.scp('bob', server.config, 'in/other')).stderr).toContain('Privilege denied.');
    const records = async (): Promise<Record<string, unknown>[]> =>
      (await readFile(join(server.folder, 'state', 'accounting.jsonl'), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const digest = createHash('sha256')
      .update(await readFile(server.config))
      .digest('hex');
    expect(await records()).toContainEqual(expect.objectContaining({ user: 'alice', sha256: digest, path: '/in/new' }));
    const copy = server.scp('alice', await makeFile('big', 24), 'in/big', slower);
    await moving(1);
    server.signal('SIGKILL');
    await server.exit;
    await copy;
    await server.start();
    expect(await server.logged('recovered')).toMatchObject([{ level: 'warn', count: 2 }]);
    const all = await records();
    const [starts, stops] = ['start', 'stop'].map((kind) => all.filter(({ record }) => record === kind).length);
    expect(stops).toBe(starts);
  });

  it('lets transfers end when it is stopped, and takes no new ones', async () => {
    await server.configure('grace: 40 s\n');
    await server.start();
    const file = await makeFile('big', 12);
    const copy = server.scp('alice', file, 'a', slow);
    await moving(1);
    server.signal('SIGTERM');
    await server.logged('stopping');
    expect((await server.scp('bob', file, 'b')).status).not.toBe(0);
    expect(await copy).toMatchObject({ status: 0, stderr: '' });
    expect(await server.exit).toEqual([0, null]);
    expect(existsSync(join(server.folder, 'state', 'control.sock'))).toBe(false);
  });

  it('cuts what does not end in time, and says so', async () => {
    await server.configure('grace: 100 ms\n');
    await server.start();
    const copy = server.scp('alice', await makeFile('big', 24), 'a', slower);
    await moving(1);
    server.signal('SIGTERM');
    expect((await copy).status).not.toBe(0);
    expect(await server.exit).toEqual([0, null]);
    const [ended] = server.log.filter(({ event }) => event === 'transfer-ended');
    expect(ended).toMatchObject({ user: 'alice', files: 0 });
    expect(ended).not.toHaveProperty('status');
    expect(await readdir(join(server.folder, 'in'))).toEqual([]);
  });

  it('ends at once at the second signal', async () => {
    await server.start();
    const copy = server.scp('alice', await makeFile('big', 24), 'a', slower);
    await moving(1);
    server.signal('SIGTERM');
    await server.logged('stopping');
    server.signal('SIGTERM');
    expect(await server.exit).toEqual([1, null]);
    expect((await copy).status).not.toBe(0);
  });

  it('shows its sessions and transfers to its owner, and ends one', async () => {
    await server.start();
    const copy = server.scp('alice', await makeFile('big', 48), 'a', slower);
    await moving(1);
    expect((await server.ask('status')).stdout).toMatch(
      /^server +sealift .*\n.*\n.*\nconnections +1, 1 logged in\ntransfers +1 under way\n/,
    );
    expect((await server.ask('sessions')).stdout).toMatch(/^ID +USER.*\n1 +alice +127\.0\.0\.1:/);
    expect((await server.ask('transfers')).stdout).toMatch(/^SESSION.*\n1 +alice +upload +scp +\d+%/);
    expect(await server.ask('kick', '7')).toMatchObject({ status: 1, stderr: 'sealift: no session 7\n' });
    expect(await server.ask('kick', '1')).toMatchObject({ status: 0, stdout: 'session 1 has been ended\n' });
    expect((await copy).status).not.toBe(0);
    await server.logged('transfer-ended');
    expect((await server.ask('transfers')).stdout).toBe('no transfers\n');
    server.signal('SIGTERM');
    await server.exit;
    expect(await server.ask('status')).toMatchObject({ status: 1 });
  });

  it('is served by several processes, one of which may die', async () => {
    await server.configure('workers: 2\n');
    await server.start();
    const file = await makeFile('big', 14);
    const copies = ['a', 'b'].map((name) => server.scp('alice', file, name, slower));
    await moving(2);
    const { stdout } = await server.ask('sessions', '--json');
    const { sessions } = JSON.parse(stdout) as { sessions: { id: string }[] };
    expect(sessions.map(({ id }) => id).sort()).toEqual(['1.1', '2.1']);
    server.signal('SIGHUP');
    await server.logged('reloaded');
    const worker = server.log.find((entry) => entry['worker'] === 1)?.['pid'] as number;
    const kept = join(server.folder, 'in', keptName('partial', 'alice'));
    await writeFile(kept, 'what another worker keeps');
    process.kill(worker, 'SIGKILL');
    const ends = await Promise.all(copies);
    expect(ends.filter(({ status }) => status === 0)).toHaveLength(1);
    await server.logged('worker', 2);
    // The one that replaces it takes its upload away, and nothing else.
    expect(await server.logged('swept')).toMatchObject([{ files: 1 }]);
    expect(existsSync(kept)).toBe(true);
    for (const name of ['c', 'd']) expect(await server.scp('bob', server.config, name)).toMatchObject({ status: 0 });
    expect((await server.ask('status')).stdout).toContain('with 2 workers');
    server.signal('SIGTERM');
    expect(await server.exit).toEqual([0, null]);
  });

  it('takes a socket that listens already', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    const script = 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@"';
    await server.start(['sh', '-c', script, process.execPath, sealiftLauncher], [fd]);
    listener.close();
    expect(await server.scp('alice', server.config, 'a')).toMatchObject({ status: 0 });
    server.signal('SIGHUP');
    await server.logged('reloaded');
    expect(await server.scp('alice', server.config, 'b')).toMatchObject({ status: 0 });
  });
});

describePeer(['ssh'], 'a client of old', () => {
  const old = [
    'KexAlgorithms=diffie-hellman-group14-sha1',
    'HostKeyAlgorithms=ssh-rsa',
    'Ciphers=aes128-cbc',
    'MACs=hmac-sha1',
  ];
  const options = old.flatMap((option) => ['-o', option]);

  it('is told nothing helps but the setting, and is let in with it', async () => {
    await server.start();
    const connect = async (): Promise<{ status: number | null; stderr: string }> =>
      await runProgram('ssh', [
        ...(await server.sshOptions()),
        ...options,
        '-p',
        String(server.port),
        'alice@127.0.0.1',
        'ls',
      ]);
    expect((await connect()).status).toBe(255);
    const [failed] = await server.logged('negotiation-failed');
    expect(failed).toMatchObject({
      level: 'warn',
      what: 'key exchange',
      theirs: expect.stringContaining('diffie-hellman-group14-sha1'),
      ours: expect.stringContaining('curve25519-sha256'),
      cure: 'algorithms.legacy.from: [127.0.0.1] would let this client in with its old algorithms',
    });
    await server.configure('algorithms: {legacy: {from: [127.0.0.1]}}\n');
    server.signal('SIGHUP');
    await server.logged('reloaded');
    expect(await connect()).toMatchObject({ status: 127, stderr: 'this server only does secure copy\n' });
    const [used] = await server.logged('legacy-algorithms');
    expect(used).toMatchObject({
      level: 'warn',
      algorithms: ['diffie-hellman-group14-sha1', 'ssh-rsa', 'aes128-cbc', 'hmac-sha1'],
    });
  });
});

itPeer(['scp', 'curl'], 'figures and health are served by HTTP, and nowhere else than asked', async () => {
  const port = await freePort();
  await server.configure(`metrics: {listen: "127.0.0.1:${port}"}\n`);
  await server.start();
  expect(await server.scp('alice', server.config, 'a')).toMatchObject({ status: 0 });
  await server.logged('connection-closed');
  const curl = async (path: string): Promise<string> =>
    (await runProgram('curl', ['-s', '--max-time', '10', `http://127.0.0.1:${port}${path}`])).stdout;
  expect(await curl('/healthz')).toBe('ok\n');
  expect(await curl('/readyz')).toBe('ready\n');
  const text = await curl('/metrics');
  for (const line of [
    'sealift_connections_total 1',
    'sealift_connections_open 0',
    'sealift_logins_total{result="accepted",method="publickey"} 1',
    'sealift_transfers_total{service="scp",direction="received",result="complete"} 1',
    'sealift_workers 1',
  ])
    expect(text.split('\n')).toContain(line);
  expect(text).toMatch(/^sealift_event_loop_delay_seconds\{quantile="0.99"\} [0-9.e-]+$/m);
  await server.configure('');
  server.signal('SIGHUP');
  await server.logged('reloaded');
  expect(await curl('/healthz')).toBe('');
});
