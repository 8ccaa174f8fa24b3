import { chmod, cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadHostKeys, toSsh2HostKeys } from '../../src/server/host-keys.ts';
import { createTempDirectory, tempDirectory } from '../support/temp.ts';

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** Making an RSA key takes a second: most tests start from keys that are there. */
let ready: string;

beforeAll(async () => {
  const directory = await createTempDirectory('keys');
  ready = join(directory.path, 'ready');
  await loadHostKeys(ready);
  return directory.remove;
}, 60_000);

async function readyFolder(): Promise<string> {
  const folder = join(await tempDirectory('keys'), 'state');
  await cp(ready, folder, { recursive: true });
  return folder;
}

describe('host keys', () => {
  it('are made once, for their owner only, and read again', async () => {
    const folder = join(await tempDirectory('keys'), 'new', 'state');
    const first = await loadHostKeys(folder);
    expect(first.keys.map((key) => key.type)).toEqual(['ssh-ed25519', 'ssh-rsa']);
    expect(first.made).toHaveLength(2);
    expect(await mode(folder)).toBe(0o700);
    expect((await readdir(folder)).sort()).toEqual(['ssh_host_ed25519_key', 'ssh_host_rsa_key']);
    for (const path of first.made) {
      expect(await mode(path)).toBe(0o600);
      expect(await readFile(path, 'utf8')).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----/);
    }
    const second = await loadHostKeys(folder);
    expect(second.made).toEqual([]);
    expect(second.keys.map((key) => key.fingerprint)).toEqual(first.keys.map((key) => key.fingerprint));
  }, 60_000);

  it('made by two processes at a time are the same for both', async () => {
    const folder = await tempDirectory('keys');
    const both = await Promise.all([loadHostKeys(folder), loadHostKeys(folder), loadHostKeys(folder)]);
    const prints = both.map(({ keys }) => keys.map((key) => key.fingerprint).join());
    expect(new Set(prints).size).toBe(1);
    expect(await readdir(folder)).toHaveLength(2);
  }, 60_000);

  it('that others can read are refused, with the cure', async () => {
    const folder = await readyFolder();
    const path = join(folder, 'ssh_host_ed25519_key');
    await chmod(path, 0o640);
    await expect(loadHostKeys(folder)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('others can use this host key (mode 0640)'),
      cure: expect.stringContaining(`chmod 600 ${path}`),
    });
  }, 60_000);

  it.each<[string, string]>([
    ['empty', ''],
    ['noise', 'hello\n'],
    ['a public key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIOMtAiLRj1sA2Xz3Jd1Yp5Yk1C1mE3zJ2n1Qe1m8tqk'],
    [
      'a cut private key',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END OPENSSH PRIVATE KEY-----\n',
    ],
  ])('that are broken (%s) are named and never overwritten', async (_, text) => {
    const folder = await tempDirectory('keys');
    const path = join(folder, 'ssh_host_ed25519_key');
    await writeFile(path, text, { mode: 0o600 });
    await expect(loadHostKeys(folder)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining(path),
    });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('of another type are refused', async () => {
    const folder = await readyFolder();
    await writeFile(join(folder, 'ssh_host_ed25519_key'), await readFile(join(folder, 'ssh_host_rsa_key')), {
      mode: 0o600,
    });
    await expect(loadHostKeys(folder)).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  }, 60_000);

  it('that are no file, or a folder that is none, are named', async () => {
    const folder = await tempDirectory('keys');
    await mkdir(join(folder, 'ssh_host_ed25519_key'));
    await expect(loadHostKeys(folder)).rejects.toMatchObject({ code: 'ERR_NOT_REGULAR_FILE' });
    await writeFile(join(folder, 'file'), '');
    await expect(loadHostKeys(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it('of RSA sign with SHA-2 only', async () => {
    const { keys } = await loadHostKeys(await readyFolder());
    expect(toSsh2HostKeys(keys).map(({ key }) => key.type)).toEqual(['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256']);
  }, 60_000);
});
