import { execFile } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { programArguments } from '../../src/ssh/program/arguments.ts';
import { describePeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

describePeer(['scp'], 'the arguments for the ssh program', () => {
  it.each([
    [['-q', '-P', '77', '-i', 'k', '-C', '-4'], ['-q', '-i', 'k', '-C', '-4'], 77],
    [['-oFoo=bar', '-A', '-F', 'cfg'], ['-o', 'Foo=bar', '-A', '-F', 'cfg'], undefined],
  ])('are those of scp for %j', async (options, words, port) => {
    const directory = await tempDirectory();
    const recorder = join(directory, 'recorder');
    const recorded = join(directory, 'recorded');
    await writeFile(recorder, `#!/bin/sh\nfor word; do printf '%s\\n' "$word"; done >> ${recorded}\n`);
    await chmod(recorder, 0o755);
    await writeFile(join(directory, 'f'), '');
    await promisify(execFile)('scp', ['-S', recorder, ...options, join(directory, 'f'), 'u@h:x']).catch(() => {});
    // OpenSSH has -oControlMaster=no since version 10.
    const withoutMaster = (args: readonly string[]) => args.filter((arg) => arg !== '-oControlMaster=no');
    const own = programArguments({ host: 'h', user: 'u', ...(port && { port }) }, words, {
      kind: 'subsystem',
      name: 'sftp',
    });
    const theirs = (await readFile(recorded, 'utf8')).trimEnd().split('\n');
    expect(withoutMaster(own)).toEqual(withoutMaster(theirs));
  });
});
