import { expect, it } from 'vitest';
import { connect } from '../../../src/ssh/connect.ts';
import { scriptedServer } from '../scripted-server.ts';

it('sends small writes of one turn together, large ones as they are, and all in order', async () => {
  const packets: Buffer[] = [];
  const server = await scriptedServer({
    serve: (connection) =>
      connection.on('session', (accept) =>
        accept().on('exec', (yes) => {
          const channel = yes();
          channel.on('data', (packet: Buffer) => packets.push(packet));
          channel.on('end', () => {
            channel.exit(0);
            channel.end();
          });
        }),
      ),
  });
  await using connection = await connect(
    { host: '127.0.0.1', port: server.port },
    {
      transport: 'builtin',
      environment: { home: '/nonexistent', user: 'tester', path: '' },
      args: ['-F', 'none'],
      hostKeys: [server.hostKey],
    },
  );
  const channel = await connection.exec('take');
  const small = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(97 + (i % 26)));
  const large = 'L'.repeat(100_000);
  for (const text of [...small, large, ...small]) channel.output.write(text);
  channel.output.end();
  channel.input.resume();
  expect(await channel.exit).toMatchObject({ code: 0 });
  expect(Buffer.concat(packets).toString()).toBe([...small, large, ...small].join(''));

  const before = packets.length;
  const again = await connection.exec('take');
  for (const text of small) again.output.write(text);
  again.output.end();
  again.input.resume();
  await again.exit;
  expect(Buffer.concat(packets.slice(before)).toString()).toBe(small.join(''));
  expect(packets.length - before).toBeLessThan(10);
});
