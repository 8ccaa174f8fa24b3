import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parsePrivateKey } from '../../src/ssh/identities/parse-private-key.ts';
import { describePeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

const run = promisify(execFile);
const types = ['ed25519', 'ecdsa', 'rsa'] as const;

async function generate(type: string, passphrase: string, ...options: string[]) {
  const file = join(await tempDirectory(), 'key');
  await run('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-f', file, ...options]);
  const publicBlob = (await readFile(`${file}.pub`, 'utf8')).split(' ')[1]!;
  return { file, publicBlob };
}

async function opens(file: string, publicBlob: string, passphrase: string | undefined) {
  const data = await readFile(file);
  if (passphrase !== undefined) {
    expect((await parsePrivateKey(data)).kind).toBe('encrypted');
    expect((await parsePrivateKey(data, 'wrong')).kind).toBe('wrong passphrase');
  }
  const result = await parsePrivateKey(data, passphrase);
  expect(result.kind === 'key' && result.key.publicBlob.toString('base64')).toBe(publicBlob);
}

describePeer(['ssh-keygen'], 'a key of ssh-keygen', () => {
  const formats = { OpenSSH: [], PEM: ['-m', 'PEM'], 'PKCS #8': ['-m', 'PKCS8'] };
  for (const type of types) {
    for (const [format, options] of Object.entries(formats)) {
      if (type === 'ed25519' && format !== 'OpenSSH') continue;
      it(`of type ${type} in the format ${format} opens, encrypted or not`, async () => {
        const clear = await generate(type, '', ...options);
        await opens(clear.file, clear.publicBlob, undefined);
        const encrypted = await generate(type, 'secret', ...options);
        await opens(encrypted.file, encrypted.publicBlob, 'secret');
      }, 60_000);
    }
  }
});

describePeer(['ssh-keygen', 'puttygen'], 'a key of puttygen', () => {
  for (const type of types) {
    for (const version of [2, 3]) {
      it(`of type ${type} in version ${version} opens, encrypted or not`, async () => {
        const { file, publicBlob } = await generate(type, '');
        const ppk = `${file}.ppk`;
        const options = [file, '-O', 'private', '--ppk-param', `version=${version}`, '-o', ppk];
        await run('puttygen', options);
        await opens(ppk, publicBlob, undefined);
        await writeFile(`${file}.pw`, 'secret');
        await run('puttygen', [...options, '--new-passphrase', `${file}.pw`]);
        await opens(ppk, publicBlob, 'secret');
      }, 60_000);
    }
  }

  it('is refused when it was changed', async () => {
    const { file } = await generate('ed25519', '');
    const ppk = `${file}.ppk`;
    await run('puttygen', [file, '-O', 'private', '-o', ppk]);
    const text = await readFile(ppk, 'utf8');
    expect(await parsePrivateKey(text.replace(/^Comment: .*$/m, 'Comment: another'))).toMatchObject({
      kind: 'unusable',
    });
  });
});
