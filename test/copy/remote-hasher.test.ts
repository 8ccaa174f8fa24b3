import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RemoteHasher } from '../../src/copy/remote-hasher.ts';
import { settle } from '../sftp/scripted-peer.ts';
import { scriptedChannel, scriptedConnection } from '../support/scripted-connection.ts';
import { type Wire, wire } from '../support/streams.ts';
import { tempDirectory } from '../support/temp.ts';

const HASH = 'ab'.repeat(32);
const seen = { size: 3, mtimeSeconds: 7 };

function hasher(): { readonly ask: () => Promise<Uint8Array | undefined>; readonly shell: Wire['right'] } {
  const { left, right } = wire();
  const connection = scriptedConnection({ exec: async () => scriptedChannel(left) });
  const made = new RemoteHasher(connection, undefined);
  return { ask: () => made.digest('/dir/file', seen), shell: right };
}

describe('a command on the host that hashes', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is believed where it has seen the file that SFTP shows', async () => {
    const { ask, shell } = hasher();
    shell.output.write(`ready\nbusy\n${HASH}  - 3 7\n`);
    expect(await ask()).toEqual(Buffer.from(HASH, 'hex'));
  });

  it.each([
    ['another size', `${HASH}  - 4 7`],
    ['another time', `${HASH} *stdin 3 8`],
    ['no status', `${HASH}  -`],
    ['no hash', 'failed'],
  ])('is not believed with %s', async (_what, line) => {
    const { ask, shell } = hasher();
    shell.output.write(`ready\n${line}\n`);
    expect(await ask()).toBeUndefined();
  });

  it('is given up when it is silent for too long, and not asked again', async () => {
    const { ask, shell } = hasher();
    shell.output.write('ready\n');
    const first = ask();
    await settle();
    await vi.advanceTimersByTimeAsync(29_000);
    shell.output.write('busy\n');
    await settle();
    await vi.advanceTimersByTimeAsync(29_000);
    let answered = false;
    void first.then(() => {
      answered = true;
    });
    await settle();
    expect(answered).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await first).toBeUndefined();
    shell.output.write(`${HASH}  - 3 7\n`);
    expect(await ask()).toBeUndefined();
  });
});

describe.skipIf(process.platform === 'win32')('the command itself, in a shell of this machine', () => {
  it('hashes what has odd names, follows links, and tells what it saw', async () => {
    const dir = await tempDirectory();
    const name = join(dir, "a 'b' $(c)\n\\n%s");
    await writeFile(name, 'content');
    await symlink(name, join(dir, 'link'));
    await mkdir(join(dir, 'directory'));
    const connection = scriptedConnection({
      exec: async (command) => {
        const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'pipe', 'ignore'] });
        const channel = scriptedChannel({ input: child.stdout, output: child.stdin });
        void once(child, 'exit').then(() => channel.leave({ code: 0, signal: null }));
        return { ...channel, close: () => child.kill() };
      },
    });
    const made = new RemoteHasher(connection, undefined);
    const { size, mtimeMs } = await stat(name);
    const status = { size, mtimeSeconds: Math.floor(mtimeMs / 1000) };
    const wanted = createHash('sha256').update('content').digest();
    expect(await made.digest(name, status)).toEqual(wanted);
    expect(await made.digest(join(dir, 'link'), status)).toEqual(wanted);
    expect(await made.digest(name, { ...status, size: 8 })).toBeUndefined();
    expect(await made.digest(join(dir, 'directory'), status)).toBeUndefined();
    expect(await made.digest(join(dir, 'missing'), status)).toBeUndefined();
    expect(await made.digest(name, status)).toEqual(wanted);
    await made.close();
  });
});
