import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ConfiguredServer } from '../support/configured-server.ts';
import { makeKeyPair } from '../support/key-pair.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { type Outcome, runProgram } from '../support/sealift.ts';

/** The example as it stands, but for its ports and for bob's key, of which nobody has the other half. */
async function example(bobKey: string): Promise<string> {
  const text = await readFile(new URL('../../examples/sealift.yaml', import.meta.url), 'utf8');
  const changes: readonly (readonly [RegExp, string])[] = [
    [/127\.0\.0\.1:2222/, '127.0.0.1:0'],
    [/\[::1\]:2222/, '[::1]:0'],
    [/listen: 127\.0\.0\.1:9222/, 'listen: 127.0.0.1:0'],
    [/ssh-ed25519 AAAA\S+ bob@example\.net/, bobKey],
  ];
  return changes.reduce((all, [from, to]) => {
    expect(all).toMatch(from);
    return all.replace(from, to);
  }, text);
}

describePeer(['scp', 'ssh'], 'the example configuration', () => {
  it('serves two users with the rights that its comments promise', async () => {
    const server = await ConfiguredServer.create();
    const key = makeKeyPair();
    await writeFile(join(server.folder, 'bob'), key.private, { mode: 0o600 });
    await writeFile(join(server.folder, 'askpass'), '#!/bin/sh\necho example-password-1\n', { mode: 0o755 });
    await writeFile(server.config, await example(key.public));
    expect(await server.ask('--check')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('incoming') as string,
    });
    await mkdir(join(server.folder, 'incoming'));
    expect(await server.ask('--check')).toMatchObject({ status: 0, stderr: '' });
    await server.start();
    const host = (user: string, path: string): string => `scp://${user}@127.0.0.1:${server.port}/${path}`;
    const files = ['-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${join(server.folder, 'known')}`];
    const quiet = ['-F', 'none', '-q', '-o', 'LogLevel=ERROR', ...files];
    const env = { ...process.env, SSH_ASKPASS: join(server.folder, 'askpass'), SSH_ASKPASS_REQUIRE: 'force' };
    const copy = (user: 'alice' | 'bob', from: string, to: string): Promise<Outcome> => {
      const login = user === 'alice' ? ['-o', 'PubkeyAuthentication=no'] : ['-i', join(server.folder, 'bob')];
      const args = [...quiet, '-o', 'IdentitiesOnly=yes', ...login, from, to];
      return runProgram(needsPeer('scp'), args, { cwd: server.folder, env });
    };
    const good: Outcome = { status: 0, stdout: '', stderr: '' };
    await writeFile(join(server.folder, 'f'), 'from here');
    // alice may do everything
    expect(await copy('alice', 'f', host('alice', 'a'))).toEqual(good);
    expect(await copy('alice', 'f', host('alice', 'a'))).toEqual(good);
    expect(await copy('alice', host('alice', 'a'), 'back')).toEqual(good);
    expect(await readFile(join(server.folder, 'back'), 'utf8')).toBe('from here');
    await mkdir(join(server.folder, 'incoming', 'from-bob'));
    // bob puts new files into his folder, and neither replaces, fetches nor puts anything elsewhere
    expect(await copy('bob', 'f', host('bob', 'from-bob/b'))).toEqual(good);
    expect((await copy('bob', 'f', host('bob', 'from-bob/b'))).status).toBe(1);
    expect((await copy('bob', 'f', host('bob', 'b'))).status).toBe(1);
    expect((await copy('bob', host('bob', 'a'), 'stolen')).status).toBe(1);
    expect((await copy('bob', host('bob', 'from-bob/b'), 'stolen')).status).toBe(1);
    expect((await readdir(join(server.folder, 'incoming'))).sort()).toEqual(['a', 'from-bob']);
    expect(await readdir(server.folder)).not.toContain('stolen');
  });
});
