import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SCP_OPTIONS } from '../../src/cli/completion/options.ts';
import { scriptFor } from '../../src/cli/completion/script.ts';
import { singleQuoted } from '../../src/cli/completion/shell-text.ts';
import { runProgram, runSealift } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBvUhHuIWeVXLIF4rEJGJkLwW4Jh0hUzMxlkTyMHHlQT';

/** A home with an ssh configuration that includes others, and hosts that are known. */
async function home(): Promise<string> {
  const directory = await tempDirectory('completion');
  await mkdir(join(directory, '.ssh', 'conf.d'), { recursive: true });
  const write = (name: string, lines: readonly string[]) =>
    writeFile(join(directory, '.ssh', name), lines.map((line) => `${line}\n`).join(''));
  await write('config', [
    'Include conf.d/*.conf',
    'Include "~/.ssh/in quotes"',
    '# Host commented',
    'Host web1 web2 !web3 *.example',
    '  HostName 10.0.0.1',
    'host=equals',
    'HOST "quoted"',
    'Host evil\u001b[31m rm;x $(x) -option',
    'UserKnownHostsFile ~/.ssh/more_hosts',
  ]);
  await write('conf.d/a.conf', ['Host included', 'Include deeper']);
  await write('deeper', ['Host deep', 'Include deeper']);
  await write('in quotes', ['Host spaced']);
  await write('known_hosts', [
    `known.example,192.0.2.7 ${KEY}`,
    `[ported.example]:2222 ${KEY}`,
    `2001:db8::1 ${KEY}`,
    `|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ${KEY}`,
    `*.wild,!not.wild ${KEY}`,
    `@revoked gone.example ${KEY}`,
    `@cert-authority signed.example ${KEY}`,
  ]);
  await write('more_hosts', [`more.example ${KEY}`]);
  return directory;
}

async function candidates(args: readonly string[], HOME: string): Promise<string[]> {
  const result = await runSealift(['completion', ...args], { env: { ...process.env, HOME } });
  expect(result).toMatchObject({ status: 0, stderr: '' });
  return result.stdout.split('\n').slice(0, -1);
}

describe('sealift completion', () => {
  it('knows the hosts of the ssh configuration, with Include, and of known_hosts', async () => {
    const found = await candidates(['hosts', ''], await home());
    const wanted = ['web1', 'web2', 'equals', 'quoted', 'included', 'deep', 'spaced', 'more.example', 'known.example'];
    const others = ['192.0.2.7', 'ported.example', '[2001:db8::1]', 'signed.example'];
    expect(found).toEqual(expect.arrayContaining([...wanted, ...others]));
    const wrong = found.filter((name) => /[*!|;$()\p{Cc}]|commented|^-|gone/u.test(name));
    expect(wrong).toEqual([]);
  });

  it('puts a colon behind a host where a path can follow, and keeps the user', async () => {
    const directory = await home();
    expect(await candidates(['operands', 'alice@web'], directory)).toEqual(['alice@web1:', 'alice@web2:']);
    expect(await candidates(['operands', 'alice@[2001'], directory)).toEqual(['alice@[2001:db8::1]:']);
    expect(await candidates(['operands', './web'], directory)).toEqual([]);
    expect(await candidates(['operands', 'scp://we'], directory)).toEqual([]);
  });

  it('reads the configuration that -F names, and no other', async () => {
    const directory = await home();
    const own = join(directory, 'own');
    await writeFile(own, 'Host webX\n');
    expect(await candidates(['operands', 'web', '-r', '-F', own], directory)).toEqual(['webX:']);
    expect(await candidates(['operands', 'web', '--nonsense'], directory)).toEqual([]);
  });

  it('says nothing where a host cannot be reached, and nothing where a program was named', async () => {
    const directory = await home();
    const unreachable = ['-o', 'HostName=127.0.0.1', '-o', 'Port=1'];
    expect(await candidates(['operands', 'web1:/', ...unreachable], directory)).toEqual([]);
    expect(await candidates(['operands', 'web1:/', '-S', '/bin/false'], directory)).toEqual([]);
  });

  it('answers what it does not know with status 2', async () => {
    for (const args of [[], ['tcsh'], ['bash', '--zsh'], ['bash', '--scp', 'x']]) {
      const result = await runSealift(['completion', ...args]);
      expect(result).toMatchObject({ status: 2, stdout: '' });
    }
    expect(await runSealift(['completion', '--help'])).toMatchObject({ status: 0, stderr: '' });
  });

  it.each(['bash', 'zsh', 'fish'] as const)('completes scp only where that was asked for (%s)', (shell) => {
    const complete = /^(complete .*-c scp|complete .* scp$|#compdef .*\bscp)/m;
    expect(scriptFor(shell, { program: 'sealift', withScp: false })).not.toMatch(complete);
    expect(scriptFor(shell, { program: 'sealift', withScp: true })).toMatch(complete);
  });

  it('quotes what stands in the scripts', async () => {
    expect(singleQuoted("it's")).toBe(String.raw`'it'\''s'`);
    const script = scriptFor('bash', { program: "/opt/it's $(here)/sealift", withScp: false });
    const shown = await runProgram('bash', ['-c', `${script}\nprintf %s "$_sealift_program"`]);
    expect(shown).toMatchObject({ status: 0, stdout: "/opt/it's $(here)/sealift", stderr: '' });
    // The texts stand between brackets, quotes and colons.
    expect(SCP_OPTIONS.filter(({ text }) => /['[\]:]/.test(text))).toEqual([]);
  });
});
