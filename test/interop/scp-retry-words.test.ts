import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { itPeer, needsPeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

/** Copies through a stand-in for ssh whose first run says this and ends as ssh does when it fails. */
async function copyAfter(words: string) {
  const dir = await tempDirectory();
  const program = join(dir, 'ssh');
  await writeFile(join(dir, 'words'), words);
  const text = [
    '#!/bin/sh',
    `echo run >> '${dir}/runs'`,
    `if [ "$(grep -c run < '${dir}/runs')" = 1 ]; then cat '${dir}/words' >&2; exit 255; fi`,
    `exec '${needsPeer('sftp-server')}'`,
  ];
  await writeFile(program, `${text.join('\n')}\n`);
  await chmod(program, 0o755);
  const args = ['scp', '--retry', '1', '--transport=ssh', '-S', program, join(dir, 'words'), `server:${dir}/copy`];
  const outcome = await runSealift(args);
  return { ...outcome, runs: (await readFile(join(dir, 'runs'), 'utf8')).split('\n').length - 1 };
}

itPeer('sftp-server', 'a login shell that may not read a file does not end the attempts', async () => {
  const { status, stderr, runs } = await copyAfter('bash: /var/log/login.log: Permission denied\n');
  expect({ status, runs }, stderr).toEqual({ status: 0, runs: 2 });
  expect(stderr).toContain('trying again in 1 s (1 of 1)\n');
});

itPeer('sftp-server', 'a refused login does, and the reason is told', async () => {
  const { status, stderr, runs } = await copyAfter('bob@server: Permission denied (publickey).\n');
  expect({ status, runs }, stderr).toEqual({ status: 255, runs: 1 });
  expect(stderr).toContain('not trying again: ssh says that the login or the host key was refused\n');
});
