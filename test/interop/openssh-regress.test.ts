import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describePeer, needsPeer } from '../support/peers.ts';
import { runProgram, sealiftLauncher } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

/**
 * OpenSSH's own tests of scp, from Debian's openssh-tests, with `scp` replaced by a link to our launcher, in both protocol modes. The scripts are taken from the package at
 * test time.
 */
describePeer(['openssh-regress', 'sshd', 'ssh', 'ssh-keygen'], "OpenSSH's own tests of scp", () => {
  it.each(['scp', 'scp3', 'scp-uri'])('%s passes', { timeout: 180_000 }, async (name) => {
    const dir = await tempDirectory('regress');
    const tests = join(dir, 'tests');
    await cp(needsPeer('openssh-regress'), tests, { recursive: true });
    await symlink(sealiftLauncher, join(dir, 'scp'));
    const make = [
      `.OBJDIR=${tests}`,
      `.CURDIR=${tests}`,
      `BUILDDIR=${tests}`,
      `OBJ=${tests}`,
      'TEST_SHELL=sh',
      'TEST_SSH_SSH=ssh',
    ];
    const env = {
      ...process.env,
      TEST_SSH_SFTPSERVER: '/usr/lib/openssh/sftp-server',
      TEST_SSH_UNSAFE_PERMISSIONS: '1',
      TEST_SSH_SCP: join(dir, 'scp'),
      MAKEFLAGS: '',
    };
    const result = await runProgram('make', ['-C', tests, ...make, 't-exec', `LTESTS=${name}`], {
      env,
      timeoutMs: 170_000,
    });
    expect(result.stdout, result.stderr).toContain(`ok ${name}`);
    expect(result.status).toBe(0);
  });
});
