import { access, chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { relativeToDefault } from '../../../src/ssh/config/program.ts';
import { resolveHost } from '../../../src/ssh/config/resolve.ts';
import { tempDirectory } from '../../support/temp.ts';

/** Resolves with the reader of this package: no ssh program is on the path. */
async function resolve(config: string, host = 'web', args: string[] = [], files: Record<string, string> = {}) {
  const home = await tempDirectory();
  await mkdir(join(home, '.ssh'));
  for (const [name, text] of Object.entries({ config, ...files }))
    await writeFile(join(home, '.ssh', name), text, { mode: 0o600 });
  const environment = { home, user: 'local', path: '', systemConfigFile: join(home, '.ssh', 'system') };
  return { home, config: await resolveHost({ host }, { environment, args }) };
}

it('gives the defaults of OpenSSH where nothing is said', async () => {
  const { home, config } = await resolve('');
  expect(config).toMatchObject({
    hostname: 'web',
    port: 22,
    user: 'local',
    strictHostKeyChecking: 'ask',
    identityFilesNamed: false,
    authentications: ['publickey', 'keyboard-interactive', 'password'],
    userKnownHostsFiles: [`${home}/.ssh/known_hosts`, `${home}/.ssh/known_hosts2`],
    proxyJump: undefined,
    proxyCommand: undefined,
    batchMode: false,
  });
  expect(config.identityFiles).toContain(`${home}/.ssh/id_ed25519`);
});

it('takes the first value, from words, then the user, then the system', async () => {
  const { config } = await resolve('Host web\n User file\n Port 2\nHost *\n Port 3\n', 'web', ['-oUser=word'], {
    system: 'Port 4\nHostName sys.%h\n',
  });
  expect(config).toMatchObject({ user: 'word', port: 2, hostname: 'sys.web' });
});

it.skipIf(process.platform === 'win32')(
  'reads no file of the user, and none that is included, which others may write',
  async () => {
    const home = await tempDirectory();
    await mkdir(join(home, '.ssh'));
    const [own, more, named] = ['config', 'more', 'named'].map((name) => join(home, '.ssh', name)) as [
      string,
      string,
      string,
    ];
    await writeFile(own, 'Include more\nPort 7\n', { mode: 0o600 });
    await writeFile(more, 'User included\n', { mode: 0o600 });
    await writeFile(named, 'Include more\nPort 8\n', { mode: 0o600 });
    const environment = { home, user: 'local', path: '', systemConfigFile: join(home, 'none') };
    const look = (args: string[] = []) => resolveHost({ host: 'web' }, { environment, args });
    expect(await look()).toMatchObject({ port: 7, user: 'included' });
    await chmod(own, 0o620);
    await expect(look()).rejects.toMatchObject({ code: 'ERR_CONFIG', path: own });
    // As with ssh, a file that is named with -F is read whoever may write it.
    await chmod(named, 0o666);
    expect(await look(['-F', named])).toMatchObject({ port: 8, user: 'included' });
    await chmod(more, 0o602);
    await expect(look(['-F', named])).rejects.toMatchObject({ code: 'ERR_CONFIG', path: more });
  },
);

it('matches Host with wildcards, lists and negation', async () => {
  const text = 'Host *.example.org !bad.example.org\n Port 7\nHost a b web\n User listed\n';
  expect((await resolve(text, 'ok.example.org')).config.port).toBe(7);
  expect((await resolve(text, 'bad.example.org')).config.port).toBe(22);
  expect((await resolve(text, 'web')).config.user).toBe('listed');
});

it('matches Match without ever running a program', async () => {
  const marker = join(await tempDirectory(), 'marker');
  const text = [
    `Match host web exec "touch ${marker}"`,
    ' Port 1',
    `Match !exec "touch ${marker}"`,
    ' Port 2',
    'Match originalhost web user local',
    ' Port 3',
    'Match all',
    ' Compression yes',
  ].join('\n');
  expect((await resolve(text)).config).toMatchObject({ port: 3, compression: true });
  await expect(access(marker)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('includes files by name and wildcard, and stops in a circle', async () => {
  const files = { 'a.conf': 'User included\n', 'b.conf': 'Port 9\n' };
  expect((await resolve('Include *.conf missing\n', 'web', [], files)).config).toMatchObject({
    user: 'included',
    port: 9,
  });
  await expect(resolve('Include config\n')).rejects.toMatchObject({ code: 'ERR_LIMIT' });
});

it('expands tokens and the home directory', async () => {
  const { home, config } = await resolve('IdentityFile ~/%r-%h\nUserKnownHostsFile %d/a "~/b c"\n');
  expect(config.identityFiles).toEqual([`${home}/local-web`]);
  expect(config.userKnownHostsFiles).toEqual([`${home}/a`, `${home}/b c`]);
  await expect(resolve('IdentityFile %Z\n')).rejects.toMatchObject({ code: 'ERR_CONFIG' });
});

it('lets the first of ProxyJump and ProxyCommand win', async () => {
  expect((await resolve('ProxyJump a\nProxyCommand nc %h %p\n')).config).toMatchObject({
    proxyJump: 'a',
    proxyCommand: undefined,
  });
  expect((await resolve('ProxyCommand nc "%h" %p\nProxyJump a\n')).config).toMatchObject({
    proxyJump: undefined,
    proxyCommand: 'nc "%h" %p',
  });
});

it('reads times, and refuses values that mean nothing', async () => {
  expect((await resolve('ConnectTimeout 1m30s\nServerAliveInterval 5\n')).config).toMatchObject({
    connectTimeoutMs: 90_000,
    serverAliveIntervalMs: 5000,
  });
  for (const line of [
    'Port 70000',
    'StrictHostKeyChecking perhaps',
    'Compression maybe',
    'ConnectTimeout soon',
    'AddressFamily 5',
  ]) {
    await expect(resolve(`${line}\n`)).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  }
});

it('refuses a HostName or User that could reach a shell', async () => {
  await expect(resolve('HostName $(id)\n')).rejects.toMatchObject({ code: 'EINVAL' });
  await expect(resolve('User "a;b"\n')).rejects.toMatchObject({ code: 'EINVAL' });
});

it('reads only the file that -F names, which must exist', async () => {
  const file = join(await tempDirectory(), 'named');
  await writeFile(file, 'Port 5\n');
  expect((await resolve('Port 6\n', 'web', ['-F', file])).config.port).toBe(5);
  expect((await resolve('Port 6\n', 'web', ['-F', 'none'])).config.port).toBe(22);
  await expect(resolve('', 'web', ['-F', `${file}-missing`])).rejects.toMatchObject({ code: 'ENOENT' });
});

it('knows what was added to the default list of the program', () => {
  expect(relativeToDefault('a,b,c', 'a,b')).toBe('+c');
  expect(relativeToDefault('c,a,b', 'a,b')).toBe('^c');
  expect(relativeToDefault('b,a', 'a,b')).toBe('^b');
  expect(relativeToDefault('b', 'a,b')).toBe('b');
  expect(relativeToDefault('x,y', 'a,b')).toBe('x,y');
});
