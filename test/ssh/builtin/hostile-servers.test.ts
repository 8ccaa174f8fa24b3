import { once } from 'node:events';
import { connect as connectNet } from 'node:net';
import type { ServerChannel } from 'ssh2';
import { expect, it } from 'vitest';
import { connect } from '../../../src/ssh/connect.ts';
import type { SshConnection } from '../../../src/ssh/connection.ts';
import type { ConnectOptions } from '../../../src/ssh/options.ts';
import { rawServer, type ScriptedServer, scriptedServer } from '../scripted-server.ts';
import { textOf } from '../streams.ts';

const environment = { home: '/nonexistent', user: 'tester', path: '' };

function open(server: ScriptedServer, options: Partial<ConnectOptions> = {}): Promise<SshConnection> {
  return connect(
    { host: '127.0.0.1', port: server.port },
    {
      transport: 'builtin',
      environment,
      args: ['-F', 'none'],
      hostKeys: [server.hostKey],
      connectTimeoutMs: 10_000,
      ...options,
    },
  );
}

/** A server that answers exec with what the test says. */
const execServer = (run: (channel: ServerChannel) => void): Promise<ScriptedServer> =>
  scriptedServer({
    serve: (connection) => connection.on('session', (accept) => accept().on('exec', (yes) => run(yes()))),
  });

