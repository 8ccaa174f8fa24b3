import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { connect } from '../../src/index.ts';
import { itPeer, needsPeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

/** A stand-in for ssh that starts an SFTP server here and tells its number. */
async function serverProgram(dir: string): Promise<{ program: string; pid: () => Promise<number> }> {
  const program = join(dir, 'ssh');
  await writeFile(program, `#!/bin/sh\necho $$ > '${dir}/pid'\nexec '${needsPeer('sftp-server')}'\n`);
  await chmod(program, 0o755);
  return { program, pid: async () => Number(await readFile(join(dir, 'pid'), 'utf8')) };
}

itPeer(
  'sftp-server',
  'a server that answers nothing any more does not hold up who aborts, and the next copy works',
  async () => {
    const dir = await tempDirectory();
    const { program, pid } = await serverProgram(dir);
    const host = await connect({ host: 'server', transport: 'ssh', program });
    onTestFinished(() => host.close());
    const first = await pid();
    onTestFinished(() => {
      try {
        process.kill(first, 'SIGKILL');
      } catch {
        // It was ended with its channel.
      }
    });
    await writeFile(join(dir, 'big'), Buffer.alloc(32 * 1024 * 1024, 'x'));
    const abort = new AbortController();
    const copy = host.download(join(dir, 'big'), join(dir, 'copy'), {
      signal: abort.signal,
      rateBytesPerSecond: 16 * 1024 * 1024,
    });
    for await (const event of copy) {
      if (event.type !== 'bytes') continue;
      process.kill(first, 'SIGSTOP');
      break;
    }
    const stat = host.stat('/', { signal: abort.signal });
    const reason = new Error('it takes too long');
    abort.abort(reason);
    await expect(stat).rejects.toBe(reason);
    await expect(copy).rejects.toBe(reason);
    expect((await readdir(dir)).sort()).toEqual(['big', 'pid', 'ssh']);
    await host.download(join(dir, 'big'), join(dir, 'copy'));
    expect(await pid()).not.toBe(first);
  },
);
