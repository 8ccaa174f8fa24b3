import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { serveCommand } from '../../src/cli/serve/command.ts';
import { loadHostKeys } from '../../src/server/host-keys.ts';
import { makeKeyPair } from '../support/key-pair.ts';
import { runSealift } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';
import { run } from './support.ts';

/** What the process would hear of SIGTERM and SIGHUP: real signals are for the tests of the built program. */
const stop = vi.hoisted(() => ({ controller: new AbortController(), hangup: (): void => {} }));

vi.mock('../../src/cli/serve/serve-signals.ts', () => ({
  serveSignals: () => ({
    stopped: new Promise((resolve) => stop.controller.signal.addEventListener('abort', () => resolve('SIGTERM'))),
    onReload: (reload: () => void) => {
      stop.hangup = reload;
    },
    release: () => {},
  }),
}));

let home: string;
let out = '';
let err = '';

beforeEach(async () => {
  home = await tempDirectory('home');
  vi.stubEnv('HOME', home);
  vi.stubEnv('XDG_DATA_HOME', '');
  vi.stubEnv('XDG_STATE_HOME', '');
  stop.controller = new AbortController();
  out = '';
  err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text.toString();
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text.toString();
    return true;
  });
});

/** Starts the command, does `work` once it listens, and stops it as a signal does. */
async function serve(args: readonly string[], work: (ports: number[]) => Promise<void>): Promise<number> {
  const ended = serveCommand(args);
  const early = ended.then((status) => Promise.reject(new Error(`ended with ${status}: ${err}`)));
  early.catch(() => {});
  const ready = vi.waitFor(() => expect(out).toMatch(/listening on/), { timeout: 30_000 });
  await Promise.race([ready, early]);
  await work(Array.from(out.matchAll(/^listening on .*:(\d+)$/gm), (match) => Number(match[1])));
  stop.controller.abort();
  return await ended;
}

async function connectTo(port: number, options: object): Promise<InstanceType<typeof ssh2.Client>> {
  const client = new ssh2.Client();
  await new Promise<void>((resolve, reject) => {
    client.once('ready', () => resolve()).on('error', reject);
    client.connect({ host: '127.0.0.1', port, ...options });
  });
  return client;
}

describe('without options but the port', () => {
  it('makes folders, keys, a user and a password that works, and stops with status 0', async () => {
    const status = await serve(['--listen', '127.0.0.1:0', '--user', 'bob'], async ([port = 0]) => {
      const password = /password (\S+)/.exec(err)?.[1] ?? '';
      expect(password).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
      const client = await connectTo(port, { username: 'bob', password });
      expect(await run(client, 'scp -t f', 'C0644 2 f\nhi\0')).toMatchObject({ code: 0 });
      client.end();
      const state = join(home, '.local/state/sealift');
      const asked = await runSealift(['serve', 'status', '--state', state]);
      expect(asked).toMatchObject({ status: 0, stdout: expect.stringContaining('one folder, one user') as string });
      expect(asked.stdout).toContain('2 B received');
    });
    expect(status).toBe(0);
    expect(out).toMatch(/^listening on 127\.0\.0\.1:\d+\n$/);
    expect(err).toContain('scp -P');
    expect(await readFile(join(home, '.local/share/sealift/files/f'), 'utf8')).toBe('hi');
    const state = join(home, '.local/state/sealift');
    expect((await readdir(state)).sort()).toEqual([
      'accounting.jsonl',
      'journals',
      'ssh_host_ed25519_key',
      'ssh_host_rsa_key',
    ]);
    expect(await readdir(join(state, 'journals'))).toEqual([]);
    const records = (await readFile(join(state, 'accounting.jsonl'), 'utf8')).split('\n').slice(0, -1);
    expect(records.map((line) => JSON.parse(line) as object)).toMatchObject([
      { record: 'start', kind: 'session', user: 'bob' },
      { record: 'start', kind: 'transfer', path: '/f' },
      { record: 'stop', kind: 'transfer', status: 'complete', bytes: 2 },
      { record: 'stop', kind: 'session' },
    ]);
    expect((await stat(state)).mode & 0o777).toBe(0o700);
  }, 60_000);
});

