import { stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attack, clientEnvironment } from '../support/hostile-run.ts';
import { Sandbox } from '../support/hostile-sandbox.ts';
import { canWatchMemory, MEMORY_LIMIT_MIB, Watch } from '../support/hostile-watch.ts';
import { runSealift } from '../support/sealift.ts';

const GiB = 1024 ** 3;

interface Bulk {
  readonly title: string;
  readonly bytes: number;
  /** What the program of `-S` does, as a shell script. */
  readonly program: string;
  readonly operands: readonly [string, string];
}

const receive =
  'head -c 1 >/dev/null; printf "C0644 %d f\\n" $SIZE; head -c $SIZE /dev/zero; printf "\\0"; head -c 2 >/dev/null';
const record = (bytes: number) => `C0640 ${bytes} big\n`.length;
const send = (bytes: number) => `printf '\\0\\0'; head -c ${record(bytes) + bytes + 1} >/dev/null; printf '\\0'`;

const bulks: readonly Bulk[] = [
  { title: 'download of 4 GiB to a device', bytes: 4 * GiB, program: receive, operands: ['h:f', '/dev/null'] },
  { title: 'download of 1 GiB to a file', bytes: GiB, program: receive, operands: ['h:f', 'out/'] },
  { title: 'upload of 2 GiB', bytes: 2 * GiB, program: send(2 * GiB), operands: ['big', 'h:there'] },
];

describe('through the ssh program, memory stays bounded in an', { timeout: 60_000 }, () => {
  it.skipIf(!canWatchMemory).each(bulks)('$title', async ({ bytes, program, operands }) => {
    await using sandbox = await Sandbox.create();
    const path = join(sandbox.root, 'program');
    await writeFile(path, `#!/bin/sh\nSIZE=${bytes}\n${program}\n`, { mode: 0o755 });
    await writeFile(join(sandbox.work, 'big'), '', { mode: 0o640 });
    await truncate(join(sandbox.work, 'big'), bytes);
    const watch = new Watch();
    const result = await runSealift(['scp', '-O', '--transport=ssh', '-S', path, ...operands], {
      cwd: sandbox.work,
      env: clientEnvironment(sandbox),
      onStart: watch.onStart,
    });
    watch.stop();
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(watch.peakMiB).toBeLessThan(MEMORY_LIMIT_MIB);
    if (operands[1] === 'out/') expect((await stat(join(sandbox.work, 'out/f'))).size).toBe(bytes);
  });
});

describe('through the built-in transport, memory stays bounded in a', { timeout: 60_000 }, () => {
  it.skipIf(!canWatchMemory)('download of 256 MiB to a device', async () => {
    const bytes = GiB / 4;
    const watch = new Watch();
    const result = await attack({
      form: 'server',
      operands: ['h:f', '/dev/null'],
      timeoutMs: 50_000,
      onStart: watch.onStart,
      script: async (peer) => {
        await peer.send(`C0644 ${bytes} f\n`);
        const block = Buffer.alloc(256 * 1024);
        for (let left = bytes; left > 0; left -= block.length) await peer.send(block);
        await peer.send('\0');
        await peer.read(3);
      },
    });
    watch.stop();
    expect(result).toMatchObject({ status: 0, stderr: '', changes: [] });
    expect(watch.peakMiB).toBeLessThan(MEMORY_LIMIT_MIB);
  });
});
