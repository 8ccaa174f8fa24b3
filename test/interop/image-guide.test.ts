import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { describePeer } from '../support/peers.ts';
import { type Outcome, runProgram, sealiftLauncher } from '../support/sealift.ts';
import { snippetsOfGuide } from '../support/snippets.ts';
import { tempDirectory } from '../support/temp.ts';

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const guide = fileURLToPath(new URL('../../docs/guide/signed-updates.md', import.meta.url));

/** Runs a shell in an empty folder, with `sealift` on its path. */
async function shell(folder: string, args: readonly string[]): Promise<Outcome> {
  const programs = join(folder, 'bin');
  await mkdir(programs);
  await symlink(sealiftLauncher, join(programs, 'sealift'));
  const env = { ...process.env, PATH: `${programs}:${join(process.execPath, '..')}:${process.env['PATH']}` };
  return await runProgram('bash', args, { cwd: folder, env });
}

describePeer(['openssl'], 'the guide of signed updates', () => {
  it('works as it is written, from an empty folder', async () => {
    const folder = await tempDirectory('guide');
    const blocks = snippetsOfGuide(guide, 'sh').map(({ code }) => code);
    expect(blocks.length).toBeGreaterThan(6);
    await writeFile(join(folder, 'script'), `set -euo pipefail\n${blocks.join('\n')}`);
    const outcome = await shell(folder, ['script']);
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
    expect(outcome.stderr).toMatch(/^(CMS|CAdES) Verification successful$/m);
    expect(await readFile(join(folder, 'verified'), 'utf8')).toBe('console.log("NX3900 1.0.0")\n');
    expect(await readFile(join(folder, 'copy.SPA'))).toEqual(await readFile(join(folder, 'app.SPA')));
  });
});

describe('the examples of key replacement', () => {
  const scripts = ['replace-production-key.sh', 'replace-special-key.sh'];

  it('are all there are', async () => {
    expect((await readdir(examples)).filter((name) => name.endsWith('.sh'))).toEqual(scripts);
  });

  it.each(scripts)('%s runs to its end', async (script) => {
    const folder = await tempDirectory('example');
    const outcome = await shell(folder, [join(examples, script), 'there']);
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
    const type = script.includes('production') ? 'production' : 'special';
    expect(outcome.stdout).toMatch(new RegExp(`^${type} +A +revoked +root, primary, backup `, 'm'));
    expect(outcome.stdout).toMatch(new RegExp(`^${type} +B +valid +primary, backup `, 'm'));
    expect(outcome.stdout.match(/^ {2}refused: sealift: error code \w+$/gm)?.length).toBeGreaterThanOrEqual(3);
  });
});