it('gives up a server that says nothing when the time is over', async () => {
  const server = await rawServer(() => {});
  await expect(open(server, { connectTimeoutMs: 100 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
});

it('takes the limit from ConnectTimeout', async () => {
  const server = await rawServer(() => {});
  const { connectTimeoutMs: _, ...options } = { connectTimeoutMs: 0 };
  const attempt = connect(
    { host: '127.0.0.1', port: server.port },
    { transport: 'builtin', environment, args: ['-F', 'none', '-oConnectTimeout=1'], ...options },
  );
  await expect(attempt).rejects.toMatchObject({ code: 'ERR_TIMEOUT', message: expect.stringContaining('1 s') });
});

it('gives up a server that stops in the middle of the key exchange', async () => {
  const server = await rawServer((socket) => socket.write('SSH-2.0-stops\r\n'));
  await expect(open(server, { connectTimeoutMs: 200 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
});

it('gives up a server that never answers a login', async () => {
  const server = await scriptedServer({ authenticate: () => {} });
  await expect(open(server, { connectTimeoutMs: 300 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
});

it.each([
  ['closes at once', (end: () => void) => end(), ''],
  ['says goodbye in words', (end: () => void) => end(), 'go away\r\n'],
])('reports a server that %s', async (_, act, text) => {
  const server = await rawServer((socket) => {
    socket.write(text);
    act(() => socket.end());
  });
  await expect(open(server)).rejects.toMatchObject({ name: 'ConnectionError', phase: 'handshake' });
});

it.each([
  ['noise without a line end', Buffer.alloc(1_000_000, 0xee)],
  ['endless lines', Buffer.from('hello\r\n'.repeat(200_000))],
  ['another version', Buffer.from('SSH-1.5-old\r\n')],
  ['a packet of absurd length', Buffer.concat([Buffer.from('SSH-2.0-x\r\n'), Buffer.alloc(64, 0xff)])],
  ['an HTTP answer', Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')],
])('refuses a server that sends %s', async (_, bytes) => {
  const server = await rawServer((socket) => socket.end(bytes));
  await expect(open(server)).rejects.toMatchObject({ name: 'ConnectionError' });
});

it('refuses a connection that nobody accepts, with a cure', async () => {
  const server = await rawServer(() => {});
  const options = { transport: 'builtin' as const, environment, args: ['-F', 'none'] };
  const port = server.port === 1 ? 2 : 1;
  await expect(connect({ host: '127.0.0.1', port }, options)).rejects.toMatchObject({
    phase: 'connect',
    message: expect.stringContaining('Connection refused'),
    cure: expect.stringContaining('port'),
  });
});

it('reports a name that does not resolve', async () => {
  const options = { transport: 'builtin' as const, environment, args: ['-F', 'none'], connectTimeoutMs: 5000 };
  await expect(connect({ host: 'no-such-host.invalid' }, options)).rejects.toMatchObject({ phase: 'resolve' });
});

it('rejects with the reason of an aborted signal, before and during the attempt', async () => {
  const server = await rawServer(() => {});
  const reason = new Error('changed my mind');
  await expect(open(server, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const abort = new AbortController();
  const attempt = open(server, { signal: abort.signal });
  setImmediate(() => abort.abort(reason));
  await expect(attempt).rejects.toBe(reason);
});

it('understands an identification line that comes byte by byte', async () => {
  const server = await execServer((channel) => {
    channel.exit(0);
    channel.end('fine');
  });
  const relay = await rawServer((socket) => {
    const onward = connectNet(server.port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.pipe(onward);
    let slow = 40;
    const drip = async (chunk: Buffer): Promise<void> => {
      onward.pause();
      let sent = 0;
      for (; slow > 0 && sent < chunk.length; slow--) {
        socket.write(chunk.subarray(sent, ++sent));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      socket.write(chunk.subarray(sent));
      onward.resume();
    };
    onward.on('data', (chunk: Buffer) => void drip(chunk));
    onward.on('error', () => {});
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  const connection = await open({ ...relay, hostKey: server.hostKey });
  const channel = await connection.exec('x');
  expect(await textOf(channel.input)).toBe('fine');
  await connection.close();
});

it('gives up a channel that is never opened', async () => {
  const server = await scriptedServer({ serve: (connection) => connection.on('session', () => {}) });
  const connection = await open(server, { connectTimeoutMs: 500 });
  await expect(connection.exec('x')).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  await connection.close();
});

it('reports a server that refuses exec or a subsystem', async () => {
  const server = await scriptedServer({
    serve: (connection) =>
      connection.on('session', (accept) => {
        const session = accept();
        session.on('exec', (_yes, no) => no());
        session.on('subsystem', (_yes, no) => no());
      }),
  });
  const connection = await open(server);
  await expect(connection.exec('x')).rejects.toMatchObject({ code: 'ERR_NOT_OFFERED' });
  await expect(connection.subsystem('sftp')).rejects.toMatchObject({ code: 'ERR_NOT_OFFERED' });
  await connection.close();
});

it('settles a request that is waiting when the server goes away', async () => {
  const server = await scriptedServer({ serve: (connection) => connection.on('session', () => connection.end()) });
  const connection = await open(server);
  await expect(connection.exec('x')).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
  await expect(connection.exec('x')).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' });
  await connection.close();
});

it('reports signals without SIG', async () => {
  const server = await execServer((channel) => {
    channel.exit('TERM', false, 'killed');
    channel.end();
  });
  const connection = await open(server);
  const channel = await connection.exec('x');
  channel.input.resume();
  expect(await channel.exit).toEqual({ code: null, signal: 'TERM' });
  await connection.close();
});

it('gives no exit status where none came', async () => {
  const server = await execServer((channel) => channel.close());
  const connection = await open(server);
  const channel = await connection.exec('x');
  channel.input.resume();
  expect(await channel.exit).toEqual({ code: null, signal: null });
  await connection.close();
});

it('ends a connection whose server ignores the window', async () => {
  const server = await execServer((channel) => {
    const inside = channel as unknown as {
      outgoing: { id: number };
      _client: { _protocol: { channelData(id: number, data: Buffer): void } };
    };
    const block = Buffer.alloc(30_000);
    // Whether the client's socket takes it or not, all of this is sent.
    for (let i = 0; i < 1024; i++) inside._client._protocol.channelData(inside.outgoing.id, block);
  });
  const connection = await open(server);
  const channel = await connection.exec('x');
  expect((await channel.exit).lost).toMatchObject({ code: 'ERR_LIMIT' });
  await connection.close();
});

it('gives up a server that has gone silent, where an idle timeout is set', async () => {
  const server = await execServer(() => {});
  const connection = await open(server, { idleTimeoutMs: 200 });
  const channel = await connection.exec('x');
  expect((await channel.exit).lost).toMatchObject({ code: 'ERR_TIMEOUT' });
  await connection.close();
});

it('does not take a slow reader for a silent server', async () => {
  const server = await execServer((channel) => channel.write(Buffer.alloc(4 * 1024 * 1024)));
  const connection = await open(server, { idleTimeoutMs: 100 });
  const channel = await connection.exec('x');
  const first = await Promise.race([channel.exit, new Promise((resolve) => setTimeout(resolve, 400, 'still there'))]);
  expect(first).toBe('still there');
  await connection.close();
});

it('does not crash on writes after the server went away', async () => {
  const server = await scriptedServer({
    serve: (connection) =>
      connection.on('session', (accept) =>
        accept().on('exec', (yes) => {
          yes();
          connection.end();
        }),
      ),
  });
  const connection = await open(server);
  const channel = await connection.exec('x');
  expect((await channel.exit).lost).toBeInstanceOf(Error);
  const error = await new Promise((resolve) => channel.output.write('late', resolve));
  expect(error).toBeInstanceOf(Error);
  channel.output.end();
  channel.close();
  if (!channel.input.destroyed) {
    channel.input.resume();
    if (!channel.input.readableEnded) await once(channel.input, 'end');
  }
  await connection.close();
});
