import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OTHER_COMMANDS } from '../../../src/cli/completion/options.ts';
import * as usage from '../../../src/cli/image/usage.ts';
import { runSealift } from '../../support/sealift.ts';

const manual = readFileSync(new URL('../../../docs/man/sealift-image.1', import.meta.url), 'utf8');

const helps: Readonly<Record<string, string>> = {
  keygen: usage.keygenHelp,
  sign: usage.signHelp,
  verify: usage.verifyHelp,
  inspect: usage.inspectHelp,
  revocation: usage.revocationHelp,
  bundle: usage.bundleHelp,
  'export-attrs': usage.exportAttrsHelp,
  'attach-signature': usage.attachSignatureHelp,
  store: usage.storeHelp,
};

function optionsIn(help: string): string[] {
  return [...help.matchAll(/^ {2}(?:-\w, )?--([a-z0-9-]+)/gm)].map((match) => match[1] as string).sort();
}

function section(name: string): string {
  return manual.split(`\n.Ss ${name}\n`)[1]?.split(/\n\.S[sh] /)[0] ?? '';
}

describe.each(Object.entries(helps))('sealift image %s', (name, help) => {
  it('has each option of its help in the manual page', () => {
    const items = [...section(name).matchAll(/^\.It (?:Fl \w , )?Fl -([a-z0-9-]+)/gm)].map((match) => match[1]);
    // Options that the help explains in one line together.
    const listed = new Set([...items, ...(name === 'export-attrs' ? ['product'] : [])]);
    for (const option of optionsIn(help)) expect(listed, option).toContain(option);
  });

  it('shows its help, and nothing is loaded that would be needed to do it', async () => {
    expect(await runSealift(['image', name, '--help'])).toEqual({ status: 0, stdout: help, stderr: '' });
  });
});

describe('completion of sealift image', () => {
  const command = OTHER_COMMANDS.find((one) => one.name === 'image');

  it('has every command', () => {
    const commands = [...usage.imageHelp.matchAll(/^ {2}([a-z-]+) {2,}\w/gm)].map((match) => match[1] as string);
    expect(commands).toEqual(Object.keys(helps));
    expect(command?.words).toEqual(commands);
  });

  it('has every option and no other', () => {
    const all = new Set(Object.values(helps).flatMap(optionsIn));
    expect((command?.options ?? []).map(({ long = '' }) => long).sort()).toEqual([...all].sort());
  });
});

it('is in the help of sealift, and has its own', async () => {
  expect((await runSealift(['--help'])).stdout).toContain('\n  image        ');
  expect(await runSealift(['image', '--help'])).toEqual({ status: 0, stdout: usage.imageHelp, stderr: '' });
});