describe('with options', () => {
  it('opens its records anew when it is told to, as logrotate expects, and says where that fails', async () => {
    await writeFile(join(home, 'pw'), 'open sesame', { mode: 0o600 });
    const state = join(home, 'state');
    const [log, old] = [join(state, 'accounting.jsonl'), join(state, 'accounting.jsonl.1')];
    const args = ['--state', state, '--user', 'u', '--password-file', join(home, 'pw'), '--listen', '127.0.0.1:0'];
    await serve(args, async ([port = 0]) => {
      await rename(log, old);
      stop.hangup();
      const before = await readFile(old, 'utf8');
      (await connectTo(port, { username: 'u', password: 'open sesame' })).end();
      expect(await readFile(log, 'utf8')).toMatch(/^\{"record":"start","kind":"session"/);
      expect(await readFile(old, 'utf8')).toBe(before);
      await vi.waitFor(async () => expect(await readFile(log, 'utf8')).toContain('"record":"stop"'));
      await rm(log);
      await mkdir(log);
      stop.hangup();
      expect(err).toMatch(/accounting\.jsonl: Is a directory/);
      (await connectTo(port, { username: 'u', password: 'open sesame' })).end();
    });
  }, 60_000);

  it('serves that folder to that key on each address, and reports with -v', async () => {
    const key = makeKeyPair();
    await writeFile(join(home, 'keys'), `${key.public}\ncommand="x" ${makeKeyPair().public}\n`);
    const args = [
      '--data',
      join(home, 'data'),
      '--state',
      join(home, 'state'),
      '--authorized-keys',
      join(home, 'keys'),
      '-v',
    ];
    const status = await serve(
      [...args, '--user', 'drop', '--listen', '127.0.0.1:0', '--listen', '[::1]:0'],
      async (ports) => {
        expect(ports).toHaveLength(2);
        const client = await connectTo(ports[0] ?? 0, { username: 'drop', privateKey: key.private });
        expect(await run(client, 'scp -t f', 'C0644 2 f\nhi\0')).toMatchObject({ code: 0 });
        client.end();
      },
    );
    expect(status).toBe(0);
    expect(await readdir(join(home, 'data'))).toEqual(['f']);
    expect(err).not.toContain('password');
    for (const text of [
      'line 2: option command',
      'logged in by publickey',
      'received f (2 bytes)',
      'transfer complete',
    ])
      expect(err).toContain(text);
  }, 60_000);

  it.each<[string, (password: string) => Promise<string>]>([
    ['the password itself', async (password) => `${password}\n`],
    [
      'its hash',
      async (password) => {
        const { formatPasswordHash, hashPassword } = await import('../../src/aaa/password-hash.ts');
        return formatPasswordHash(await hashPassword(password));
      },
    ],
  ])(
    'takes a password file with %s',
    async (_, make) => {
      await writeFile(join(home, 'pw'), await make('open sesame'), { mode: 0o600 });
      const status = await serve(
        ['--password-file', join(home, 'pw'), '--user', 'u', '--listen', '127.0.0.1:0'],
        async ([port = 0]) => {
          (await connectTo(port, { username: 'u', password: 'open sesame' })).end();
          await expect(connectTo(port, { username: 'u', password: 'wrong' })).rejects.toThrow(
            'authentication methods failed',
          );
        },
      );
      expect(status).toBe(0);
      expect(out + err).not.toContain('open sesame');
    },
    60_000,
  );
});

describe('what cannot work is said, with the cure', () => {
  it.each([
    [['--bogus']],
    [['positional']],
    [['--listen', 'nowhere']],
    [['--listen', '127.0.0.1:99999']],
    [['--listen', '::1:22']],
    [['--user']],
  ])('%j is a wrong command line', async (args) => {
    expect(await serveCommand(args)).toBe(2);
    expect(err).toMatch(/^sealift: .*\nsee sealift serve --help\n$/s);
    expect(out).toBe('');
  });

  it('help is not an error', async () => {
    expect(await serveCommand(['--help'])).toBe(0);
    expect(out).toContain('usage: sealift serve');
    for (const line of out.split('\n')) expect(line.length).toBeLessThan(120);
    expect(err).toBe('');
  });

  it('a port in use, unreadable files and folders', async () => {
    await loadHostKeys(join(home, 'state'));
    const state = ['--state', join(home, 'state')];
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const open = join(home, 'open');
    await writeFile(open, 'secret\n', { mode: 0o644 });
    await writeFile(join(home, 'empty'), '\n', { mode: 0o600 });
    await mkdir(join(home, 'state', 'deeper'));
    await mkdir(join(home, 'data'));
    await writeFile(join(home, 'data', 'pw'), 'secret\n', { mode: 0o600 });
    const cases: [string[], RegExp][] = [
      [['--listen', `127.0.0.1:${port}`], /127\.0\.0\.1:\d+: address already in use\nsealift: choose another port/],
      [['--authorized-keys', join(home, 'none')], /none: No such file or directory/],
      [['--authorized-keys', home], /not a regular file/],
      [['--password-file', open], /others can read this password file\nsealift: chmod 600/],
      [['--password-file', join(home, 'empty')], /the first line is empty\nsealift: put the password there/],
      [['--data', join(open, 'x')], /Not a directory/],
      [['--data', home], /host keys are inside the data folder/],
      [
        ['--data', join(home, 'data'), '--password-file', join(home, 'data', 'pw')],
        /the password file is inside the data folder, where every user could fetch or change it\nsealift: keep it elsewhere/,
      ],
    ];
    for (const [args, message] of cases) {
      err = '';
      expect([args, await serveCommand([...state, '--listen', '127.0.0.1:0', ...args])]).toEqual([args, 1]);
      expect(err).toMatch(message);
      expect(err).toMatch(/^sealift: /);
      expect(err).not.toMatch(/secret|^ {4}at /m);
    }
    expect(out).toBe('');
    other.close();
  }, 60_000);
});
