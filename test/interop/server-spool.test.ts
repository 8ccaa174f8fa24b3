import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { ConfiguredServer } from '../support/configured-server.ts';
import { describePeer } from '../support/peers.ts';
import { freePort, receiver } from '../support/syslog-receiver.ts';

/** A worker that has tried for a while tries again after at most 60 s. Milliseconds. */
const PATIENCE_MS = 75_000;

function isWorkerUp({ message }: { readonly message: string }): boolean {
  return message.includes('serves again');
}

/** What tells records apart. */
function pairsOf(lines: readonly string[]): string[] {
  return lines.map((line) => /"record":"(\w+)".*?"id":"([\w-]+)"/.exec(line)?.slice(1).join(' ') ?? line).sort();
}

describePeer(['scp'], 'sealift serve with a syslog server that is away', () => {
  it.each([1, 2])(
    'is killed with %i workers, and sends everything after its next start',
    async (workers) => {
      const server = await ConfiguredServer.create();
      const port = await freePort();
      await server.configure(`workers: ${workers}\naccounting: {syslog: ["tcp://127.0.0.1:${port}"]}\n`);
      await server.start();
      for (const name of ['a', 'b', 'c', 'd'])
        expect(await server.scp('alice', server.config, name)).toMatchObject({ status: 0 });
      process.kill(-server.child!.pid!, 'SIGKILL');
      await server.exit;
      await server.start();
      if (workers > 1) {
        // What a worker took over and has not sent is taken over from it. The log tells who served.
        for (const name of ['e', 'f']) await server.scp('alice', server.config, name);
        const worker = server.log.findLast((entry) => entry['worker'] === 1)?.['pid'] as number;
        process.kill(worker, 'SIGKILL');
        await vi.waitFor(() => expect(server.log.some(isWorkerUp)).toBe(true), { timeout: PATIENCE_MS });
      }
      const journals = join(server.folder, 'state', 'journals');
      const spools = async (): Promise<string[]> =>
        (await readdir(journals)).filter((name) => name.startsWith('spool-'));
      expect((await spools()).length).toBeGreaterThan(0);
      const syslog = await receiver(port);
      await once(syslog.server, 'connection');
      await vi.waitFor(async () => expect(await spools()).toEqual([]), { timeout: PATIENCE_MS });
      const log = (await readFile(join(server.folder, 'state', 'accounting.jsonl'), 'utf8')).trimEnd().split('\n');
      expect(log.length).toBeGreaterThanOrEqual(16);
      expect(pairsOf(syslog.messages)).toEqual(pairsOf(log));
      server.signal('SIGTERM');
      expect(await server.exit).toEqual([0, null]);
    },
    240_000,
  );
});
