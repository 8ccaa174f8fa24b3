import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { Accounting } from '../../src/aaa/accounting/accounting.ts';
import { exec, login, PASSWORD, run } from '../server/support.ts';
import { tempDirectory } from '../support/temp.ts';

const program = fileURLToPath(new URL('../support/accounted-server.mjs', import.meta.url));

/** A server in a process of its own, which can be killed. */
async function startServer(folder: string): Promise<{ port: number; kill: () => Promise<void> }> {
  const child = spawn(process.execPath, [program, folder, PASSWORD], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  onTestFinished(kill);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { port: Number(line), kill };
}

it('a server that is killed in the middle of transfers owes nothing after its next start', async () => {
  const folder = await tempDirectory();
  for (let round = 0; round < 5; round++) {
    const { port, kill } = await startServer(folder);
    const client = await login(port);
    await run(client, 'scp -t whole', 'C0644 3 whole\nabc\0');
    const channels = await Promise.all(['a', 'b'].map((name) => exec(client, `scp -t ${name}`)));
    for (const channel of channels) channel.write('C0644 1000000 x\nsome');
    // In each round at another moment of what is under way.
    for (let i = 0; i < round; i++) await run(client, `scp -t f${i}`, 'C0644 0 f\n\0');
    await kill();
  }
  using accounting = Accounting.open(
    { log: join(folder, 'log'), journals: join(folder, 'journals') },
    { pid: process.pid, hostname: 'here', warn: () => {} },
  );
  await accounting.recover();
  const lines = (await readFile(join(folder, 'log'), 'utf8')).trimEnd().split('\n');
  const pairs = new Map<string, string[]>();
  const statuses = new Set<string>();
  for (const line of lines) {
    const { id, record, status } = JSON.parse(line) as { id: string; record: string; status?: string };
    pairs.set(id, [...(pairs.get(id) ?? []), record]);
    if (status !== undefined) statuses.add(status);
  }
  for (const [id, pair] of pairs) expect([id, ...pair]).toEqual([id, 'start', 'stop']);
  expect(statuses).toEqual(new Set(['complete', 'interrupted']));
  expect(
    (await readdir(join(folder, 'journals'))).filter((name) => name.includes(`open-${process.pid}-`)),
  ).toHaveLength(1);
  expect(await readdir(join(folder, 'journals'))).toHaveLength(1);
}, 180_000);
