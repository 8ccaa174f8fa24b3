import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describePeer, needsPeer } from '../support/peers.ts';
import { runProgram, sealiftLauncher } from '../support/sealift.ts';
import { tempDirectory } from '../support/temp.ts';

/**
 * OpenSSH's own tests of scp, from Debian's openssh-tests, with `scp` replaced by a link to our launcher. They are run for the SCP protocol (`-O`); the SFTP cases
 * wait for that protocol. The scripts are taken from the package at test time.
 */
describePeer(['openssh-regress', 'sshd', 'ssh', 'ssh-keygen'], "OpenSSH's own tests of scp", () => {
  it.each(['scp', 'scp-uri'])('%s passes in SCP mode', { timeout: 180_000 }, async (name) => {
    const dir = await tempDirectory('regress');
    const tests = join(dir, 'tests');
    await cp(needsPeer('openssh-regress'), tests, { recursive: true });
    const script = join(tests, `${name}.sh`);
    const text = await readFile(script, 'utf8');
    expect(text).toContain('for mode in scp sftp ; do');
    await writeFile(script, text.replace('for mode in scp sftp ; do', 'for mode in scp ; do'));
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
    expect(result.stdout).toContain(`ok ${name}`);
    expect(result.status).toBe(0);
  });
});
