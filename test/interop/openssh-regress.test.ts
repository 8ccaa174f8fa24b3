import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runsEverything } from '../support/large.ts';
import { describePeer, needsPeer } from '../support/peers.ts';
import { type Outcome, runProgram, sealiftLauncher } from '../support/sealift.ts';
import { freePort } from '../support/sshd.ts';
import { createTempDirectory } from '../support/temp.ts';

/** How our scp is called in a test. */
type Transport = 'as it is' | 'builtin';

/**
 * OpenSSH's own tests of scp, from Debian's openssh-tests, with `scp` replaced by ours, in both protocol modes. The scripts are taken from the package at test time and run as they are.
 *
 * The built-in transport takes the place of `ssh` in `scp3` alone: `scp` and `scp-uri` name a script in place of ssh (`-S scp-ssh-wrapper.scp`), which the built-in transport would leave out, and hosts that
 * do not exist; `multiplex` is about the connections of the ssh program. In SFTP mode all but `multiplex` start sftp-server themselves (`-D`), and no transport is used.
 */
describePeer(['openssh-regress', 'sshd', 'sftp', 'ssh', 'ssh-keygen'], "OpenSSH's own tests of scp", () => {
  // At the same time: most of multiplex is waiting.
  describe.concurrent('in their own folders', () => {
    it.each([
      ['multiplex', 'as it is'],
      ['scp', 'as it is'],
      ['scp3', 'as it is'],
      ['scp3', 'builtin'],
      ['scp-uri', 'as it is'],
    ] as const)('%s passes, with the transport %s', { timeout: 240_000 }, async (name, transport) => {
      const temp = await createTempDirectory('regress');
      try {
        const result = await runRegress(temp.path, name, transport);
        expect(result.stdout, result.stderr).toContain(
          name === 'multiplex' ? 'ok connection multiplexing' : `ok ${name}`,
        );
        expect(result.status).toBe(0);
      } finally {
        await temp.remove();
      }
    });
  });
});

/** OpenSSH's own tests of sftp and sftp-server, with `sftp-server` replaced by ours. */
describePeer(['openssh-regress', 'sshd', 'sftp', 'ssh', 'ssh-keygen'], "OpenSSH's own tests of sftp-server", () => {
  const all: readonly (readonly [string, string])[] = [
    // A minute and a half of many small copies.
    ...(runsEverything ? ([['sftp', 'basic sftp put/get']] as const) : []),
    ['sftp-cmds', 'sftp commands'],
    ['sftp-perm', 'sftp permissions'],
    ['sftp-glob', 'sftp glob'],
    ['sftp-batch', 'sftp batchfile'],
    ['sftp-badcmds', 'sftp invalid commands'],
  ];
  it.each(all)('%s passes', { timeout: 240_000 }, async (name, title) => {
    const temp = await createTempDirectory('regress');
    try {
      const result = await runRegress(temp.path, name, 'as it is', await placeSftpServer(temp.path));
      expect(result.stdout, result.stderr).toContain(`ok ${title}`);
      expect(result.status).toBe(0);
    } finally {
      await temp.remove();
    }
  });
});

async function placeSftpServer(dir: string): Promise<string> {
  const path = join(dir, 'sftp-server');
  await writeFile(path, `#!/bin/sh\nexec '${sealiftLauncher}' sftp-server "$@"\n`, { mode: 0o755 });
  return path;
}

async function runRegress(
  dir: string,
  name: string,
  transport: Transport,
  sftpServer = '/usr/lib/openssh/sftp-server',
): Promise<Outcome> {
  const tests = join(dir, 'tests');
  await cp(needsPeer('openssh-regress'), tests, { recursive: true });
  const bin = join(dir, 'bin');
  await mkdir(bin);
  await placeScp(join(bin, 'scp'), transport);
  await shortenPauses(bin);
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
    TEST_SSH_SFTPSERVER: sftpServer,
    TEST_SSH_UNSAFE_PERMISSIONS: '1',
    TEST_SSH_SCP: join(bin, 'scp'),
    // multiplex takes this port, the two behind it, and 3301 whatever is said.
    TEST_SSH_PORT: String(await freePort()),
    MAKEFLAGS: '',
  };
  return await runProgram('make', ['-C', tests, ...make, 't-exec', `LTESTS=${name}`], { env, timeoutMs: 230_000 });
}

async function placeScp(path: string, transport: Transport): Promise<void> {
  if (transport === 'as it is') await symlink(sealiftLauncher, path);
  else await writeFile(path, `#!/bin/sh\nexec '${sealiftLauncher}' scp --transport=builtin "$@"\n`, { mode: 0o755 });
}

/**
 * The tests have sshd put the folder of scp in front of its PATH, so that this `sleep` serves what they run over a connection: a tenth of the 55 seconds for which multiplex waits there to see statuses after closed streams. The order of
 * what happens stays the same. The pauses on this side, where the script waits for ports, stay as they are.
 */
async function shortenPauses(bin: string): Promise<void> {
  await writeFile(join(bin, 'sleep'), '#!/bin/sh\nexec /bin/sleep "0.$1"\n', { mode: 0o755 });
}
