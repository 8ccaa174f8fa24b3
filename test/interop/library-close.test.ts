import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { connect } from '../../src/index.ts';
import { itPeer, needsPeer } from '../support/peers.ts';
import { tempDirectory } from '../support/temp.ts';

/** A stand-in for ssh. */
async function program(dir: string, text: string): Promise<string> {
  const path = join(dir, 'ssh');
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

itPeer('sftp-server', 'a host that is closed ends its copies, however often they may be tried again', async () => {
  const dir = await tempDirectory();
  const host = await connect({
    host: 'server',
    transport: 'ssh',
    program: await program(dir, `exec '${needsPeer('sftp-server')}'`),
  });
  await writeFile(join(dir, 'big'), Buffer.alloc(4 * 1024 * 1024, 'x'));
  const copy = host.upload(join(dir, 'big'), join(dir, 'copy'), { retries: 4, rateBytesPerSecond: 512 * 1024 });
  let retried = false;
  for await (const event of copy) {
    retried ||= event.type === 'retry';
    if (event.type === 'bytes') break;
  }
  await host.close();
  await expect(copy).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  expect(retried).toBe(false);
  await expect(host.stat('/')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
});

itPeer('sftp-server', 'a listing ends when it is aborted, though the server is silent', async () => {
  const dir = await tempDirectory();
  const text = `echo $$ > '${dir}/pid'\nexec '${needsPeer('sftp-server')}'`;
  const host = await connect({ host: 'server', transport: 'ssh', program: await program(dir, text) });
  const pid = Number(await readFile(join(dir, 'pid'), 'utf8'));
  onTestFinished(async () => {
    process.kill(pid, 'SIGKILL');
    await host.close();
  });
  const abort = new AbortController();
  const entries = host.list(dir, { signal: abort.signal });
  expect((await entries.next()).done).toBe(false);
  const fresh = host.list(dir, { signal: abort.signal });
  process.kill(pid, 'SIGSTOP');
  const first = fresh.next();
  const reason = new Error('enough');
  setImmediate(() => abort.abort(reason));
  await expect(first).rejects.toBe(reason);
  await expect(entries.next()).rejects.toBe(reason);
});

itPeer(
  'sftp-server',
  'a program that starts and says nothing is given up after the time of the connection',
  async () => {
    const dir = await tempDirectory();
    const silent = await program(dir, 'exec sleep 600');
    const options = { host: 'server', transport: 'ssh', program: silent, connectTimeoutMs: 200 } as const;
    await expect(connect(options)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  },
);
