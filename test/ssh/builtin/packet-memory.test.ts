import { createHash } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { borrowBytes } from '../../../src/base/lent-bytes.ts';
import { connect } from '../../../src/ssh/connect.ts';
import type { SshConnection } from '../../../src/ssh/connection.ts';
import { scriptedServer } from '../scripted-server.ts';

const MEBIBYTE = 1024 * 1024;

/** Bytes that are nowhere the same for long. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let value = 1;
  for (let at = 0; at + 4 <= length; at += 4) {
    value = (Math.imul(value, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(value, at);
  }
  return bytes;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A server on which `echo` sends back what it gets, and `send` sends `content`, in pieces of odd lengths; `rekey` first. */
async function connected(
  content: Buffer,
  options: { rekey?: boolean; cipher?: string | undefined } = {},
): Promise<{ connection: SshConnection; got: () => Buffer }> {
  const received: Buffer[] = [];
  const server = await scriptedServer({
    serve: (ssh) =>
      ssh.on('session', (accept) =>
        accept().on('exec', (yes, _no, { command }) => {
          const channel = yes();
          if (command === 'take') {
            channel.on('data', (chunk: Buffer) => received.push(Buffer.from(chunk)));
            channel.on('end', () => {
              channel.exit(0);
              channel.end();
            });
            return;
          }
          void send(channel, content, () => {
            if (options.rekey === true) ssh.rekey();
          }).then(() => {
            channel.exit(0);
            channel.end();
          });
        }),
      ),
  });
  const connection = await connect(
    { host: '127.0.0.1', port: server.port },
    {
      transport: 'builtin',
      environment: { home: '/nonexistent', user: 'tester', path: '' },
      args: ['-F', 'none', ...(options.cipher === undefined ? [] : ['-c', options.cipher])],
      hostKeys: [server.hostKey],
    },
  );
  return { connection, got: () => Buffer.concat(received) };
}

async function send(channel: Writable, content: Buffer, halfway: () => void): Promise<void> {
  let at = 0;
  let told = false;
  for (let length = 1; at < content.length; length = (length * 7 + 13) % 99_991) {
    const piece = content.subarray(at, at + length);
    at += piece.length;
    if (!told && at > content.length / 2) {
      told = true;
      halfway();
    }
    if (!channel.write(piece)) await new Promise((resolve) => channel.once('drain', resolve));
  }
}

/** Reads as a reader does that copies at once. */
async function borrowed(input: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  borrowBytes(input, () => true);
  input.on('data', (chunk: Buffer) => pieces.push(Buffer.from(chunk)));
  await new Promise((resolve) => input.once('end', resolve));
  return Buffer.concat(pieces);
}

/** Reads as a reader does that keeps what it gets. */
async function kept(input: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  input.on('data', (chunk: Buffer) => pieces.push(chunk));
  await new Promise((resolve) => input.once('end', resolve));
  return Buffer.concat(pieces);
}

for (const cipher of [undefined, 'aes256-gcm@openssh.com', 'aes128-ctr', 'chacha20-poly1305@openssh.com'])
  for (const [how, read] of Object.entries({ borrowed, kept }))
    it(`content comes as it was sent: ${how}, ${cipher ?? 'the first cipher'}`, async () => {
      const content = noise(6 * MEBIBYTE + 3);
      const { connection } = await connected(content, { cipher });
      await using _ = connection;
      const channel = await connection.exec('send');
      expect(sha256(await read(channel.input))).toBe(sha256(content));
    });

it('content comes as it was sent where the keys are changed on the way', async () => {
  const content = noise(8 * MEBIBYTE);
  const { connection } = await connected(content, { rekey: true });
  await using _ = connection;
  const channel = await connection.exec('send');
  expect(sha256(await borrowed(channel.input))).toBe(sha256(content));
  const again = await connection.exec('send');
  expect(sha256(await borrowed(again.input))).toBe(sha256(content));
});

it('a reader that stops for a while gets everything', async () => {
  const content = noise(8 * MEBIBYTE);
  const { connection } = await connected(content);
  await using _ = connection;
  const { input } = await connection.exec('send');
  const pauses = setInterval(() => {
    input.pause();
    setTimeout(() => input.resume(), 1);
  }, 2);
  const read = await borrowed(input);
  clearInterval(pauses);
  expect(sha256(read)).toBe(sha256(content));
});

it('a server gets what was written, also where a channel sends while another one does', async () => {
  const content = noise(4 * MEBIBYTE);
  const { connection, got } = await connected(content);
  await using _ = connection;
  const down = await connection.exec('send');
  const reading = borrowed(down.input);
  const up = await connection.exec('take');
  up.input.resume();
  const sending = send(up.output, content, () => {}).then(() => up.output.end());
  await Promise.all([reading, sending, up.exit]);
  expect(sha256(got())).toBe(sha256(content));
  expect(sha256(await reading)).toBe(sha256(content));
});
