import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSshArguments } from '../../../src/ssh/config/arguments.ts';
import { mayMention } from '../../../src/ssh/config/mention.ts';
import { fastCipherWords } from '../../../src/ssh/program/fast-ciphers.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sealift-words-'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

async function put(name: string, text: string): Promise<string> {
  const path = join(home, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

const words = async (...args: string[]): Promise<readonly string[]> =>
  await fastCipherWords(parseSshArguments(args), { home, user: 'me', systemConfigFile: join(home, 'system') });

const preferred = ['-oCiphers=^aes128-gcm@openssh.com,aes256-gcm@openssh.com'];
const hasAes = (await fastCipherWords(parseSshArguments(['-F', 'none']), { home: '/', user: '' })).length > 0;

describe.skipIf(!hasAes)('the ciphers that the ssh program is asked for', () => {
  it('prefers AES-GCM where nobody has said anything', async () => {
    expect(await words()).toEqual(preferred);
    await put('.ssh/config', 'Host *\n  # Ciphers aes256-ctr\n  User me\n');
    expect(await words()).toEqual(preferred);
    expect(await words('-F', 'none', '-oCompression=yes')).toEqual(preferred);
  });

  it('leaves the choice to whoever has set Ciphers by an option', async () => {
    expect(await words('-c', 'aes256-ctr')).toEqual([]);
    expect(await words('-oCiphers=aes256-ctr')).toEqual([]);
    expect(await words('-o', 'ciphers +3des-cbc')).toEqual([]);
  });

  it('leaves the choice to whoever has set Ciphers in a file, be it for another host', async () => {
    await put('.ssh/config', 'Host other\n\tciphers=aes256-ctr\n');
    expect(await words()).toEqual([]);
    expect(await words('-F', await put('named', 'User me\n'))).toEqual(preferred);
    expect(await words('-F', await put('named', 'Match exec "true"\n"Ciphers" aes256-ctr\n'))).toEqual([]);
  });

  it('leaves the choice to the policy of the system', async () => {
    await put('system', `Include ${home}/system.d/*.conf\n`);
    expect(await words()).toEqual(preferred);
    await put('system.d/policy.conf', 'Ciphers aes256-gcm@openssh.com\n');
    expect(await words()).toEqual([]);
    expect(await words('-F', 'none')).toEqual([]);
  });
});

describe('mayMention', () => {
  const mentions = async (text: string): Promise<boolean> =>
    await mayMention('ciphers', { files: [await put('.ssh/config', text)], home });

  it('follows includes: relative ones, those in the home, several in a line, and those of their own', async () => {
    await put('.ssh/with', 'Ciphers x\n');
    await put('.ssh/without', 'User x\n');
    await put('.ssh/nested', 'Include=with\n');
    expect(await mentions('Include without missing\n')).toBe(false);
    expect(await mentions('Include without with\n')).toBe(true);
    expect(await mentions('include "~/.ssh/with"\n')).toBe(true);
    expect(await mentions('  Include w*h\n')).toBe(true);
    expect(await mentions('Include nested\n')).toBe(true);
  });

  it('takes what it cannot follow for a mention', async () => {
    for (const name of ['%d/x', '${HOME}/x', '~other/x', '*/x', 'x[ab]']) {
      expect(await mentions(`Include ${name}\n`)).toBe(true);
    }
  });

  it('ends where files include themselves', async () => {
    expect(await mentions('Include config\n')).toBe(false);
  });

  it('does not look through files without end', async () => {
    for (let index = 0; index < 70; index++) await put(`.ssh/many/${index}`, 'User x\n');
    expect(await mentions('Include many/*\n')).toBe(true);
  });

  it('reads no file that is only named beside the word', async () => {
    await put('.ssh/include', 'Ciphers x\n');
    expect(await mentions('IdentityFile ~/.ssh/include\n')).toBe(false);
  });
});
