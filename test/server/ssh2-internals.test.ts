import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import ssh2, { type Connection } from 'ssh2';
import { expect, it, onTestFinished } from 'vitest';
import { makeHostKey } from './support.ts';

it('the installed ssh2 has everything of its inside that the server uses', async () => {
  const server = new ssh2.Server({ hostKeys: [{ key: makeHostKey().key }] });
  const listener = createServer((socket) => server.injectSocket(socket)).listen(0, '127.0.0.1');
  onTestFinished(() => void listener.close());
  await once(listener, 'listening');
  const accepted = once(server, 'connection') as Promise<[Connection]>;
  const socket = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write('SSH-2.0-test\r\n');
  const [client] = await accepted;
  client.on('error', () => {});
  const inside = client as unknown as {
    _protocol: {
      _onPayload: unknown;
      _handlers: Record<string, unknown>;
      channelFailure: unknown;
      channelClose: unknown;
    } & object;
    _chanMgr: Record<string, unknown>;
  };
  expect(inside._protocol._onPayload).toBeTypeOf('function');
  expect(inside._protocol._handlers['CHANNEL_REQUEST']).toBeTypeOf('function');
  expect(inside._protocol.channelFailure).toBeTypeOf('function');
  expect(inside._protocol.channelClose).toBeTypeOf('function');
  for (const name of ['_kexinit', '_queue']) expect(name in inside._protocol).toBe(true);
  for (const name of ['get', 'remove']) expect(inside._chanMgr[name]).toBeTypeOf('function');
});
