import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectNet, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { borrowBytes } from '../../src/base/lent-bytes.ts';
import { connect } from '../../src/ssh/connect.ts';
import { readIntoOneBuffer } from '../../src/ssh/read-buffer.ts';
import { rawServer, scriptedServer } from './scripted-server.ts';
import { textOf } from './streams.ts';

/** A socket that reads into one buffer, and the other end of its connection. */
async function socketPair(): Promise<{ socket: Socket; peer: Socket }> {
  let accepted: (peer: Socket) => void = () => {};
  const peer = new Promise<Socket>((resolve) => {
    accepted = resolve;
  });
  const { port } = await rawServer((socket) => accepted(socket));
  const socket: Socket = connectNet({ port, host: '127.0.0.1', onread: readIntoOneBuffer(() => socket) });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return { socket, peer: await peer };
}

it('keeps what comes before anybody listens, and the end', async () => {
  const { socket, peer } = await socketPair();
  borrowBytes(socket, () => true);
  peer.write('early ');
  await once(socket, 'readable');
  peer.end('and late');
  expect(await textOf(socket)).toBe('early and late');
});

it('gives each reader that keeps bytes memory of their own', async () => {
  const { socket, peer } = await socketPair();
  borrowBytes(socket, () => false);
  const kept: Buffer[] = [];
  socket.on('data', (chunk) => kept.push(chunk));
  for (const text of ['one ', 'two ', 'three']) {
    peer.write(text);
    await once(socket, 'data');
  }
  expect(Buffer.concat(kept).toString()).toBe('one two three');
});

it('uses the same memory again for a reader that copies', async () => {
  const { socket, peer } = await socketPair();
  borrowBytes(socket, () => true);
  const kept: Buffer[] = [];
  const copies: string[] = [];
  socket.on('data', (chunk: Buffer) => {
    kept.push(chunk);
    copies.push(chunk.toString());
  });
  for (const text of ['one', 'two']) {
    peer.write(text);
    await once(socket, 'data');
  }
  expect(copies).toEqual(['one', 'two']);
  expect(kept[0]?.buffer).toBe(kept[1]?.buffer);
});

it('reads nothing while it is paused', async () => {
  const { socket, peer } = await socketPair();
  borrowBytes(socket, () => true);
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  socket.pause();
  const size = 16 * 1024 * 1024;
  peer.end(Buffer.alloc(size));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(bytes).toBe(0);
  expect(peer.writableLength).toBeGreaterThan(0);
  socket.resume();
  await once(socket, 'end');
  expect(bytes).toBe(size);
});

/** Text in which every part is different, in packets of all sizes. */
function manyPackets(bytes: number): Buffer[] {
  const packets: Buffer[] = [];
  let hash = createHash('sha512').update('seed').digest();
  for (let left = bytes; left > 0; left -= packets.at(-1)?.length ?? 0) {
    hash = createHash('sha512').update(hash).digest();
    packets.push(Buffer.alloc(1 + (hash.readUInt32LE(0) % 70_000), hash.toString('hex')));
  }
  return packets;
}

it.each([
  ['aes128-gcm@openssh.com', ''],
  ['aes256-gcm@openssh.com', ''],
  ['chacha20-poly1305@openssh.com', ''],
  ['aes128-ctr', 'hmac-sha2-256-etm@openssh.com'],
  ['aes256-ctr', 'hmac-sha2-512'],
])('brings every byte through, with %s %s', async (cipher, mac) => {
  const packets = manyPackets(4 * 1024 * 1024);
  const algorithms = { cipher: [cipher], ...(mac !== '' && { hmac: [mac] }) };
  const server = await scriptedServer({
    config: { algorithms: algorithms as never },
    serve: (connection) =>
      connection.on('session', (accept) =>
        accept().on('exec', (yes) => {
          const channel = yes();
          for (const packet of packets) channel.write(packet);
          channel.exit(0);
          channel.end();
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
  const channel = await connection.exec('send');
  const received = await textOf(channel.input);
  expect(received === Buffer.concat(packets).toString()).toBe(true);
});
