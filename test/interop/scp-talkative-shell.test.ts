import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describePeer } from '../support/peers.ts';
import { runSealift } from '../support/sealift.ts';
import { startSshd } from '../support/sshd.ts';
import { createTempDirectory, tempDirectory } from '../support/temp.ts';

/** Accounts whose shell talks before it runs the command, as with an echo in .bashrc. */
const shells = [
  ['a greeting', 'echo Welcome to the machine', '"Welcome to the machine"'],
  ['an empty line', 'echo', 'an empty line'],
  ['text without a line end', 'printf "Hello "', '"Hello"'],
  ['escape sequences', 'printf "\\033[2J\\033]0;gotcha\\007hi\\n"', '"\\033[2J\\033]0;gotcha\\007hi"'],
  ['text and then silence', 'printf "Press any key: "; cat >/dev/null', '"Press any key:"'],
] as const;

describePeer(['sshd', 'ssh', 'ssh-keygen', 'scp'], 'a talkative login shell', () => {
  // At the same time: most of it is waiting.
  describe.each(shells)('that prints %s', { concurrent: true }, (_, says, shown) => {
    it.each(['ssh', 'builtin'])('is named as the cause, by the transport %s', async (transport) => {
      const command = `${says}; eval "$SSH_ORIGINAL_COMMAND"`.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
      const temp = await createTempDirectory('talkative');
      const sshd = await startSshd({ identityOptions: `command="${command}"` });
      try {
        const { configFile } = await sshd.client();
        const dir = temp.path;
        await writeFile(join(dir, 'f'), 'x');
        const scp = (args: readonly string[]) =>
          runSealift(['scp', `--transport=${transport}`, '-F', configFile, ...args], { timeoutMs: 15_000 });
        for (const args of [
          ['-O', join(dir, 'f'), `server:${dir}/g`],
          ['-O', `server:${dir}/f`, join(dir, 'g')],
          [`server:${dir}/f`, join(dir, 'g')],
        ]) {
          const { status, stderr } = await scp(args);
          // Without a line end, what is shown may go on into what followed.
          const start = shown === '"Hello"' ? '"Hello' : shown;
          expect(stderr).toContain(`the remote shell printed ${start}`);
          const protocol = args[0] === '-O' ? 'copy' : 'SFTP';
          expect(stderr).toContain(`where the ${protocol} protocol should begin`);
          expect(stderr).toContain('login shell of the remote account');
          expect(stderr.includes('\x1b')).toBe(false);
          expect(status).toBe(args[0] === '-O' ? 1 : 255);
        }
        expect(await readdir(dir)).toEqual(['f']);
      } finally {
        await sshd.stop();
        await temp.remove();
      }
    });
  });

  it.each(['ssh', 'builtin'])(
    'does not disturb by what it prints to standard error, by the transport %s',
    async (transport) => {
      const sshd = await startSshd({
        identityOptions: 'command="printf \'note\\033[1m\\n\' >&2; eval \\"$SSH_ORIGINAL_COMMAND\\""',
      });
      try {
        const { configFile } = await sshd.client();
        const dir = await tempDirectory();
        await writeFile(join(dir, 'f'), 'x');
        // OpenSSH's server throws away the standard error of a subsystem.
        const result = await runSealift([
          'scp',
          '-O',
          `--transport=${transport}`,
          '-F',
          configFile,
          `server:${dir}/f`,
          join(dir, 'g'),
        ]);
        expect(result).toEqual({ status: 0, stdout: '', stderr: 'note\\033[1m\n' });
      } finally {
        await sshd.stop();
      }
    },
  );

  it.each(['ssh', 'builtin'])('and no scp program at all are told apart, by the transport %s', async (transport) => {
    const sshd = await startSshd({ identityOptions: 'command="PATH=/nonexistent; eval \\"$SSH_ORIGINAL_COMMAND\\""' });
    try {
      const { configFile } = await sshd.client();
      const dir = await tempDirectory();
      await writeFile(join(dir, 'f'), 'x');
      for (const args of [
        [join(dir, 'f'), 'server:g'],
        ['server:f', join(dir, 'g')],
      ]) {
        const { status, stderr } = await runSealift(['scp', `--transport=${transport}`, '-F', configFile, ...args]);
        expect(stderr).toContain('server: the remote side has no scp program (exit status 127)');
        expect(status).toBe(1);
      }
    } finally {
      await sshd.stop();
    }
  });
});
