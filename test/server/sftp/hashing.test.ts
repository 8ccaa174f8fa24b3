import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { framed } from '../../sftp/scripted-peer.ts';
import { str, u8, u32, u64 } from '../../sftp/server/scripted-client.ts';
import { login, run, sftpChannel, startTestServer } from '../support.ts';

/** Far more than can be hashed in the time. */
const HUGE = 64 * 1024 ** 3;

it('who has many large files hashed does not hold up others', async () => {
  const { port, root, server } = await startTestServer();
  await writeFile(join(root, 'huge'), '');
  await truncate(join(root, 'huge'), HUGE);
  await writeFile(join(root, 'six'), 'hello\n');
  const greedy = await login(port);
  const [first, second] = [await sftpChannel(greedy), await sftpChannel(greedy)];
  for (const channel of [first, second]) {
    channel.resume();
    const fields = [str('check-file-name'), str('/huge'), str('sha256'), u64(0), u64(0), u32(0)];
    const requests = Array.from({ length: 60 }, (_, id) => framed(u8(200), u32(id), ...fields));
    channel.write(Buffer.concat([framed(u8(1), u32(3)), ...requests]));
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = performance.now();
  const { stdout } = await run(await login(port), 'scp -f /six', '\0\0\0\0');
  expect(stdout.toString()).toContain('hello');
  // It takes less than 0.2 s; without bounds 10 s and more.
  expect(performance.now() - before).toBeLessThan(6000);
  const closed = performance.now();
  await server.close();
  expect(performance.now() - closed).toBeLessThan(6000);
});
