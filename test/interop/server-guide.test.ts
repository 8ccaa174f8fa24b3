import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeKeyPair } from '../support/key-pair.ts';
import { itPeer } from '../support/peers.ts';
import { runProgram, runSealift, sealiftLauncher } from '../support/sealift.ts';
import { makeStore, makeVendor } from '../support/signed-images.ts';
import { freePort } from '../support/sshd.ts';
import { tempDirectory } from '../support/temp.ts';

const guide = await readFile(new URL('../../docs/guide/serving.md', import.meta.url), 'utf8');

/** The code blocks of one kind in the section of this heading, or in the whole guide. */
function blocks(kind: string, heading?: string): string[] {
  const from = heading === undefined ? 0 : guide.indexOf(`\n## ${heading}`);
  expect(from).toBeGreaterThanOrEqual(0);
  const section = heading === undefined ? guide : (guide.slice(from + 4).split(/^## /m)[0] ?? '');
  return [...section.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1] ?? '');
}

/** The lines that are typed in, with the statuses that they are to end with by what the guide says behind them. */
function typed(block: string): { readonly line: string; readonly works: boolean }[] {
  return block
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ line: line.replace(/ +# .*/, ''), works: !line.includes('# Permission denied') }));
}

itPeer(
  ['scp', 'ssh', 'ssh-keygen'],
  'the drop zone of the guide works as it is written, from an empty folder',
  async () => {
    const folder = await tempDirectory('guide');
    const programs = join(folder, 'bin');
    await mkdir(programs);
    await symlink(sealiftLauncher, join(programs, 'sealift'));
    const [setUp = '', use = ''] = blocks('sh', 'A drop zone');
    const commands = typed(use);
    expect(commands.length).toBeGreaterThan(5);
    const options = `-o StrictHostKeyChecking=no -o UserKnownHostsFile=${join(folder, 'known')} -o LogLevel=ERROR`;
    const script = [
      'set -m',
      setUp.replace(/^(sealift serve -c .*) &$/m, '$1 > ready 2> log &'),
      'while kill -0 %1 && ! grep -q listening ready; do sleep 0.1; done',
      ...commands.map(({ line }) => `${line.replace(/^scp /, `scp ${options} `)}\necho "status $?" >> statuses`),
      'while ! grep -q reloaded log; do sleep 0.1; done',
      'kill %1; wait %1; echo "end $?" >> statuses',
    ];
    const port = await freePort();
    await writeFile(join(folder, 'script'), script.join('\n').replaceAll('2222', String(port)));
    const env = { ...process.env, PATH: `${programs}:${join(process.execPath, '..')}:${process.env['PATH']}` };
    const outcome = await runProgram('bash', ['script'], { cwd: folder, env });
    const statuses = await readFile(join(folder, 'drop', 'statuses'), 'utf8');
    const expected = commands.map(({ works }) => `status ${works ? 0 : 1}\n`).join('');
    expect(statuses, outcome.stderr).toBe(`${expected}end 0\n`);
    expect(outcome.stderr.match(/Permission denied/g)).toHaveLength(commands.filter(({ works }) => !works).length);
    expect(await readFile(join(folder, 'drop', 'copy.csv'), 'utf8')).toBe('day,count\n');
    expect(await readFile(join(folder, 'drop', 'files', 'from-bob', 'report.csv'), 'utf8')).toBe('day,count\n');
  },
);

it('each configuration of the guide is good', async () => {
  const folder = await tempDirectory('guide');
  const texts = blocks('yaml');
  expect(texts.length).toBeGreaterThan(3);
  await mkdir(join(folder, 'files'));
  await writeFile(join(folder, 'users'), '', { mode: 0o600 });
  await writeFile(join(folder, 'partner.pub'), `${makeKeyPair().public}\n`);
  await makeStore(join(folder, 'store'), await makeVendor());
  for (const [index, text] of texts.entries()) {
    const rest = [
      ['roots', 'roots: [{name: files, path: ./files}]\n'],
      ['users', 'users: [{name: a, authorized-keys-file: partner.pub}]\n'],
    ] as const;
    const whole = text.replace(/path: \/srv\/\w+/g, 'path: ./files').replace('/etc/sealift/store', './store');
    const more = rest.filter(([key]) => !new RegExp(`^${key}:`, 'm').test(text)).map(([, lines]) => lines);
    const file = join(folder, `${index}.yaml`);
    await writeFile(file, `state: ./state\n${more.join('')}${whole}`);
    expect(await runSealift(['serve', '--check', '-c', file]), text).toEqual({
      status: 0,
      stdout: `${file}: good\n`,
      stderr: '',
    });
  }
});
